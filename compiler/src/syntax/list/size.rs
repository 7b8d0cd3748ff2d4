//! Sizes: `3`, or rows x columns, `1x5`, of a kernel, a window or a stride; and ranks.

use proc_macro2::TokenTree;
use std::ops::RangeInclusive;

use crate::diagnostic::Diagnostics;
use crate::network::{Kernel, Shape};
use crate::syntax::tokens::{integer, literal, stream};

/// The sizes that something may have.
pub(in crate::syntax) struct Sizes {
    what: &'static str,
    /// Rows, and columns.
    sides: RangeInclusive<u32>,
    /// What two numbers are, and how they are called together.
    pair: (&'static str, &'static str),
    /// One that is not square.
    example: &'static str,
    /// What may be written instead.
    instead: &'static str,
}

const ROWS_AND_COLUMNS: (&str, &str) = ("rows x columns", "rows and columns");

pub(in crate::syntax) const KERNEL: Sizes = Sizes {
    what: "kernel",
    sides: 1..=11,
    pair: ROWS_AND_COLUMNS,
    example: "1x3",
    instead: "",
};

pub(in crate::syntax) const WINDOW: Sizes = Sizes {
    what: "window",
    sides: 1..=8,
    pair: ROWS_AND_COLUMNS,
    example: "1x2",
    instead: ", or `all` for the whole map",
};

pub(in crate::syntax) const STRIDE: Sizes = Sizes {
    what: "stride",
    sides: 1..=4,
    pair: ROWS_AND_COLUMNS,
    example: "1x2",
    instead: "",
};

/// The ranks of what a recurrent cell multiplies its input and its state by.
pub(super) const RANK: Sizes = Sizes {
    what: "rank",
    sides: 1..=255,
    pair: ("input x state", "both"),
    example: "8x6",
    instead: "",
};

impl Sizes {
    pub(in crate::syntax) fn what(&self) -> &'static str {
        self.what
    }

    /// "1 to 11".
    fn range(&self) -> String {
        format!("{} to {}", self.sides.start(), self.sides.end())
    }

    /// Reads a size; an error at it, or at `place` where there is none.
    pub(super) fn read(
        &self,
        trees: &[TokenTree],
        place: &TokenTree,
        errors: &mut Diagnostics,
    ) -> Option<Kernel> {
        let Self {
            what,
            sides,
            pair: (pair, both),
            example,
            instead,
        } = self;
        let range = self.range();
        let expected = format!("a {what} of {range}, or {pair} such as `{example}`{instead}");
        // `1x5` is a single literal: the number 1 with the suffix `x5`.
        let written = literal(trees).map(ToString::to_string).unwrap_or_default();
        let mut malformed = |why: &str| {
            let message = format!("expected {expected}, found `{written}`{why}");
            errors.error(stream(trees), message);
            None
        };
        let (size, allowed) = match written.split_once('x') {
            None => {
                let side = integer(trees, place, &expected, errors)?;
                let side = u32::try_from(side).unwrap_or(u32::MAX);
                (Kernel::square(side), format!("{range}{instead}"))
            }
            Some(("0", _)) => return malformed(", which is a number in hexadecimal"),
            Some((rows, columns)) => {
                let (Some(height), Some(width)) = (length(rows), length(columns)) else {
                    return malformed("");
                };
                let size = Kernel { height, width };
                (size, format!("{both} of {range}{instead}"))
            }
        };
        if sides.contains(&size.height) && sides.contains(&size.width) {
            return Some(size);
        }
        let message = format!("{what} {written} is not supported: expected {allowed}");
        errors.error(stream(trees), message);
        None
    }

    /// The most that may be in place of a size that is larger than its map: a
    /// square of more than a pixel, and the size cut to the map where that is none.
    pub(in crate::syntax) fn most_that_fit(&self, size: Kernel, map: Shape) -> Vec<String> {
        let most = *self.sides.end();
        let square = map.height.min(map.width).min(most);
        let cut = Kernel {
            height: size.height.min(map.height),
            width: size.width.min(map.width),
        };
        let is_square = cut.height == cut.width;
        let square = (square > 1 || is_square).then(|| square.to_string());
        let cut = (!is_square).then(|| cut.written());
        square.into_iter().chain(cut).collect()
    }
}

/// Digits alone; more than 32 bits hold are out of any range.
fn length(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u32::MAX))
}
