//! The values of keys.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::LitStr;

use super::ast::{BytesAst, ReserveAst, Values};
use super::keys::Key;
use super::tokens::{
    Piece, alternatives, found, group, ident, integer, is_punct, number, pieces, stream, string,
    trees,
};
use super::{features, plan};
use crate::declaration::{CodeChoice, SlidingWindow};
use crate::diagnostic::Diagnostics;
use crate::network::Bits;
use crate::program::Accumulator;
use crate::spelling::nearest;
use crate::target::Target;
use crate::weights::{PathPart, WeightsPath, WeightsValue};

/// Reads the value of `key`, which is not empty, into `values`.
pub(super) fn read(key: Key, value: &[TokenTree], values: &mut Values, errors: &mut Diagnostics) {
    match key {
        Key::Target => values.target = target(value, errors),
        Key::Sram => values.sram_bytes = bytes(key, value, 1, errors),
        Key::Flash => values.flash_bytes = bytes(key, value, 1, errors),
        Key::Reserve => values.reserve = reserve(value, errors),
        Key::Weights => values.weights = weights(value, errors),
        Key::Bits => values.bits = bits(value, errors),
        Key::Results => values.results = results(value, errors),
        Key::Plan => values.plan = plan::read(value, errors),
        Key::Code => values.code = code(value, errors),
        Key::Window => values.window = window(value, errors),
        Key::Features => values.features = features::read(value, errors),
        Key::Sparsity => values.sparsity = sparsity(value, errors),
    }
}

pub(super) fn wrong(key: Key, value: &[TokenTree], errors: &mut Diagnostics) {
    let message = format!("`{}` takes {}, {}", key.name(), key.form(), found(value));
    errors.error(stream(value), message);
}

fn target(value: &[TokenTree], errors: &mut Diagnostics) -> Option<&'static Target> {
    let name = ident(value)
        .map(ToString::to_string)
        .or_else(|| string(value).map(|string| string.value()));
    let Some(name) = name else {
        wrong(Key::Target, value, errors);
        return None;
    };
    let target = Target::named_with_cores(&name);
    if target.is_none()
        && let Some(part) = part_of_board(&name)
    {
        let message = format!("`{name}` is a board: name its microcontroller, `{part}`");
        errors.error(stream(value), message);
    } else if target.is_none() {
        let near: Vec<_> = Target::nearest(&name)
            .iter()
            .map(|target| format!("`{}`", target.name))
            .collect();
        let hint = match near.len() {
            0 => "give its `sram` and `flash` in bytes instead".to_owned(),
            _ => format!(
                "did you mean {}? or give its `sram` and `flash` in bytes instead",
                alternatives(&near)
            ),
        };
        errors.error(stream(value), format!("unknown target `{name}`: {hint}"));
    }
    target
}

/// The microcontroller on a board that people know by name.
fn part_of_board(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    Some(match name.strip_prefix("arduino_").unwrap_or(&name) {
        "uno" | "nano" | "pro_mini" => "atmega328p",
        "mega" | "mega2560" => "atmega2560",
        "leonardo" | "micro" | "pro_micro" => "atmega32u4",
        "nano_every" => "atmega4809",
        "digispark" | "trinket" => "attiny85",
        "microbit" => "nrf51822",
        "pico" => "rp2040",
        _ => return None,
    })
}

fn bytes(key: Key, value: &[TokenTree], least: u32, errors: &mut Diagnostics) -> Option<u32> {
    let expected = format!("bytes for `{}`, from {least} to {}", key.name(), u32::MAX);
    let number = integer(value, &value[0], &expected, errors)?;
    let number = u32::try_from(number).ok().filter(|&number| number >= least);
    if number.is_none() {
        errors.error(
            stream(value),
            format!("expected {expected}, {}", found(value)),
        );
    }
    number
}

pub(super) fn code(value: &[TokenTree], errors: &mut Diagnostics) -> Option<CodeChoice> {
    match ident(value).map(ToString::to_string).as_deref() {
        Some("unrolled") => return Some(CodeChoice::Unrolled),
        Some("table") => return Some(CodeChoice::Table),
        _ => wrong(Key::Code, value, errors),
    }
    None
}

