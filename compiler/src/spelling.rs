//! Which known word a misspelt one is likely meant to be.

/// More is no slip of the keyboard.
const MOST_SLIPS: usize = 2;
/// Longer words are compared with none: the time grows with the square.
const LONGEST_WORD_BYTES: usize = 64;

/// The word of `known` that is at most two slips from `name`, the nearest and of
/// equals the first.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST_WORD_BYTES {
        return None;
    }
    let name = name.to_lowercase();
    let known = known.into_iter();
    let similar = known.filter_map(|word| Some((slips(&name, word)?, word)));
    similar
        .min_by_key(|&(slips, _)| slips)
        .map(|(_, word)| word)
}

fn slips(name: &str, word: &str) -> Option<usize> {
    if word.len() > LONGEST_WORD_BYTES {
        return None;
    }
    let slips = strsim::osa_distance(name, &word.to_lowercase());
    Some(slips).filter(|&slips| slips <= MOST_SLIPS.min(word.len() / 2))
}
