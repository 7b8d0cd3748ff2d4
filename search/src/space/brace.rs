//! `C1({4,8},{1,3})`: a layer for each of what braces list.

/// Every text that comes of taking one of each brace's words, the first brace slowest; the text
/// itself where it has none.
pub(super) fn expand(text: &str) -> Vec<String> {
    let Some((before, rest)) = text.split_once('{') else {
        return vec![text.to_owned()];
    };
    let Some((words, after)) = rest.split_once('}') else {
        return vec![text.to_owned()];
    };
    let tails = expand(after);
    let words = words.split(',').map(str::trim);
    words
        .flat_map(|word| {
            let tails = tails.iter();
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
}
