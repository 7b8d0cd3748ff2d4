//! The arguments of a layer: integer literals, sizes, a probability, and `code`.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};

use super::ast::LayerAst;
use super::keys::{Key, nearest};
use super::layers::Letter;
use super::size::{self, Sizes};
use super::tokens::{Piece, found, integer, is_punct, literal, pieces, stream, trees};
use super::values;
use crate::diagnostic::Diagnostics;
use crate::network::{
    Activation, Convolution, Dense, Dropout, Kernel, Kind, Pool, PoolFunction, PoolWindow,
    Separable, Window,
};
use std::slice;

/// The one argument with a name.
const CODE: &str = "code";
const DEFAULT_WINDOW: Kernel = Kernel::square(2);
/// Outputs of a convolution.
const MOST_CHANNELS: u64 = crate::network::MOST_CHANNELS as u64;
/// Outputs of a dense layer.
const MOST_OUTPUTS: u64 = 65_535;
/// The share that a `Dr` without argument drops, as in Hinton et al., 2012
/// (arXiv:1207.0580), "Improving neural networks by preventing co-adaptation
/// of feature detectors".
const DEFAULT_DROPOUT: f64 = 0.5;

/// Checks the arguments and, when they are right, makes the layer of them.
pub(super) fn read(
    letter: Letter,
    activation: Activation,
    name: &Ident,
    group: Option<&Group>,
    layer: &mut LayerAst,
    errors: &mut Diagnostics,
) -> Option<Kind> {
    let inner = group.map(|group| trees(group.stream())).unwrap_or_default();
    let (named, given): (Vec<_>, Vec<_>) = pieces(&inner).into_iter().partition(is_named);
    let mut right = named_arguments(letter, &named, layer, errors);
    // One mistake is told once: `A(code: table)`, `C1(outputs: 5, 3)`.
    if named
        .iter()
        .all(|piece| letter.has_weights() && is_code(&piece.trees[0]))
    {
        right &= count(letter, name, group, &given, errors);
    }
    let mut reader = Reader {
        letter,
        group,
        given: &given,
        errors,
    };
    let kind = match letter {
        Letter::A | Letter::M => {
            layer.kernel_tokens = reader.tokens(0);
            let window = match given.is_empty() {
                true => DEFAULT_WINDOW,
                false => reader.size(0, &size::WINDOW)?,
            };
            let function = match letter {
                Letter::A => PoolFunction::Average,
                _ => PoolFunction::Maximum,
            };
            let window = PoolWindow::tiles(window);
            Kind::Pool(Pool { function, window })
        }
        Letter::C1 | Letter::C2 => {
            layer.outputs_tokens = reader.tokens(0);
            layer.kernel_tokens = reader.tokens(1);
            let outputs = reader.outputs(MOST_CHANNELS, layer);
            let kernel = reader.size(1, &size::KERNEL);
            let (outputs, kernel) = (outputs?, kernel?);
            match letter {
                Letter::C1 => Kind::Convolution(Convolution {
                    outputs,
                    window: Window::valid(kernel),
                    activation,
                    adds: false,
                }),
                _ => Kind::Separable(Separable {
                    outputs,
                    window: Window::valid(kernel),
                    activation,
                    adds: false,
                }),
            }
        }
        Letter::D => {
            layer.outputs_tokens = reader.tokens(0);
            Kind::Dense(Dense {
                outputs: reader.outputs(MOST_OUTPUTS, layer)?,
                activation,
                adds: false,
            })
        }
        Letter::Dr => {
            let probability = match given.is_empty() {
                true => DEFAULT_DROPOUT,
                false => reader.probability(0)?,
            };
            Kind::Dropout(Dropout { probability })
        }
    };
    right.then_some(kind)
}

/// `name: value`, or what is likely meant as that.
fn is_named(piece: &Piece<'_>) -> bool {
    let Some(name @ TokenTree::Ident(_)) = piece.trees.first() else {
        return false;
    };
    is_punct(piece.trees.get(1), ':') || is_code(name)
}

fn is_code(name: &TokenTree) -> bool {
    matches!(name, TokenTree::Ident(name) if name == CODE)
}

