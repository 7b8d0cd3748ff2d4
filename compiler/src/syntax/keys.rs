//! The keys after the list, each with the tokens of its value.

use proc_macro2::{Ident, TokenTree};

use super::ast::{KeyAst, Values};
use super::tokens::{Piece, found, is_punct, pieces, starts_key, stream, text};
use super::values;
use crate::diagnostic::Diagnostics;
use crate::spelling::nearest;

/// A key of a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// `target`: the microcontroller.
    Target,
    /// `sram`: bytes.
    Sram,
    /// `flash`: bytes.
    Flash,
    /// `weights`: where the weights file is.
    Weights,
    /// `bits`: widths of the integers.
    Bits,
    /// `reserve`: bytes of SRAM and flash for the rest of the firmware.
    Reserve,
    /// `results`: the integer of the results.
    Results,
    /// `plan`: the order of computing.
    Plan,
    /// `code`: the form of kernels.
    Code,
    /// `window`: how inputs are cut from a stream.
    Window,
    /// `features`: what the input is made of.
    Features,
    /// `sparsity`: the share of all weights that training makes 0.
    Sparsity,
}

impl Key {
    /// Every key.
    pub const ALL: [Key; 12] = [
        Key::Target,
        Key::Sram,
        Key::Flash,
        Key::Weights,
        Key::Bits,
        Key::Reserve,
        Key::Results,
        Key::Plan,
        Key::Code,
        Key::Window,
        Key::Features,
        Key::Sparsity,
    ];

    /// The key as it is written.
    pub fn name(self) -> &'static str {
        match self {
            Key::Target => "target",
            Key::Sram => "sram",
            Key::Flash => "flash",
            Key::Weights => "weights",
            Key::Bits => "bits",
            Key::Reserve => "reserve",
            Key::Results => "results",
            Key::Plan => "plan",
            Key::Code => "code",
            Key::Window => "window",
            Key::Features => "features",
            Key::Sparsity => "sparsity",
        }
    }

    /// What its value looks like.
    pub(super) const fn form(self) -> &'static str {
        match self {
            Key::Target => "a microcontroller's name, such as `atmega328p`",
            Key::Sram | Key::Flash => "bytes, such as `2048`",
            Key::Reserve => "bytes of SRAM, such as `256`, or `{ sram: 256, flash: 4096 }`",
            Key::Weights => "a path, such as `\"digits.safetensors\"`, or `runtime`",
            Key::Bits => "widths, such as `{ weights: 4, biases: 16, activations: 4 }`",
            Key::Plan => {
                "`row_major`, `herringbone`, `segments`, `streamed`, `streamed(2)`, `streamed(2, row_major)` or `smallest`"
            }
            Key::Results => "`i16` or `i32`",
            Key::Code => "`unrolled` or `table`",
            Key::Window => "samples, such as `{ length: 128, stride: 16 }`",
            Key::Sparsity => "a share from 0 to below 1, such as `0.5`",
            Key::Features => {
                "`log_mel`, `mfcc` or `statistics`, such as `log_mel { rate: 8000, frame: 256, hop: 250, bands: 20 }` or `statistics { channels: 3, frame: 64 }`"
            }
        }
    }
}

/// Reads every key.
pub(super) fn parse(trees: &[TokenTree], errors: &mut Diagnostics) -> (Vec<KeyAst>, Values) {
    let (mut keys, mut values) = (Vec::<KeyAst>::new(), Values::default());
    for Piece { trees, comma } in pieces(trees) {
        if trees.is_empty() {
            errors.error(
                comma,
                format!("expected a key before this comma, one of {}", names()),
            );
            continue;
        }
        let mut rest = trees;
        while !rest.is_empty() {
            let (mut own, after) = rest.split_at(end_of_entry(rest));
            if let Some((mark, before)) = own
                .split_last()
                .filter(|(mark, before)| is_punct(Some(mark), ';') && !before.is_empty())
            {
                errors.error(mark, "expected `,` between two keys, found `;`");
                own = before;
            } else if let Some(next) = after.first() {
                errors.error(next, format!("expected `,` before `{next}`"));
            }
            entry(own, &mut keys, &mut values, errors);
            rest = after;
        }
    }
    (keys, values)
}

/// Where the next key starts although no comma is there, or the end.
fn end_of_entry(trees: &[TokenTree]) -> usize {
    (1..trees.len())
        .find(|&at| starts_key(&trees[at..]))
        .unwrap_or(trees.len())
}

fn entry(
    trees: &[TokenTree],
    keys: &mut Vec<KeyAst>,
    values: &mut Values,
    errors: &mut Diagnostics,
) {
    let TokenTree::Ident(name) = &trees[0] else {
        let found = found(&trees[..1]);
        errors.error(
            &trees[0],
            format!("expected a key, one of {}, {found}", names()),
        );
        return;
    };
    let Some(key) = Key::ALL.into_iter().find(|key| name == key.name()) else {
        errors.error(name, unknown(name));
        return;
    };
    let colon = is_punct(trees.get(1), ':');
    let value = trees.get(2..).filter(|_| colon).unwrap_or(&[]);
    if let Some(first) = keys.iter().find(|first| first.key == key) {
        let written = text(&super::tokens::trees(first.value.clone()));
        let first = if written.is_empty() {
            String::new()
        } else {
            format!(" as `{written}`")
        };
        errors.error(
            name,
            format!("duplicate key `{name}`: it is given above{first}"),
        );
        return;
    }
    keys.push(KeyAst {
        key,
        name: name.clone(),
        value: stream(value),
    });
    if let Some(wrong) = trees.get(1).filter(|_| !colon) {
        let found = found(std::slice::from_ref(wrong));
        errors.error(wrong, format!("expected `:` after `{name}`, {found}"));
    } else if value.is_empty() {
        errors.error(name, format!("`{name}` needs a value: {}", key.form()));
    } else {
        values::read(key, value, values, errors);
    }
}

fn names() -> String {
    Key::ALL.map(Key::name).join(", ")
}

fn unknown(name: &Ident) -> String {
    let name = name.to_string();
    match nearest(&name, Key::ALL.map(Key::name)) {
        Some(near) => {
            format!(
                "unknown key `{name}`: did you mean `{near}`? expected one of {}",
                names()
            )
        }
        None => format!("unknown key `{name}`: expected one of {}", names()),
    }
}
