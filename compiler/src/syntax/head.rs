//! The declaration up to its keys: attributes, visibility, name, input and the
//! place of the list.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Visibility};

use super::ast::{InputAst, ListAst, Source};
use super::keys::Key;
use super::tokens::{Piece, found, integer, is_punct, pieces, starts_key, stream, trees};
use super::{keys, list as items, model};
use crate::diagnostic::Diagnostics;
use crate::network::{MOST_CHANNELS, Shape};

const FORM: &str = "`Name: [height, width, channels] => < layers >`";
const INPUT_FORM: &str = "`[height, width, channels]`";
/// Of an input's sides.
const LONGEST_SIDE: u64 = 65_535;

/// Reads the whole declaration.
pub(super) fn parse(tokens: TokenStream, errors: &mut Diagnostics) -> Source {
    let flat = trees(tokens);
    let (attributes, visibility, rest) = attributes_and_visibility(&flat, errors);
    let mut cursor = Cursor {
        trees: &rest,
        position: 0,
    };
    let name = name(&mut cursor, errors);
    generics(&mut cursor, errors);
    let model = match is_punct(cursor.peek(), ':') {
        true => model::length(&cursor.rest()[1..]),
        false => 0,
    };
    if model > 0 {
        cursor.position += 1 + model;
        let model = model::read(&rest[cursor.position - model..cursor.position], errors);
        cursor.take(',');
        let (keys, values) = keys::parse(up_to_another(cursor.rest(), errors), errors);
        return Source {
            attributes,
            visibility,
            name,
            input: InputAst::default(),
            list: ListAst::default(),
            model: Some(model),
            keys,
            values,
        };
    }
    let input = match cursor.at_end() {
        true if name.is_none() => InputAst::default(),
        _ => input(&mut cursor, name.is_some(), errors),
    };
    let arrow = is_punct(cursor.peek(), '=') || is_punct(cursor.peek(), '<');
    let list = match input.tokens.is_empty() && !arrow {
        // That there is no input is reported; where its list is, is not known.
        true => {
            cursor.skip_while(|rest| !starts_key(rest));
            Default::default()
        }
        false => list(&mut cursor, errors),
    };
    let rest = up_to_another(cursor.rest(), errors);
    let (keys, values) = keys::parse(rest, errors);
    Source {
        attributes,
        visibility,
        name,
        input,
        list,
        model: None,
        keys,
        values,
    }
}

struct Cursor<'a> {
    trees: &'a [TokenTree],
    position: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a [TokenTree] {
        &self.trees[self.position..]
    }

    fn peek(&self) -> Option<&'a TokenTree> {
        self.trees.get(self.position)
    }

    fn at_end(&self) -> bool {
        self.position == self.trees.len()
    }

    fn next(&mut self) -> Option<&'a TokenTree> {
        let tree = self.peek()?;
        self.position += 1;
        Some(tree)
    }

    fn take(&mut self, mark: char) -> bool {
        let there = is_punct(self.peek(), mark);
        self.position += usize::from(there);
        there
    }

    fn skip_while(&mut self, skipped: impl Fn(&[TokenTree]) -> bool) {
        while !self.at_end() && skipped(self.rest()) {
            self.position += 1;
        }
    }

    /// An error at the next token, or at the last when there is no other.
    fn expected(&self, what: &str, errors: &mut Diagnostics) {
        let found = match self.peek() {
            Some(tree) => found(std::slice::from_ref(tree)),
            None => "found the end of the declaration".to_owned(),
        };
        let place = self.peek().or(self.trees.last());
        errors.error(place.to_token_stream(), format!("expected {what}, {found}"));
    }
}

type Head = (Vec<Attribute>, Visibility, Vec<TokenTree>);

fn attributes_and_visibility(flat: &[TokenTree], errors: &mut Diagnostics) -> Head {
    let parser = |input: ParseStream<'_>| {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        Ok((
            attributes,
            visibility,
            input.parse::<TokenStream>()?.into_iter().collect(),
        ))
    };
    parser.parse2(stream(flat)).unwrap_or_else(|error| {
        match flat {
            [hash, bang, ..] if is_punct(Some(hash), '#') && is_punct(Some(bang), '!') => {
                let message =
                    "expected `#[…]`: an attribute of a network comes before its name, found `#!`";
                errors.error(stream(&flat[..2]), message);
            }
            _ => errors.push(error),
        }
        // Go on at the name, the word before the first colon.
        let colon = flat
            .iter()
            .position(|tree| is_punct(Some(tree), ':'))
            .unwrap_or(0);
        (
            Vec::new(),
            Visibility::Inherited,
            flat[colon.saturating_sub(1)..].to_vec(),
        )
    })
}

