//! The list between `<` and `>`: layers with their labels, and labels that the
//! list goes on from.

mod arguments;
mod entry;
mod label;
mod letter;
mod size;
#[cfg(test)]
mod tests;

pub(super) use letter::Letter;
pub(super) use size::{KERNEL, WINDOW};

use proc_macro2::{Ident, TokenTree};

use super::ast::{ItemAst, LabelAst};
use super::tokens::{Piece, found, is_punct, literal, pieces, stream, text};
use crate::diagnostic::Diagnostics;
use crate::network::{Activation, Entry};

/// Reads every item between `<` and `>`.
pub(super) fn parse(inside: &[TokenTree], errors: &mut Diagnostics) -> Vec<ItemAst> {
    let mut items = Vec::new();
    for Piece { trees, comma } in pieces(inside) {
        if trees.is_empty() {
            let message = format!(
                "expected a layer before this comma, one of {}",
                letter::names()
            );
            errors.error(comma, message);
            continue;
        }
        let mut rest = trees;
        while !rest.is_empty() {
            let end = end_of_item(rest);
            items.push(item(&rest[..end], errors));
            rest = &rest[end..];
            if let Some(next) = rest.first() {
                let before = items.last().map_or("", |item| &item.text);
                let next_text = text(&rest[..end_of_item(rest)]);
                let message = format!("expected `,` between `{before}` and `{next_text}`");
                errors.error(next, message);
            }
        }
    }
    items
}

/// Whether `trees`, a name and a colon, are a layer with a label that lacks its
/// apostrophe.
pub(super) fn starts_labelled_layer(trees: &[TokenTree]) -> bool {
    label::without_apostrophe(trees).is_some()
        && matches!(trees.get(2), Some(TokenTree::Ident(name)) if Letter::read(name).is_some())
}

/// Where the next item starts although no comma is there, or the end.
fn end_of_item(trees: &[TokenTree]) -> usize {
    let labelled = match label::split(trees) {
        Some((_, rest)) => trees.len() - rest.len() + usize::from(is_punct(rest.first(), ':')),
        None if starts_labelled_layer(trees) => 2,
        None => 0,
    };
    // Of a label alone, what is missing before a layer is a colon, or a comma.
    let name = labelled.min(trees.len() - 1) + 1;
    let star = name + usize::from(is_punct(trees.get(name), '*'));
    let end = star + usize::from(matches!(trees.get(star), Some(TokenTree::Group(_))));
    let rest = trees.get(end..).unwrap_or(&[]);
    match rest.first() {
        Some(TokenTree::Ident(next)) if Letter::read(next).is_some() => end,
        Some(TokenTree::Punct(_)) if label::split(rest).is_some() => end,
        _ => trees.len(),
    }
}

/// Reads one item, its label first.
fn item(trees: &[TokenTree], errors: &mut Diagnostics) -> ItemAst {
    let mut item = ItemAst {
        tokens: stream(trees),
        text: text(trees),
        ..ItemAst::default()
    };
    let Some((name, rest)) = split_label(trees, errors) else {
        layer(trees, &mut item, errors);
        return item;
    };
    let (colon, after) = match rest.split_first() {
        Some((colon, after)) if is_punct(Some(colon), ':') => (true, after),
        _ => (false, rest),
    };
    if !colon && after.is_empty() {
        item.goes_on = true;
        item.entry = Some(Entry::From(name.name.clone()));
        item.reads.push(name);
        return item;
    }
    if !colon {
        let (label, layer) = (&name.name, text(after));
        let message = format!(
            "expected `:` or `,` after `'{label}`: `'{label}: {layer}` labels that layer, and \
             `'{label}, {layer}` goes on from the map of that label"
        );
        errors.error(&after[0], message);
    }
    let name_text = name.name.clone();
    item.text = text(after);
    item.label = Some(name);
    if after.is_empty() {
        item.text = text(trees);
        let message = format!("expected a layer after `'{name_text}:`, the label of what it makes");
        errors.error(stream(trees), message);
        return item;
    }
    if let Some((second, after)) = label::split(after) {
        let message = if is_punct(after.first(), ':') {
            format!("a layer has one label, and this one is called `'{name_text}` already")
        } else {
            item.label = None;
            format!(
                "a label is that of a layer, and `'{}` is none: leave `'{name_text}:` out",
                second.name
            )
        };
        errors.error(&second.tokens, message);
        item.reads = label::all_in(after);
        return item;
    }
    layer(after, &mut item, errors);
    if !colon {
        item.entry = None;
    }
    item
}

