//! One layer of the list: a letter, a star or none, arguments.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};

use super::ast::LayerAst;
use super::tokens::{
    Piece, alternatives, found, integer, is_punct, literal, pieces, stream, text, trees,
};
use crate::diagnostic::Diagnostics;
use crate::network::{Activation, Kernel, LayerKind};

const LETTERS: &str = "A, M, C1, C2, D, Dr";
const KERNELS: [u64; 4] = [1, 3, 5, 7];
const WINDOWS: [u64; 2] = [2, 4];
const DEFAULT_WINDOW: u32 = 2;
/// Of a convolution.
const MOST_CHANNELS: u64 = 255;
/// Of a dense layer.
const MOST_OUTPUTS: u64 = 65_535;
/// The share that a `Dr` without argument drops, as in Hinton et al., 2012
/// (arXiv:1207.0580), "Improving neural networks by preventing co-adaptation
/// of feature detectors".
const DEFAULT_DROPOUT: f64 = 0.5;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Letter {
    A,
    M,
    C1,
    C2,
    D,
    Dr,
}

impl Letter {
    fn read(name: &Ident) -> Option<Self> {
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

    fn name(self) -> &'static str {
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
    fn arguments(self) -> (&'static [&'static str], usize) {
        match self {
            Self::A | Self::M => (&["k"], 0),
            Self::C1 | Self::C2 => (&["n", "k"], 2),
            Self::D => (&["n"], 1),
            Self::Dr => (&["p"], 0),
        }
    }

    fn has_activation(self) -> bool {
        matches!(self, Self::C1 | Self::C2 | Self::D)
    }

    /// How it is written: `` `C1(n,k)` ``, `` `A` or `A(k)` ``.
    fn form(self) -> String {
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
                let (before, after) = (
                    text(&trees[trees.len() - rest.len() - end..][..end]),
                    text(&rest[..1]),
                );
                errors.error(
                    next,
                    format!("expected `,` between `{before}` and `{after}`"),
                );
            }
        }
    }
    layers
}

/// Where the next layer starts although no comma is there, or the end.
fn end_of_layer(trees: &[TokenTree]) -> usize {
    let starts =
        |tree: &TokenTree| matches!(tree, TokenTree::Ident(name) if Letter::read(name).is_some());
    (1..trees.len())
        .find(|&at| starts(&trees[at]))
        .unwrap_or(trees.len())
}