fn name(cursor: &mut Cursor<'_>, errors: &mut Diagnostics) -> Option<Ident> {
    let Some(TokenTree::Ident(first)) = cursor.peek() else {
        cursor.expected(&format!("the network's name, {FORM}"), errors);
        cursor.skip_while(|rest| {
            !matches!(rest[0], TokenTree::Group(_)) && !is_punct(rest.first(), ':')
        });
        return None;
    };
    cursor.next();
    if let Ok(name) = syn::parse2::<Ident>(first.to_token_stream()) {
        return Some(name);
    }
    let message = format!("expected the network's name, found the keyword `{first}`");
    match cursor.peek() {
        // `struct Digits: …`
        Some(TokenTree::Ident(second)) if first != "_" => {
            cursor.next();
            errors.error(
                first,
                format!("{message}: leave it out, a network is {FORM}"),
            );
            syn::parse2(second.to_token_stream()).ok()
        }
        _ => {
            errors.error(first, message);
            None
        }
    }
}

/// Skips `<T>` after the name, which is an error.
fn generics(cursor: &mut Cursor<'_>, errors: &mut Diagnostics) {
    if !is_punct(cursor.peek(), '<') {
        return;
    }
    let start = cursor.position;
    let open = |trees: &[TokenTree]| {
        let marks = |mark| {
            trees
                .iter()
                .filter(|tree| is_punct(Some(tree), mark))
                .count()
        };
        marks('<') > marks('>')
    };
    let rest = cursor.rest();
    let Some(length) = (1..=rest.len()).find(|&length| !open(&rest[..length])) else {
        return;
    };
    // Of `N < layers >`, whose input is missing, there is nothing more to take.
    if !is_punct(rest.get(length), ':') {
        return;
    }
    cursor.position += length;
    errors.error(
        stream(&cursor.trees[start..cursor.position]),
        "a network takes no generic parameters: leave them out",
    );
}

/// Where another network's name is.
fn another(trees: &[TokenTree]) -> Option<usize> {
    let begins = |at: usize| {
        matches!(
            &trees[at..],
            [TokenTree::Ident(_), colon, TokenTree::Group(shape), arrow, ..]
                if is_punct(Some(colon), ':')
                    && shape.delimiter() == Delimiter::Bracket
                    && is_punct(Some(arrow), '=')
        )
    };
    (0..trees.len()).find(|&at| begins(at))
}

/// What is before another network's name, which is an error.
fn up_to_another<'a>(trees: &'a [TokenTree], errors: &mut Diagnostics) -> &'a [TokenTree] {
    let Some(another) = another(trees) else {
        return trees;
    };
    let name = &trees[another];
    errors.error(
        name,
        format!("`herringbone::network!` declares one network: declare `{name}` in another"),
    );
    // Its visibility, attributes and comments are before its name.
    let end = trees[..another]
        .iter()
        .rposition(|tree| is_punct(Some(tree), ';') || is_punct(Some(tree), ','));
    &trees[..end.unwrap_or(0)]
}

/// The colon and the brackets.
fn input(cursor: &mut Cursor<'_>, named: bool, errors: &mut Diagnostics) -> InputAst {
    if cursor.at_end() {
        cursor.expected(&format!("`:` and the input's shape, {INPUT_FORM}"), errors);
        return InputAst::default();
    }
    if !cursor.take(':') && named {
        cursor.expected("`:` after the network's name", errors);
        cursor.skip_while(|rest| {
            matches!(rest[0], TokenTree::Punct(_)) && !is_punct(rest.first(), '<')
        });
    }
    let Some(place @ TokenTree::Group(group)) = cursor.peek() else {
        cursor.expected(&format!("the input's shape, {INPUT_FORM}"), errors);
        cursor.skip_while(|rest| {
            !is_punct(rest.first(), '=') && !is_punct(rest.first(), '<') && !starts_key(rest)
        });
        return InputAst::default();
    };
    cursor.next();
    if group.delimiter() != Delimiter::Bracket {
        errors.error(
            group,
            format!("expected the input's shape in brackets, {INPUT_FORM}"),
        );
    }
    InputAst {
        tokens: group.to_token_stream(),
        shape: shape(place, group, errors),
        values: values_as_written(group),
    }
}

fn shape(place: &TokenTree, group: &Group, errors: &mut Diagnostics) -> Option<Shape> {
    let inner = trees(group.stream());
    let dimensions = pieces(&inner);
    if dimensions.len() != 3 {
        let count = dimensions.len();
        errors.error(
            group,
            format!("expected 3 dimensions, {INPUT_FORM}, found {count}"),
        );
        return None;
    }
    let names = [
        ("height", LONGEST_SIDE),
        ("width", LONGEST_SIDE),
        ("channels", MOST_CHANNELS.into()),
    ];
    let values: Vec<_> = names
        .iter()
        .zip(&dimensions)
        .filter_map(|(&(name, most), piece)| {
            let expected = format!("the input's {name}, from 1 to {most}");
            let value = integer(piece.trees, place, &expected, errors)?;
            if (1..=most).contains(&value) {
                return Some(value as u32);
            }
            let found = found(piece.trees);
            errors.error(stream(piece.trees), format!("expected {expected}, {found}"));
            None
        })
        .collect();
    match values[..] {
        [height, width, channels] => Some(Shape::new(height, width, channels)),
        _ => None,
    }
}

