//! The arguments of a layer, by position and by name, and the entry of the list
//! that they make.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use std::ops::RangeInclusive;
use std::slice;

use super::entry::{Arguments, WindowSize};
use super::letter::{Count, Letter, Named, Positional, Signature};
use super::size::{self, Sizes};
use super::{label, word};
use crate::diagnostic::Diagnostics;
use crate::network::{
    Activation, Entry, Feed, Gate, Kernel, MOST_CHANNELS, Padding, Prototypes, Rank, Sequence,
    Stride, Tree,
};
use crate::spelling::nearest;
use crate::syntax::ast::{ItemAst, LabelAst};
use crate::syntax::tokens::{
    Piece, alternatives, found, integer, is_punct, literal, number, pieces, stream, trees,
};
use crate::syntax::values;

/// Outputs of a dense layer.
const MOST_OUTPUTS: u32 = 65_535;
/// A window over the whole map.
const ALL: &str = "all";
/// Padding as TensorFlow's.
const SAME: &str = "same";

/// Checks the arguments and, when they are right, makes the entry of them.
pub(super) fn read(
    letter: Letter,
    activation: Activation,
    name: &Ident,
    group: Option<&Group>,
    item: &mut ItemAst,
    errors: &mut Diagnostics,
) -> Option<Entry> {
    let inner = group.map(|group| trees(group.stream())).unwrap_or_default();
    let (named, given): (Vec<_>, Vec<_>) = pieces(&inner).into_iter().partition(is_named);
    let mut reader = Reader {
        letter,
        group,
        item,
        arguments: Arguments::default(),
        right: true,
        errors,
    };
    reader.read_named(&named);
    // One mistake is reported once: `A(code: table)`, `C1(outputs: 5, 3)`.
    let known = named
        .iter()
        .all(|piece| argument(&piece.trees[0]).is_some_and(|named| letter.takes(named)));
    if known {
        reader.count(name, &given, !named.is_empty());
    }
    reader.read_positional(&given);
    let Reader {
        arguments, right, ..
    } = reader;
    let entry = right.then(|| arguments.entry(letter, activation))??;
    item.reads = arguments.labels;
    item.reads.extend(arguments.add);
    Some(entry)
}

/// `name: value`, or what is likely meant as that.
fn is_named(piece: &Piece<'_>) -> bool {
    let Some(name @ TokenTree::Ident(_)) = piece.trees.first() else {
        return false;
    };
    is_punct(piece.trees.get(1), ':') || argument(name).is_some()
}

/// The argument of that name.
fn argument(name: &TokenTree) -> Option<Named> {
    let name = word(slice::from_ref(name))?;
    Named::ALL.into_iter().find(|named| name == named.name())
}

