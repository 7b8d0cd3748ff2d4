//! Labels: `'name`, as Rust writes lifetimes.

use proc_macro2::{Ident, TokenTree};

use crate::syntax::ast::LabelAst;
use crate::syntax::tokens::{is_punct, stream};

/// The label that `trees` start with, and what follows it.
pub(super) fn split(trees: &[TokenTree]) -> Option<(LabelAst, &[TokenTree])> {
    match trees {
        [mark, TokenTree::Ident(name), rest @ ..] if is_punct(Some(mark), '\'') => {
            let label = LabelAst {
                tokens: stream(&trees[..2]),
                name: name.to_string(),
            };
            Some((label, rest))
        }
        _ => None,
    }
}

/// Every label anywhere in `trees`, for what could not be read otherwise.
pub(super) fn all_in(trees: &[TokenTree]) -> Vec<LabelAst> {
    let mut labels = Vec::new();
    for (at, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                // Labels are no deeper than in a layer's arguments.
                labels.extend((0..inner.len()).filter_map(|at| Some(split(&inner[at..])?.0)));
            }
            TokenTree::Punct(_) => labels.extend(split(&trees[at..]).map(|(label, _)| label)),
            TokenTree::Ident(_) | TokenTree::Literal(_) => {}
        }
    }
    labels
}

/// `name` without its apostrophe, as the start of a layer: `name: C1(8,3)`.
pub(super) fn without_apostrophe(trees: &[TokenTree]) -> Option<&Ident> {
    match trees {
        [TokenTree::Ident(name), colon, rest @ ..]
            if is_punct(Some(colon), ':') && !is_punct(rest.first(), ':') =>
        {
            Some(name)
        }
        _ => None,
    }
}