fn reserve(value: &[TokenTree], errors: &mut Diagnostics) -> ReserveAst {
    let mut reserve = ReserveAst::default();
    if group(value).is_none() {
        reserve.sram = bytes(Key::Reserve, value, 0, errors).map(|bytes| BytesAst {
            tokens: stream(value),
            bytes,
        });
        return reserve;
    }
    entries(
        Key::Reserve,
        value,
        ["sram", "flash"],
        errors,
        |entry, errors| {
            let expected = format!("bytes for `{}`, from 0 to {}", entry.name, u32::MAX);
            let bytes = entry.integer(&expected, errors, |number| u32::try_from(number).ok())?;
            let tokens = stream(entry.value);
            *[&mut reserve.sram, &mut reserve.flash][entry.index] =
                Some(BytesAst { tokens, bytes });
            Some(())
        },
    );
    reserve
}

fn sparsity(value: &[TokenTree], errors: &mut Diagnostics) -> Option<f64> {
    let share = number(value).filter(|share| (0.0..1.0).contains(share));
    if share.is_none() {
        wrong(Key::Sparsity, value, errors);
    }
    share
}

fn results(value: &[TokenTree], errors: &mut Diagnostics) -> Option<Accumulator> {
    match ident(value).map(ToString::to_string).as_deref() {
        Some("i16") => Some(Accumulator::I16),
        Some("i32") => Some(Accumulator::I32),
        _ => {
            wrong(Key::Results, value, errors);
            None
        }
    }
}

fn bits(value: &[TokenTree], errors: &mut Diagnostics) -> Option<Bits> {
    let Bits {
        weights,
        biases,
        activations,
    } = Bits::default();
    let mut widths = [weights, biases, activations];
    let names = ["weights", "biases", "activations"];
    let right = entries(Key::Bits, value, names, errors, |entry, errors| {
        let allowed: &[u64] = [&[2, 4, 8][..], &[8, 16], &[4, 8]][entry.index];
        let expected = format!("{} bits for `{}`", alternatives(allowed), entry.name);
        widths[entry.index] = entry.integer(&expected, errors, |number| {
            allowed.contains(&number).then_some(number as u32)
        })?;
        Some(())
    });
    let [weights, biases, activations] = widths;
    right.then_some(Bits {
        weights,
        biases,
        activations,
    })
}

fn window(value: &[TokenTree], errors: &mut Diagnostics) -> Option<SlidingWindow> {
    let mut samples = [None; 2];
    let names = ["length", "stride"];
    let right = entries(Key::Window, value, names, errors, |entry, errors| {
        let expected = format!("samples for `{}`, from 1 to 65535", entry.name);
        let number = entry.integer(&expected, errors, |number| {
            u32::try_from(number)
                .ok()
                .filter(|number| (1..=0xFFFF).contains(number))
        })?;
        samples[entry.index] = Some(number);
        Some(())
    });
    let [Some(length), Some(stride)] = samples else {
        if right {
            wrong(Key::Window, value, errors);
        }
        return None;
    };
    right.then_some(SlidingWindow { length, stride })
}

/// `name: value` of a value in braces.
pub(super) struct Entry<'a> {
    /// Which of the known names it has.
    pub(super) index: usize,
    pub(super) name: &'a TokenTree,
    pub(super) value: &'a [TokenTree],
}

impl Entry<'_> {
    /// Its value, where `accept` makes something of it.
    pub(super) fn integer(
        &self,
        expected: &str,
        errors: &mut Diagnostics,
        accept: impl Fn(u64) -> Option<u32>,
    ) -> Option<u32> {
        let number = accept(integer(self.value, self.name, expected, errors)?);
        if number.is_none() {
            let message = format!("expected {expected}, {}", found(self.value));
            errors.error(stream(self.value), message);
        }
        number
    }
}

