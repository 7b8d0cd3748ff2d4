//! Small helpers over token trees.

use proc_macro2::{Delimiter, Group, Ident, Literal, TokenStream, TokenTree};

use crate::diagnostic::Diagnostics;

/// The trees of `tokens`; the invisible groups that `macro_rules!` puts around
/// fragments such as `$n:literal` are opened.
pub(super) fn trees(tokens: TokenStream) -> Vec<TokenTree> {
    let mut flat = Vec::new();
    let mut pending = vec![tokens.into_iter()];
    while let Some(iterator) = pending.last_mut() {
        match iterator.next() {
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::None => {
                pending.push(group.stream().into_iter());
            }
            Some(tree) => flat.push(tree),
            None => {
                pending.pop();
            }
        }
    }
    flat
}

/// The stream of `trees`, to point an error at.
pub(super) fn stream(trees: &[TokenTree]) -> TokenStream {
    trees.iter().cloned().collect()
}

/// Whether `tree` is the punctuation mark `mark`.
pub(super) fn is_punct(tree: Option<&TokenTree>, mark: char) -> bool {
    matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == mark)
}

/// Whether a key starts at `trees`: a name and one colon, not two.
pub(super) fn starts_key(trees: &[TokenTree]) -> bool {
    matches!(trees.first(), Some(TokenTree::Ident(_)))
        && is_punct(trees.get(1), ':')
        && !is_punct(trees.get(2), ':')
}

/// A stretch between two commas.
pub(super) struct Piece<'a> {
    pub(super) trees: &'a [TokenTree],
    /// The comma after it.
    pub(super) comma: Option<&'a TokenTree>,
}

/// Cuts at commas; what follows a last comma is no piece when it is empty.
pub(super) fn pieces(trees: &[TokenTree]) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = trees;
    while !rest.is_empty() {
        let end = rest
            .iter()
            .position(|tree| is_punct(Some(tree), ','))
            .unwrap_or(rest.len());
        pieces.push(Piece {
            trees: &rest[..end],
            comma: rest.get(end),
        });
        rest = rest.get(end + 1..).unwrap_or(&[]);
    }
    pieces
}

/// The source text of `trees`, for messages: `D*(10)`, `[28, 28, 1]`.
pub(super) fn text(trees: &[TokenTree]) -> String {
    spaced_text(trees, true)
}

fn spaced_text(trees: &[TokenTree], spaced: bool) -> String {
    let mut text = String::new();
    for tree in trees {
        let piece = match tree {
            TokenTree::Group(group) => group_text(group),
            other => other.to_string(),
        };
        let word = |c: char| c.is_alphanumeric() || c == '_' || c == '"';
        let words = text.ends_with(word) && piece.starts_with(word);
        let number = matches!(tree, TokenTree::Literal(_));
        let after_comma = text.ends_with(',') && (spaced || !number);
        let after_colon = text.ends_with(':') && !text.ends_with("::");
        if words || after_comma || after_colon {
            text.push(' ');
        }
        text.push_str(&piece);
    }
    text
}

fn group_text(group: &Group) -> String {
    let (open, close) = match group.delimiter() {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    };
    let inner = trees(group.stream());
    // Deeper groups are of no use in a message, and may nest without end.
    let inner = match inner.iter().any(|tree| matches!(tree, TokenTree::Group(_))) {
        true => "…".to_owned(),
        // Numbers stand close, as the papers write them: `C1(8,3)`.
        false => spaced_text(&inner, group.delimiter() != Delimiter::Parenthesis),
    };
    format!("{open}{inner}{close}")
}

/// `trees` as the end of a message: "found `x`", shortened where it is long.
pub(super) fn found(trees: &[TokenTree]) -> String {
    const MOST: usize = 40;
    if trees.is_empty() {
        return "found nothing".to_owned();
    }
    let text = text(trees);
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("found `{}…`", &text[..end]),
        None => format!("found `{text}`"),
    }
}

/// The one name that `trees` are.
pub(super) fn ident(trees: &[TokenTree]) -> Option<&Ident> {
    match trees {
        [TokenTree::Ident(ident)] => Some(ident),
        _ => None,
    }
}

/// The one literal that `trees` are.
pub(super) fn literal(trees: &[TokenTree]) -> Option<&Literal> {
    match trees {
        [TokenTree::Literal(literal)] => Some(literal),
        _ => None,
    }
}

/// The one group that `trees` are.
pub(super) fn group(trees: &[TokenTree]) -> Option<&Group> {
    match trees {
        [TokenTree::Group(group)] => Some(group),
        _ => None,
    }
}

/// The string literal that `trees` are.
pub(super) fn string(trees: &[TokenTree]) -> Option<syn::LitStr> {
    let literal = literal(trees)?;
    match syn::Lit::new(literal.clone()) {
        syn::Lit::Str(string) if string.suffix().is_empty() => Some(string),
        _ => None,
    }
}

/// The number that `trees` are, whole or with a point.
pub(super) fn number(trees: &[TokenTree]) -> Option<f64> {
    match syn::Lit::new(literal(trees)?.clone()) {
        syn::Lit::Float(number) if number.suffix().is_empty() => number.base10_parse().ok(),
        syn::Lit::Int(number) if number.suffix().is_empty() => number.base10_parse().ok(),
        _ => None,
    }
}

/// The integer literal that `trees` are, as large as 64 bits can say; an error
/// at them, or at `place` where there are none, when they are something else.
pub(super) fn integer(
    trees: &[TokenTree],
    place: &TokenTree,
    expected: &str,
    errors: &mut Diagnostics,
) -> Option<u64> {
    let Some(syn::Lit::Int(number)) = literal(trees).map(|number| syn::Lit::new(number.clone()))
    else {
        let at = if trees.is_empty() {
            stream(std::slice::from_ref(place))
        } else {
            stream(trees)
        };
        errors.error(at, format!("expected {expected}, {}", found(trees)));
        return None;
    };
    if !number.suffix().is_empty() {
        let message =
            format!("expected {expected}, found `{number}`: write the number without a suffix");
        errors.error(&number, message);
        return None;
    }
    // More digits than 64 bits hold: out of any range that follows.
    Some(number.base10_parse().unwrap_or(u64::MAX))
}

/// "2", "2 or 4", "1, 3, 5 or 7".
pub(super) fn alternatives<T: ToString>(values: &[T]) -> String {
    let values: Vec<_> = values.iter().map(T::to_string).collect();
    match values.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}
