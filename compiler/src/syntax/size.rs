//! The size of a kernel or window: `3`, or rows x columns, `1x5`.

use proc_macro2::TokenTree;

use super::tokens::{alternatives, integer, literal, stream};
use crate::diagnostic::Diagnostics;
use crate::network::{Kernel, Shape};

/// The sizes that a kernel or a window may have.
pub(super) struct Sizes {
    what: &'static str,
    /// Rows, and columns.
    sides: &'static [u32],
    least_pixels: u32,
    /// One that is not square.
    example: &'static str,
}

pub(super) const KERNEL: Sizes = Sizes {
    what: "kernel",
    sides: &[1, 3, 5, 7],
    least_pixels: 1,
    example: "1x3",
};

/// Powers of two, so that an average is a shift.
pub(super) const WINDOW: Sizes = Sizes {
    what: "window",
    sides: &[1, 2, 4],
    least_pixels: 2,
    example: "1x2",
};

impl Sizes {
    pub(super) fn what(&self) -> &'static str {
        self.what
    }

    /// Reads a size; an error at it, or at `place` where there is none.
    pub(super) fn read(
        &self,
        trees: &[TokenTree],
        place: &TokenTree,
        errors: &mut Diagnostics,
    ) -> Option<Kernel> {
        let what = self.what;
        let squares: Vec<u32> = self.squares().collect();
        let squares = alternatives(&squares);
        let expected = format!(
            "a {what} of {squares}, or rows x columns such as `{}`",
            self.example
        );
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
                (Kernel::square(side), squares)
            }
            Some(("0", _)) => return malformed(", which is a number in hexadecimal"),
            Some((rows, columns)) => {
                let (Some(height), Some(width)) = (length(rows), length(columns)) else {
                    return malformed("");
                };
                let allowed = match (height, width) {
                    (1, 1) => format!("{} pixels at least", self.least_pixels),
                    _ => format!("rows and columns of {}", alternatives(self.sides)),
                };
                (Kernel { height, width }, allowed)
            }
        };
        if self.includes(size) {
            return Some(size);
        }
        let message = format!("{what} {written} is not supported: expected {allowed}");
        errors.error(stream(trees), message);
        None
    }

    /// What to use in place of a size that is larger than its map; empty where
    /// nothing fits.
    pub(super) fn that_fit(&self, size: Kernel, map: Shape) -> Vec<String> {
        let longest = |side: u32, room: u32| {
            let fitting = self.sides.iter().filter(|&&it| it <= side.min(room));
            fitting.max().copied().unwrap_or(1)
        };
        let cut = Kernel {
            height: longest(size.height, map.height),
            width: longest(size.width, map.width),
        };
        let room = map.height.min(map.width);
        let squares = self.squares().filter(|&side| side <= room);
        let mut sizes: Vec<_> = squares.map(|side| side.to_string()).collect();
        if cut.height != cut.width {
            sizes.push(cut.written());
        }
        sizes
    }

    /// Sides of the squares.
    fn squares(&self) -> impl Iterator<Item = u32> {
        let sides = self.sides.iter().copied();
        sides.filter(|&side| self.includes(Kernel::square(side)))
    }

    fn includes(&self, size: Kernel) -> bool {
        self.sides.contains(&size.height)
            && self.sides.contains(&size.width)
            && size.taps() >= self.least_pixels
    }
}

/// Digits alone; more than 32 bits hold are out of any range.
fn length(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use crate::syntax;

    #[test]
    fn a_size_is_shown_as_it_is_declared() {
        let text =
            "N: [32, 64, 1] => < A(2x2), A(1x4), M(2x1), C1(8, 3x3), C1(8,1x3), C2*(6,3x1) >";
        let declaration = syntax::parse(text.parse().unwrap()).declaration.unwrap();
        let layers = declaration.network.nodes().iter();
        let layers: Vec<_> = layers.map(ToString::to_string).collect();
        assert_eq!(
            layers.join(", "),
            "A, A(1x4), M(2x1), C1(8,3), C1(8,1x3), C2*(6,3x1)"
        );
    }
}