/// The label that an item starts with, one that lacks its apostrophe too.
fn split_label<'a>(
    trees: &'a [TokenTree],
    errors: &mut Diagnostics,
) -> Option<(LabelAst, &'a [TokenTree])> {
    if let Some(split) = label::split(trees) {
        return Some(split);
    }
    let (name, message) = if let Some(name) = label::without_apostrophe(trees) {
        let message = format!("a label has an apostrophe before it: `'{name}:`");
        (name.to_string(), message)
    } else {
        let name = character(trees).filter(|_| is_punct(trees.get(1), ':'))?;
        let message =
            format!("a label has one apostrophe, `'{name}`, found the character `'{name}'`");
        (name, message)
    };
    let tokens = stream(&trees[..1]);
    errors.error(&tokens, message);
    Some((LabelAst { tokens, name }, &trees[1..]))
}

/// Reads a layer: a letter, a star or none, arguments.
fn layer(trees: &[TokenTree], item: &mut ItemAst, errors: &mut Diagnostics) {
    // Of a layer that is wrong, its labels are still known.
    item.reads = label::all_in(trees);
    let Some((TokenTree::Ident(name), mut rest)) = trees.split_first() else {
        errors.error(&trees[0], no_layer(&trees[..1]));
        return;
    };
    let Some(letter) = Letter::read(name) else {
        errors.error(name, letter::unknown(name));
        return;
    };
    item.letter = Some(letter);
    let star = rest.first().filter(|tree| is_punct(Some(tree), '*'));
    if star.is_some() {
        rest = &rest[1..];
    }
    let mut right = true;
    if let Some(star) = star.filter(|_| !letter.signature().has_star) {
        errors.error(star, no_star(letter));
        right = false;
    }
    let group = match rest.split_first() {
        Some((TokenTree::Group(group), after)) => {
            rest = after;
            Some(group)
        }
        _ => None,
    };
    if let Some(surplus) = rest.first() {
        right = false;
        if is_punct(Some(surplus), '*') && star.is_none() && group.is_some() {
            let (name, arguments) = (letter.name(), text(&trees[1..trees.len() - rest.len()]));
            let message = format!("the star comes before the arguments: `{name}*{arguments}`");
            errors.error(surplus, message);
        } else {
            let written = text(&trees[..trees.len() - rest.len()]);
            errors.error(
                stream(rest),
                format!("expected `,` or `>` after `{written}`, {}", found(rest)),
            );
        }
    }
    // What follows is not read: it may be the arguments.
    if !rest.is_empty() && group.is_none() {
        return;
    }
    let activation = if star.is_some() {
        Activation::Linear
    } else {
        Activation::Relu
    };
    let entry = arguments::read(letter, activation, name, group, item, errors);
    item.entry = entry.filter(|_| right);
}

fn no_layer(first: &[TokenTree]) -> String {
    let (names, found) = (letter::names(), found(first));
    format!("expected a layer, one of {names}, {found}")
}

/// What is in the character literal that `trees` start with: `'a'`.
fn character(trees: &[TokenTree]) -> Option<String> {
    let text = literal(trees.get(..1)?)?.to_string();
    let name = text.strip_prefix('\'')?.strip_suffix('\'')?;
    Some(name.to_owned())
}

fn no_star(letter: Letter) -> String {
    let name = letter.name();
    match letter {
        Letter::R => "`R` takes no star: a ReLU follows both of its convolutions".to_owned(),
        Letter::A
        | Letter::M
        | Letter::C1
        | Letter::C2
        | Letter::T
        | Letter::D
        | Letter::Add
        | Letter::Cat
        | Letter::G
        | Letter::Bonsai
        | Letter::Proto
        | Letter::Dr
        | Letter::N => format!(
            "`{name}` takes no star: a star leaves out the activation, and `{name}` has none"
        ),
    }
}

/// The name that stands alone in `trees`.
fn word(trees: &[TokenTree]) -> Option<&Ident> {
    super::tokens::ident(trees)
}