/// The product of the dimensions, wrong as they may be.
fn values_as_written(group: &Group) -> Option<usize> {
    let mut unreported = Diagnostics::new();
    let inner = trees(group.stream());
    let mut product = 1_u64;
    for Piece { trees, .. } in pieces(&inner) {
        let dimension = integer(trees, trees.first()?, "", &mut unreported)?;
        product = product.checked_mul(dimension)?;
    }
    u32::try_from(product)
        .ok()
        .filter(|&product| product > 0)
        .map(|product| product as usize)
}

/// The arrow and the list.
fn list(cursor: &mut Cursor<'_>, errors: &mut Diagnostics) -> ListAst {
    if cursor.at_end() {
        cursor.expected("`=>` and the layers, `=> < … >`", errors);
        return Default::default();
    }
    if !(cursor.take('=') && cursor.take('>')) {
        cursor.expected("`=>` between the input's shape and the layers", errors);
        cursor.skip_while(|rest| {
            matches!(&rest[0], TokenTree::Punct(punct) if !matches!(punct.as_char(), '<' | ','))
        });
        if !is_punct(cursor.peek(), '<') {
            cursor.skip_while(|rest| !starts_key(rest));
            return Default::default();
        }
    }
    if let Some(TokenTree::Group(group)) = cursor.peek() {
        errors.error(group, "expected the layers between `<` and `>`");
        cursor.next();
        end_of_list(cursor, errors);
        return ListAst {
            tokens: group.to_token_stream(),
            items: items::parse(&trees(group.stream()), errors),
        };
    }
    let start = cursor.position;
    let opened = cursor.take('<');
    if !opened {
        cursor.expected("`<` before the first layer", errors);
    }
    let rest = cursor.rest();
    // The `>` of `::<5>` ends no list.
    let in_turbofish = |at: usize| {
        let before = rest[..at]
            .iter()
            .rposition(|tree| is_punct(Some(tree), '<'));
        before.is_some_and(|open| {
            open >= 2
                && is_punct(rest.get(open - 1), ':')
                && is_punct(rest.get(open - 2), ':')
                && !rest[open..at].iter().any(|tree| is_punct(Some(tree), '>'))
        })
    };
    let end = (0..rest.len())
        .find(|&at| {
            is_punct(rest.get(at), '>') && !in_turbofish(at) || starts_key_after_list(rest, at)
        })
        .unwrap_or(rest.len());
    let inside = &rest[..end];
    cursor.position += end;
    let closed = cursor.take('>');
    let tokens = stream(&cursor.trees[start..cursor.position]);
    if closed {
        end_of_list(cursor, errors);
    } else if opened {
        let last = pieces(inside).last().map(|piece| stream(piece.trees));
        let last = last
            .filter(|last| !last.is_empty())
            .unwrap_or_else(|| tokens.clone());
        errors.error(last, "expected `>` after the last layer");
    }
    if inside.is_empty() && opened && closed {
        errors.error(
            &tokens,
            "the list is empty: expected at least one layer, such as `D*(10)`",
        );
    }
    let items = items::parse(inside, errors);
    ListAst { tokens, items }
}

/// Whether a key starts there, and no layer with a label, `'name: C1(8,3)`, be it
/// without its apostrophe.
fn starts_key_after_list(trees: &[TokenTree], at: usize) -> bool {
    let rest = &trees[at..];
    let is_label = at > 0 && is_punct(trees.get(at - 1), '\'');
    let is_key = || match &rest[0] {
        TokenTree::Ident(name) => Key::ALL.iter().any(|key| name == key.name()),
        TokenTree::Group(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    };
    starts_key(rest) && !is_label && (is_key() || !items::starts_labelled_layer(rest))
}

/// The comma before the keys.
fn end_of_list(cursor: &mut Cursor<'_>, errors: &mut Diagnostics) {
    if cursor.at_end() || cursor.take(',') {
        return;
    }
    // Of another network, its name says what is wrong.
    if is_punct(cursor.peek(), ';') && another(cursor.rest()).is_some() {
        return;
    }
    cursor.expected("`,` after the layers", errors);
    cursor.skip_while(|rest| matches!(rest[0], TokenTree::Punct(_)));
}