/// Reads the arguments with a name; whether they are right.
fn named_arguments(
    letter: Letter,
    named: &[Piece<'_>],
    layer: &mut LayerAst,
    errors: &mut Diagnostics,
) -> bool {
    let letter_name = letter.name();
    let (mut right, mut seen) = (true, false);
    for Piece { trees, .. } in named {
        let (name, value) = (&trees[0], trees.get(2..).unwrap_or(&[]));
        let message = if !is_code(name) {
            let hint = match nearest(&name.to_string(), &[CODE]) {
                Some(_) if letter.has_weights() => format!("did you mean `{CODE}`? "),
                _ => String::new(),
            };
            let form = letter.form();
            format!("unknown argument `{name}` of `{letter_name}`: {hint}expected {form}")
        } else if !letter.has_weights() {
            format!("`{letter_name}` takes no `{CODE}`: it has no weights whose form to choose")
        } else if std::mem::replace(&mut seen, true) {
            format!("duplicate argument `{CODE}` of `{letter_name}`: it is given before")
        } else if let Some(wrong) = trees.get(1).filter(|tree| !is_punct(Some(tree), ':')) {
            let found = found(slice::from_ref(wrong));
            errors.error(wrong, format!("expected `:` after `{CODE}`, {found}"));
            right = false;
            continue;
        } else if value.is_empty() {
            format!("`{CODE}` needs a value: {}", Key::Code.form())
        } else {
            layer.code_tokens = stream(value);
            layer.code = values::code(value, errors);
            right &= layer.code.is_some();
            continue;
        };
        errors.error(name, message);
        right = false;
    }
    right
}

/// Whether there are parentheses, if needed, with as many arguments as the
/// letter takes.
fn count(
    letter: Letter,
    name: &Ident,
    group: Option<&Group>,
    given: &[Piece<'_>],
    errors: &mut Diagnostics,
) -> bool {
    let (names, needed) = letter.arguments();
    let (letter, form) = (letter.name(), letter.form());
    let mut right = true;
    if let Some(group) = group.filter(|group| group.delimiter() != Delimiter::Parenthesis) {
        errors.error(
            group,
            format!("expected the arguments in parentheses, {form}"),
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
        let found = if given.is_empty() { "none" } else { "only one" };
        let message = format!("`{letter}` needs {what}, {form}, found {found}");
        match group {
            Some(group) => errors.error(group, message),
            None => errors.error(name, message),
        }
        right = false;
    }
    if let Some(surplus) = given
        .get(names.len()..)
        .filter(|surplus| !surplus.is_empty())
    {
        let trees = surplus
            .iter()
            .flat_map(|piece| piece.trees.iter().chain(piece.comma));
        let most = match names {
            [_] => "one argument",
            _ => "two arguments",
        };
        let message = format!(
            "`{letter}` takes {most} at most, {form}, found {}",
            given.len()
        );
        errors.error(trees.cloned().collect::<TokenStream>(), message);
        right = false;
    }
    right
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

    fn size(&mut self, index: usize, sizes: &Sizes) -> Option<Kernel> {
        let place = TokenTree::Group(self.group?.clone());
        sizes.read(self.given.get(index)?.trees, &place, self.errors)
    }

    /// The first argument.
    fn outputs(&mut self, most: u64, layer: &mut LayerAst) -> Option<u32> {
        let value = self.integer(0, &format!("outputs from 1 to {most}"))?;
        layer.outputs = u32::try_from(value).ok();
        if (1..=most).contains(&value) {
            return layer.outputs;
        }
        let (tokens, letter) = (self.tokens(0), self.letter.name());
        let message = format!("`{letter}` takes from 1 to {most} outputs, found {tokens}");
        self.errors.error(tokens, message);
        None
    }

    fn probability(&mut self, index: usize) -> Option<f64> {
        let trees = self.given[index].trees;
        let value = match literal(trees).map(|number| syn::Lit::new(number.clone())) {
            Some(syn::Lit::Float(number)) if number.suffix().is_empty() => {
                number.base10_parse().ok()
            }
            Some(syn::Lit::Int(number)) if number.suffix().is_empty() => number.base10_parse().ok(),
            _ => None,
        };
        if let Some(value) = value.filter(|value| (0.0..1.0).contains(value)) {
            return Some(value);
        }
        let place: TokenStream = match trees {
            [] => self
                .group
                .into_iter()
                .cloned()
                .map(TokenTree::Group)
                .collect(),
            _ => stream(trees),
        };
        let expected = "expected a probability from 0 to below 1, such as `0.25`";
        self.errors
            .error(place, format!("{expected}, {}", found(trees)));
        None
    }
}