fn layer(trees: &[TokenTree], errors: &mut Diagnostics) -> LayerAst {
    let mut layer = LayerAst {
        tokens: stream(trees),
        text: text(trees),
        outputs_tokens: TokenStream::new(),
        kernel_tokens: TokenStream::new(),
        outputs: None,
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
    let kind = arguments(letter, activation, name, group, &mut layer, errors);
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

/// Checks the arguments and, when they are right, makes the layer of them.
fn arguments(
    letter: Letter,
    activation: Activation,
    name: &Ident,
    group: Option<&Group>,
    layer: &mut LayerAst,
    errors: &mut Diagnostics,
) -> Option<LayerKind> {
    let (names, needed) = letter.arguments();
    let inner = group.map(|group| trees(group.stream())).unwrap_or_default();
    let given = pieces(&inner);
    let mut right = true;
    if let Some(group) = group.filter(|group| group.delimiter() != Delimiter::Parenthesis) {
        errors.error(
            group,
            format!("expected the arguments in parentheses, {}", letter.form()),
        );
        right = false;
    }
    if given.len() < needed || (group.is_some() && given.is_empty()) {
        let what = match names {
            ["n", "k"] => "outputs n and kernel k",
            ["n"] => "outputs n",
            ["p"] => "a probability, or no parentheses",
            _ => "a window, or no parentheses",
        };
        let message = format!(
            "`{}` needs {what}, {}, found {}",
            letter.name(),
            letter.form(),
            given.len()
        );
        match group {
            Some(group) => errors.error(group, message),
            None => errors.error(name, message),
        }
        right = false;
    }
    if let Some(surplus) = given.get(names.len()) {
        let all = given[names.len()..]
            .iter()
            .flat_map(|piece| piece.trees.iter().chain(piece.comma));
        let at: TokenStream = match surplus.trees {
            [] => group.into_iter().cloned().map(TokenTree::Group).collect(),
            _ => all.cloned().collect(),
        };
        let message = format!(
            "`{}` takes {} at most, {}, found {}",
            letter.name(),
            if names.len() == 1 {
                "1 argument".to_owned()
            } else {
                format!("{} arguments", names.len())
            },
            letter.form(),
            given.len()
        );
        errors.error(at, message);
        right = false;
    }
    let mut reader = Reader {
        letter,
        group,
        given: &given,
        errors,
    };
    let kind = match letter {
        Letter::A | Letter::M => {
            let window = match given.first() {
                Some(piece) => {
                    layer.kernel_tokens = stream(piece.trees);
                    reader.one_of(0, "window", &WINDOWS)
                }
                None => Some(DEFAULT_WINDOW),
            };
            let window = Kernel::square(window?);
            match letter {
                Letter::A => LayerKind::AveragePool { window },
                _ => LayerKind::MaxPool { window },
            }
        }
        Letter::C1 | Letter::C2 => {
            layer.outputs_tokens = reader.tokens(0);
            layer.kernel_tokens = reader.tokens(1);
            let outputs = reader.outputs(0, MOST_CHANNELS);
            let side = reader.one_of(1, "kernel", &KERNELS);
            layer.outputs = outputs;
            let (outputs, kernel) = (outputs?, Kernel::square(side?));
            match letter {
                Letter::C1 => LayerKind::Convolution {
                    outputs,
                    kernel,
                    activation,
                },
                _ => LayerKind::Separable {
                    outputs,
                    kernel,
                    activation,
                },
            }
        }
        Letter::D => {
            layer.outputs_tokens = reader.tokens(0);
            layer.outputs = reader.outputs(0, MOST_OUTPUTS);
            LayerKind::Dense {
                outputs: layer.outputs?,
                activation,
            }
        }
        Letter::Dr => {
            let probability = match given.first() {
                Some(_) => reader.probability(0)?,
                None => DEFAULT_DROPOUT,
            };
            LayerKind::Dropout { probability }
        }
    };
    right.then_some(kind)
}

/// Reads the given arguments one by one.
struct Reader<'a> {
    letter: Letter,
    group: Option<&'a Group>,
    given: &'a [Piece<'a>],
    errors: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn tokens(&self, index: usize) -> TokenStream {
        self.given
            .get(index)
            .map(|piece| stream(piece.trees))
            .unwrap_or_default()
    }

    /// `None` for a missing argument too: that is reported already.
    fn integer(&mut self, index: usize, expected: &str) -> Option<u64> {
        let place = TokenTree::Group(self.group?.clone());
        integer(self.given.get(index)?.trees, &place, expected, self.errors)
    }

    fn one_of(&mut self, index: usize, what: &str, allowed: &[u64]) -> Option<u32> {
        let list = alternatives(allowed);
        let value = self.integer(index, &format!("a {what} of {list}"))?;
        if allowed.contains(&value) {
            return Some(value as u32);
        }
        let tokens = self.tokens(index);
        self.errors.error(
            &tokens,
            format!("{what} {tokens} is not supported: expected {list}"),
        );
        None
    }

    fn outputs(&mut self, index: usize, most: u64) -> Option<u32> {
        let value = self.integer(index, &format!("outputs from 1 to {most}"))?;
        if (1..=most).contains(&value) {
            return Some(value as u32);
        }
        let (tokens, letter) = (self.tokens(index), self.letter.name());
        let message = format!("`{letter}` takes from 1 to {most} outputs, found {tokens}");
        self.errors.error(tokens, message);
        None
    }

    fn probability(&mut self, index: usize) -> Option<f64> {
        let trees = self.given[index].trees;
        let literal = literal(trees).map(|literal| syn::Lit::new(literal.clone()));
        let value = match &literal {
            Some(syn::Lit::Float(number)) if number.suffix().is_empty() => {
                number.base10_parse().ok()
            }
            Some(syn::Lit::Int(number)) if number.suffix().is_empty() => number.base10_parse().ok(),
            _ => None,
        };
        if let Some(value) = value.filter(|value| (0.0..1.0).contains(value)) {
            return Some(value);
        }
        let at = if trees.is_empty() {
            TokenStream::from_iter(self.group.cloned().map(TokenTree::Group))
        } else {
            stream(trees)
        };
        self.errors.error(
            at,
            format!(
                "expected a probability from 0 to below 1, such as `0.25`, {}",
                found(trees)
            ),
        );
        None
    }
}