/// Reads `{ name: value, … }` in any order, each name once; whether all of it
/// is right.
pub(super) fn entries<const COUNT: usize>(
    key: Key,
    value: &[TokenTree],
    names: [&'static str; COUNT],
    errors: &mut Diagnostics,
    mut read: impl FnMut(Entry<'_>, &mut Diagnostics) -> Option<()>,
) -> bool {
    let Some(braces) = group(value).filter(|group| group.delimiter() == Delimiter::Brace) else {
        wrong(key, value, errors);
        return false;
    };
    let inner = trees(braces.stream());
    let (key, expected) = (key.name(), alternatives(&names));
    let mut given = [false; COUNT];
    let mut right = true;
    for Piece { trees, comma } in pieces(&inner) {
        let first = &trees[..trees.len().min(1)];
        let Some(name) = ident(first) else {
            let at: TokenStream = trees.iter().chain(comma).take(1).cloned().collect();
            errors.error(at, format!("expected {expected}, {}", found(first)));
            right = false;
            continue;
        };
        let Some(index) = names.iter().position(|known| name == known) else {
            let hint = nearest(&name.to_string(), names)
                .map(|near| format!("did you mean `{near}`? "))
                .unwrap_or_default();
            let message = format!("unknown entry `{name}` of `{key}`: {hint}expected {expected}");
            errors.error(name, message);
            right = false;
            continue;
        };
        if std::mem::replace(&mut given[index], true) {
            let message = format!("duplicate entry `{name}` of `{key}`: it is given before");
            errors.error(name, message);
            right = false;
            continue;
        }
        if let Some(wrong) = trees.get(1).filter(|tree| !is_punct(Some(tree), ':')) {
            let found = found(std::slice::from_ref(wrong));
            errors.error(wrong, format!("expected `:` after `{name}`, {found}"));
            right = false;
            continue;
        }
        let entry = Entry {
            index,
            name: &trees[0],
            value: trees.get(2..).unwrap_or(&[]),
        };
        right &= read(entry, errors).is_some();
    }
    right
}

fn weights(value: &[TokenTree], errors: &mut Diagnostics) -> Option<WeightsValue> {
    if ident(value).is_some_and(|word| word == "runtime") {
        return Some(WeightsValue::Runtime);
    }
    let what = ("`weights` takes `runtime` or a path", "weights");
    path(value, what, errors).map(WeightsValue::File)
}

/// A path; `form` says what is expected besides its own form, and `file` of what it is.
pub(super) fn path(
    value: &[TokenTree],
    (form, file): (&str, &str),
    errors: &mut Diagnostics,
) -> Option<WeightsPath> {
    if let Some((name, arguments)) = macro_call(value).filter(|(name, _)| name == "concat") {
        let arguments = trees(arguments);
        if arguments.is_empty() {
            errors.error(
                stream(value),
                format!("`{name}!` of nothing is no path: {PART_FORM}"),
            );
            return None;
        }
        let parts: Vec<_> = pieces(&arguments)
            .into_iter()
            .map(|Piece { trees, comma }| {
                let part = part(trees);
                if part.is_none() {
                    let at: TokenStream = match trees {
                        [] => comma.into_iter().cloned().collect(),
                        _ => stream(trees),
                    };
                    errors.error(at, format!("{PART_FORM}, {}", found(trees)));
                }
                part
            })
            .collect();
        return Some(WeightsPath::new(parts.into_iter().collect::<Option<_>>()?));
    }
    let Some(part) = part(value) else {
        let message = format!(
            "{form}: a string literal, `env!(\"NAME\")` or `concat!(…)` of these, {}",
            found(value)
        );
        errors.error(stream(value), message);
        return None;
    };
    if matches!(&part, PathPart::Text(path) if path.value().is_empty()) {
        errors.error(
            stream(value),
            format!("the path of the {file} file is empty"),
        );
        return None;
    }
    Some(WeightsPath::new(vec![part]))
}

const PART_FORM: &str = "expected a string literal or `env!(\"NAME\")`";

/// A string literal or `env!("NAME")`.
fn part(trees: &[TokenTree]) -> Option<PathPart> {
    if let Some(path) = string(trees) {
        return Some(PathPart::Text(path));
    }
    let (_, arguments) = macro_call(trees).filter(|(name, _)| name == "env")?;
    let variable: LitStr = string(&super::tokens::trees(arguments))?;
    Some(PathPart::Variable(variable))
}

/// The name and the arguments of `name!(…)`.
fn macro_call(trees: &[TokenTree]) -> Option<(String, TokenStream)> {
    match trees {
        [TokenTree::Ident(name), bang, TokenTree::Group(group)] if is_punct(Some(bang), '!') => {
            Some((name.to_string(), group.stream()))
        }
        _ => None,
    }
}
