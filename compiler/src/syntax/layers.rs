//! One layer of the list: a letter, a star or none, arguments.

use proc_macro2::{Ident, TokenStream, TokenTree};

use super::arguments;
use super::ast::LayerAst;
use super::tokens::{Piece, found, is_punct, pieces, stream, text};
use crate::diagnostic::Diagnostics;
use crate::network::Activation;

const LETTERS: &str = "A, M, C1, C2, D, Dr";
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Letter {
    A,
    M,
    C1,
    C2,
    D,
    Dr,
}

impl Letter {
    pub(super) fn read(name: &Ident) -> Option<Self> {
        Some(match name.to_string().as_str() {
            "A" => Self::A,
            "M" => Self::M,
            "C1" => Self::C1,
            "C2" => Self::C2,
            "D" => Self::D,
            "Dr" => Self::Dr,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::M => "M",
            Self::C1 => "C1",
            Self::C2 => "C2",
            Self::D => "D",
            Self::Dr => "Dr",
        }
    }

    /// The names of its arguments, and how many of them it needs.
    pub(super) fn arguments(self) -> (&'static [&'static str], usize) {
        match self {
            Self::A | Self::M => (&["k"], 0),
            Self::C1 | Self::C2 => (&["n", "k"], 2),
            Self::D => (&["n"], 1),
            Self::Dr => (&["p"], 0),
        }
    }

    fn has_activation(self) -> bool {
        self.has_weights()
    }

    pub(super) fn has_weights(self) -> bool {
        matches!(self, Self::C1 | Self::C2 | Self::D)
    }

    /// How it is written: `` `C1(n,k)` ``, `` `A` or `A(k)` ``.
    pub(super) fn form(self) -> String {
        let (names, needed) = self.arguments();
        let full = format!("`{}({})`", self.name(), names.join(","));
        if needed == 0 {
            format!("`{}` or {full}", self.name())
        } else {
            full
        }
    }
}

/// Reads every layer between `<` and `>`.
pub(super) fn parse(inside: &[TokenTree], errors: &mut Diagnostics) -> Vec<LayerAst> {
    let mut layers = Vec::new();
    for Piece { trees, comma } in pieces(inside) {
        if trees.is_empty() {
            errors.error(
                comma,
                format!("expected a layer before this comma, one of {LETTERS}"),
            );
            continue;
        }
        let mut rest = trees;
        while !rest.is_empty() {
            let end = end_of_layer(rest);
            layers.push(layer(&rest[..end], errors));
            rest = &rest[end..];
            if let Some(next) = rest.first() {
                let before = layers.last().map_or("", |layer| &layer.text);
                let message = format!("expected `,` between `{before}` and `{next}`");
                errors.error(next, message);
            }
        }
    }
    layers
}

/// Where the next layer starts although no comma is there, or the end.
fn end_of_layer(trees: &[TokenTree]) -> usize {
    let star = 1 + usize::from(is_punct(trees.get(1), '*'));
    let end = star + usize::from(matches!(trees.get(star), Some(TokenTree::Group(_))));
    match trees.get(end) {
        Some(TokenTree::Ident(next)) if Letter::read(next).is_some() => end,
        _ => trees.len(),
    }
}

fn layer(trees: &[TokenTree], errors: &mut Diagnostics) -> LayerAst {
    let mut layer = LayerAst {
        tokens: stream(trees),
        text: text(trees),
        outputs_tokens: TokenStream::new(),
        kernel_tokens: TokenStream::new(),
        outputs: None,
        code_tokens: TokenStream::new(),
        code: None,
        kind: None,
    };
    let Some((TokenTree::Ident(name), mut rest)) = trees.split_first() else {
        let found = found(&trees[..1]);
        errors.error(
            &trees[0],
            format!("expected a layer, one of {LETTERS}, {found}"),
        );
        return layer;
    };
    let Some(letter) = Letter::read(name) else {
        errors.error(name, unknown(name));
        return layer;
    };
    let star = rest.first().filter(|tree| is_punct(Some(tree), '*'));
    if star.is_some() {
        rest = &rest[1..];
    }
    let mut right = true;
    if let Some(star) = star.filter(|_| !letter.has_activation()) {
        let name = letter.name();
        let message = format!(
            "`{name}` takes no star: a star leaves out the activation, and `{name}` has none"
        );
        errors.error(star, message);
        right = false;
    }
    let group = match rest.split_first() {
        Some((TokenTree::Group(group), behind)) => {
            rest = behind;
            Some(group)
        }
        _ => None,
    };
    if let Some(surplus) = rest.first() {
        right = false;
        if is_punct(Some(surplus), '*') && star.is_none() && group.is_some() {
            let (name, arguments) = (letter.name(), text(&trees[1..trees.len() - rest.len()]));
            let message = format!("the star stands before the arguments: `{name}*{arguments}`");
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
        return layer;
    }
    let activation = if star.is_some() {
        Activation::Linear
    } else {
        Activation::Relu
    };
    let kind = arguments::read(letter, activation, name, group, &mut layer, errors);
    layer.kind = kind.filter(|_| right);
    layer
}

fn unknown(name: &Ident) -> String {
    let name = name.to_string();
    let meant = match name.to_lowercase().as_str() {
        "a" | "avg" | "avgpool" | "averagepool" => Some("A"),
        "m" | "max" | "maxpool" | "pool" => Some("M"),
        "c1" | "conv" | "conv2d" | "convolution" => Some("C1"),
        "c2" | "separable" | "depthwise" => Some("C2"),
        "d" | "dense" | "linear" | "fc" => Some("D"),
        "dr" | "dropout" | "drop" => Some("Dr"),
        _ => None,
    };
    match meant {
        Some(meant) => {
            format!("unknown layer `{name}`: did you mean `{meant}`? expected one of {LETTERS}")
        }
        None => format!("unknown layer `{name}`: expected one of {LETTERS}"),
    }
}