/// Reads the arguments one by one.
struct Reader<'a> {
    letter: Letter,
    group: Option<&'a Group>,
    item: &'a mut ItemAst,
    arguments: Arguments,
    right: bool,
    errors: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn error(&mut self, tokens: impl quote::ToTokens, message: impl std::fmt::Display) {
        self.errors.error(tokens, message);
        self.right = false;
    }

    /// Keeps what could be read.
    fn keep<T>(&mut self, value: Option<T>) -> Option<T> {
        self.right &= value.is_some();
        value
    }

    /// Where an argument is missing.
    fn place(&self) -> TokenTree {
        match self.group {
            Some(group) => TokenTree::Group(group.clone()),
            None => unreachable!("arguments stand in a group"),
        }
    }

    fn read_named(&mut self, given: &[Piece<'_>]) {
        let letter = self.letter.name();
        let mut seen = Vec::new();
        for Piece { trees, .. } in given {
            let (name, value) = (&trees[0], trees.get(2..).unwrap_or(&[]));
            let Some(named) = argument(name) else {
                let names = self.letter.signature().named.iter().map(|it| it.name());
                let hint = match nearest(&name.to_string(), names) {
                    Some(near) => format!("did you mean `{near}`? "),
                    None => String::new(),
                };
                let form = self.letter.full_form();
                let message =
                    format!("unknown argument `{name}` of `{letter}`: {hint}expected {form}");
                self.error(name, message);
                continue;
            };
            let own = named.name();
            if !self.letter.takes(named) {
                let message = format!("`{letter}` takes no `{own}`: {}", named.why_not());
                self.error(name, message);
            } else if seen.contains(&named) {
                let message =
                    format!("duplicate argument `{own}` of `{letter}`: it is given before");
                self.error(name, message);
            } else if let Some(wrong) = trees.get(1).filter(|tree| !is_punct(Some(tree), ':')) {
                let found = found(slice::from_ref(wrong));
                self.error(wrong, format!("expected `:` after `{own}`, {found}"));
            } else if value.is_empty() {
                self.error(name, format!("`{own}` needs a value: {}", named.form()));
            } else {
                seen.push(named);
                self.read_value(named, value);
            }
        }
    }

    fn read_value(&mut self, named: Named, value: &[TokenTree]) {
        match named {
            Named::Stride => {
                self.item.stride_tokens = stream(value);
                let size = size::STRIDE.read(value, &value[0], self.errors);
                self.arguments.stride = self.keep(size).map(|size| Stride {
                    rows: size.height,
                    columns: size.width,
                });
            }
            Named::Padding => {
                self.item.padding_tokens = stream(value);
                self.arguments.padding = self.padding(value);
            }
            Named::Add => self.arguments.add = self.label(value, &value[0]),
            Named::Feed => {
                let feeds = [Feed::Rows, Feed::RowMajor, Feed::ChannelMajor, Feed::Multi];
                self.arguments.feed = self.one_of(named, value, &feeds, Feed::written);
            }
            Named::Rank => {
                let size = size::RANK.read(value, &value[0], self.errors);
                self.arguments.rank = self.keep(size).map(|size| Rank {
                    input: size.height,
                    state: size.width,
                });
            }
            Named::Gate => self.arguments.gate = self.gate(value),
            Named::Sequence => {
                let written = |_: Sequence| ALL;
                self.arguments.sequence = self.one_of(named, value, &[Sequence::All], written);
            }
            Named::Sparsity => {
                let form = named.form();
                self.arguments.sparsity = self.share(value, 0.0..1.0, form);
            }
            Named::Code => {
                self.item.code_tokens = stream(value);
                let code = values::code(value, self.errors);
                self.item.code = self.keep(code);
            }
        }
    }

    fn padding(&mut self, value: &[TokenTree]) -> Option<Padding> {
        match word(value).map(ToString::to_string).as_deref() {
            Some(SAME) => return Some(Padding::Same),
            Some("valid" | "none") => {
                let message = "there is no padding where none is asked for: leave `padding` out";
                self.error(stream(value), message);
                return None;
            }
            _ => {}
        }
        let form = Named::Padding.form();
        let pixels = integer(value, &value[0], form, self.errors);
        let pixels = self.keep(pixels)?;
        // More than a kernel has is an error at the network.
        Some(Padding::Each(u32::try_from(pixels).unwrap_or(u32::MAX)))
    }

    /// The one of `values` that is written there.
    fn one_of<T: Copy>(
        &mut self,
        named: Named,
        value: &[TokenTree],
        values: &[T],
        written: impl Fn(T) -> &'static str,
    ) -> Option<T> {
        let name = word(value).map(ToString::to_string).unwrap_or_default();
        let chosen = values.iter().copied().find(|&it| written(it) == name);
        if chosen.is_none() {
            let hint = match nearest(&name, values.iter().map(|&it| written(it))) {
                Some(near) if !name.is_empty() => format!("did you mean `{near}`? "),
                Some(_) | None => String::new(),
            };
            let names = values.iter().map(|&it| format!("`{}`", written(it)));
            let names = alternatives(&names.collect::<Vec<_>>());
            let message = format!(
                "`{}` of `{}`: {hint}expected {names}, {}",
                named.name(),
                self.letter.name(),
                found(value)
            );
            self.error(stream(value), message);
        }
        chosen
    }

    fn gate(&mut self, value: &[TokenTree]) -> Option<Gate> {
        let gates = match self.letter {
            Letter::Bonsai => &[Gate::Tanh, Gate::Hard][..],
            _ => &[Gate::Hard, Gate::Sigmoid, Gate::Tanh][..],
        };
        self.one_of(Named::Gate, value, gates, Gate::written)
    }

    /// Whether there are parentheses, if needed, with as many arguments as the
    /// letter takes.
    fn count(&mut self, name: &Ident, given: &[Piece<'_>], has_named: bool) {
        let Signature {
            positional, count, ..
        } = *self.letter.signature();
        let (letter, form) = (self.letter.name(), self.letter.form());
        if let Some(group) = self
            .group
            .filter(|group| group.delimiter() != Delimiter::Parenthesis)
        {
            let message = format!("expected the arguments in parentheses, {form}");
            self.error(group, message);
        }
        let (needed, optional) = match count {
            Count::All | Count::More => (positional.len(), ""),
            // `M(stride: 1)` leaves the window out.
            Count::AllOrNone if self.group.is_none() || has_named => (0, ""),
            Count::AllOrNone => (positional.len(), ", or no parentheses"),
        };
        if given.len() < needed {
            let words: Vec<&str> = positional.iter().map(|it| it.words()).collect();
            let words = match words.split_last() {
                Some((last, others @ [_, ..])) => format!("{} and {last}", others.join(", ")),
                Some((last, [])) => (*last).to_owned(),
                None => String::new(),
            };
            let found = match given.len() {
                0 => "none",
                1 => "only one",
                _ => "only two",
            };
            let message = format!("`{letter}` needs {words}{optional}, {form}, found {found}");
            match self.group {
                Some(group) => self.error(group, message),
                None => self.error(name, message),
            }
        }
        if count != Count::More && given.len() > positional.len() {
            self.surplus(&given[positional.len()..], given.len());
        }
    }

    fn surplus(&mut self, surplus: &[Piece<'_>], found: usize) {
        let most = match self.letter.signature().positional {
            [_] => "one argument",
            [_, _] => "two arguments",
            _ => "three arguments",
        };
        let (letter, form) = (self.letter.name(), self.letter.form());
        let advice = match self.letter.signature().positional {
            // `T(8,3)`.
            [Positional::Kernel] if literal(surplus[0].trees).is_some() => {
                ": it makes as many channels as it reads".to_owned()
            }
            _ => self.advice(surplus),
        };
        let message =
            format!("`{letter}` takes {most} by position at most, {form}, found {found}{advice}");
        let trees = surplus
            .iter()
            .flat_map(|piece| piece.trees.iter().chain(piece.comma));
        self.error(trees.cloned().collect::<TokenStream>(), message);
    }

    /// What is likely meant by arguments that are too many, as other libraries
    /// order them: a stride, a padding.
    fn advice(&self, surplus: &[Piece<'_>]) -> String {
        let (mut named, mut numbers) = (Vec::new(), [Named::Stride, Named::Padding].into_iter());
        for Piece { trees, .. } in surplus {
            let word = word(trees).map(ToString::to_string);
            let (argument, value) = match (label::split(trees), word.as_deref()) {
                (Some((label, [])), _) => (Some(Named::Add), format!("'{}", label.name)),
                (_, Some(SAME)) => (Some(Named::Padding), SAME.to_owned()),
                (_, Some("valid")) => {
                    return ": there is no padding where none is asked for, leave `valid` out"
                        .to_owned();
                }
                _ => (
                    literal(trees).and(numbers.next()),
                    stream(trees).to_string(),
                ),
            };
            match argument.filter(|&argument| self.letter.takes(argument)) {
                Some(argument) => named.push(format!("{}: {value}", argument.name())),
                None => return String::new(),
            }
        }
        format!(": other arguments have names, `{}`", named.join(", "))
    }

    fn read_positional(&mut self, given: &[Piece<'_>]) {
        let Signature {
            positional, count, ..
        } = *self.letter.signature();
        let last = match count {
            Count::All | Count::AllOrNone => None,
            Count::More => positional.last(),
        };
        let arguments = positional
            .iter()
            .chain(std::iter::repeat_n(last, given.len()).flatten());
        for (&argument, piece) in arguments.zip(given) {
            self.read_argument(argument, piece.trees);
        }
    }

    fn read_argument(&mut self, argument: Positional, trees: &[TokenTree]) {
        match argument {
            Positional::Channels => self.outputs_called("outputs", trees, 1..=MOST_CHANNELS),
            Positional::Outputs => self.outputs_called("outputs", trees, 1..=MOST_OUTPUTS),
            Positional::Kernel => {
                self.item.kernel_tokens = stream(trees);
                self.arguments.kernel = self.size(trees, &size::KERNEL);
            }
            Positional::Window => {
                self.item.kernel_tokens = stream(trees);
                self.arguments.window = if word(trees).is_some_and(|word| word == ALL) {
                    self.check_whole_window();
                    Some(WindowSize::All)
                } else {
                    self.size(trees, &size::WINDOW).map(WindowSize::Sized)
                };
            }
            Positional::Probability => {
                let expected = "a probability from 0 to below 1, such as `0.25`";
                self.arguments.share = self.share(trees, 0.0..1.0, expected);
            }
            Positional::Deviation => {
                let expected = "a standard deviation, as a share of the range of values from 0 to below 1, \
                     such as `0.1`";
                self.arguments.share = self.share(trees, 0.0..1.0, expected);
            }
            Positional::Hidden => self.outputs_called("hidden units", trees, 1..=MOST_CHANNELS),
            Positional::Classes => self.outputs_called("classes", trees, 1..=MOST_CHANNELS),
            Positional::Depth => {
                self.arguments.depth = self.whole("a depth", trees, 0..=Tree::MOST_DEPTH);
            }
            Positional::Projected | Positional::Dimension => {
                let what = "projected values";
                self.arguments.projected = self.whole(what, trees, 1..=MOST_CHANNELS);
            }
            Positional::Prototypes => {
                let what = "prototypes";
                self.arguments.prototypes = self.whole(what, trees, 1..=Prototypes::MOST);
            }
            Positional::Label => {
                let place = self.place();
                let label = self.label(trees, &place);
                self.arguments.labels.extend(label);
            }
        }
    }

    fn check_whole_window(&mut self) {
        if self.arguments.stride.is_some() {
            let letter = self.letter.name();
            let message =
                format!("`{letter}(all)` has one window, over the whole map: leave `stride` out");
            let tokens = self.item.stride_tokens.clone();
            self.error(tokens, message);
        }
    }

    fn size(&mut self, trees: &[TokenTree], sizes: &Sizes) -> Option<Kernel> {
        let size = sizes.read(trees, &self.place(), self.errors);
        self.keep(size)
    }

    /// The argument that says how much a layer makes.
    fn outputs_called(&mut self, what: &str, trees: &[TokenTree], range: RangeInclusive<u32>) {
        self.item.outputs_tokens = stream(trees);
        let number = literal(trees).map(|number| syn::Lit::new(number.clone()));
        self.item.outputs = match number {
            Some(syn::Lit::Int(number)) => number.base10_parse().ok(),
            _ => None,
        };
        self.arguments.outputs = self.whole(what, trees, range);
    }

    /// A whole number in that range.
    fn whole(
        &mut self,
        what: &str,
        trees: &[TokenTree],
        range: RangeInclusive<u32>,
    ) -> Option<u32> {
        let (least, most) = (range.start(), range.end());
        let expected = format!("{what} from {least} to {most}");
        let value = integer(trees, &self.place(), &expected, self.errors);
        let value = self.keep(value)?;
        let value = u32::try_from(value).ok().filter(|n| range.contains(n));
        if value.is_none() {
            let letter = self.letter.name();
            let tokens = stream(trees);
            let message = match what.strip_prefix("a ") {
                Some(what) => {
                    format!("`{letter}` takes a {what} from {least} to {most}, found {tokens}")
                }
                None => format!("`{letter}` takes from {least} to {most} {what}, found {tokens}"),
            };
            self.error(tokens, message);
        }
        value
    }

    fn label(&mut self, trees: &[TokenTree], place: &TokenTree) -> Option<LabelAst> {
        if let Some((label, [])) = label::split(trees) {
            return Some(label);
        }
        let at = match trees {
            [] => stream(slice::from_ref(place)),
            _ => stream(trees),
        };
        let message = match word(trees) {
            Some(name) => {
                // So that it is no unused label too.
                self.item.reads.push(LabelAst {
                    tokens: at.clone(),
                    name: name.to_string(),
                });
                format!("a label has an apostrophe before it: `'{name}`")
            }
            None => format!(
                "expected the label of a map, such as `'skip`, {}",
                found(trees)
            ),
        };
        self.error(at, message);
        None
    }

    fn share(
        &mut self,
        trees: &[TokenTree],
        range: std::ops::Range<f64>,
        expected: &str,
    ) -> Option<f64> {
        if let Some(value) = number(trees).filter(|value| range.contains(value)) {
            return Some(value);
        }
        let at = match trees {
            [] => stream(&[self.place()]),
            _ => stream(trees),
        };
        self.error(at, format!("expected {expected}, {}", found(trees)));
        None
    }
}
