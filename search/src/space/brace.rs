//! `C1({4,8},{1,3})`: a layer for each of what braces list. `{c=4,8}` has a name: `{c}` further on is
//! the same word.

/// Every text that comes of taking one of each brace's words, the first brace slowest; the text
/// itself where it has none.
pub(super) fn expand(text: &str) -> Vec<String> {
    let Some((before, rest)) = text.split_once('{') else {
        return vec![text.to_owned()];
    };
    let Some((inside, after)) = rest.split_once('}') else {
        return vec![text.to_owned()];
    };
    let (name, words) = match inside.split_once('=') {
        Some((name, words)) => (Some(name.trim()), words),
        None => (None, inside),
    };
    let words = words.split(',').map(str::trim);
    words
        .flat_map(|word| {
            let after = match name {
                Some(name) => after.replace(&format!("{{{name}}}"), word),
                None => after.to_owned(),
            };
            let tails = expand(&after).into_iter();
            tails.map(move |tail| format!("{before}{word}{tail}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn braces_are_expanded_one_by_another() {
        assert_eq!(expand("M"), ["M"]);
        assert_eq!(
            expand("C1({4, 8},{1,3}, stride: 2)"),
            [
                "C1(4,1, stride: 2)",
                "C1(4,3, stride: 2)",
                "C1(8,1, stride: 2)",
                "C1(8,3, stride: 2)"
            ]
        );
        assert_eq!(expand("C1({4,8"), ["C1({4,8"]);
    }

    #[test]
    fn a_brace_with_a_name_is_the_same_word_wherever_the_name_is() {
        assert_eq!(
            expand("C1({c=4, 8},{1,3}), C1({c},3)"),
            [
                "C1(4,1), C1(4,3)",
                "C1(4,3), C1(4,3)",
                "C1(8,1), C1(8,3)",
                "C1(8,3), C1(8,3)"
            ]
        );
        assert_eq!(
            expand("C1({c=4},{d=1}), D({d}), D({c})"),
            ["C1(4,1), D(1), D(4)"]
        );
        // Nobody has that name.
        assert_eq!(expand("C1({c})"), ["C1(c)"]);
    }
}
