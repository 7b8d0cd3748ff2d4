//! Which row or column of windows a byte is in, and where in it, of windows that lie side by side.

use super::assembly::Assembly;
use super::isa::{Operation, Register};
use super::multiples::multiply;
use super::quotient::Quotient;

/// Rows or columns of a window, 1 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WindowSide(pub(crate) u32);

impl WindowSide {
    /// The side as a power of two, where it is one.
    pub(crate) fn log2(self) -> Option<u8> {
        self.0.is_power_of_two().then(|| self.0.ilog2() as u8)
    }

    /// `to` ← the window that the row or column `from` is in.
    pub(crate) fn window(self, asm: &mut Assembly<'_>, [to, from]: [Register; 2]) {
        match self.log2() {
            Some(log2) => asm.emit(Operation::ShiftRight(to, from, log2)),
            None => {
                let Quotient { factor, shift, .. } = Quotient::of_byte(self.0);
                asm.emit_all(multiply(asm.isa(), factor, [to, from]));
                asm.emit(Operation::ShiftRight(to, to, shift));
            }
        }
    }

    /// `at`, which is a row or column of 256 at most, or the one after the last, ← its place in its
    /// window. Changes `scratch`.
    ///
    /// The fraction of the quotient, times the side, is the remainder (Lemire, Kaser & Kurz, "Faster
    /// remainder by direct computation", 2019): of `n·factor` the fraction is `r·2^16 / side + n·e /
    /// side`, where `factor·side = 2^16 + e` and `n·e < 2^16`.
    pub(crate) fn place(self, asm: &mut Assembly<'_>, at: Register, scratch: Register) {
        match self.log2() {
            Some(0) => asm.emit(Operation::Immediate(at, 0)),
            Some(log2) => {
                asm.emit(Operation::ShiftLeft(at, at, 32 - log2));
                asm.emit(Operation::ShiftRight(at, at, 32 - log2));
            }
            None => {
                let Quotient { factor, shift, .. } = Quotient::of_byte(self.0);
                asm.emit_all(multiply(asm.isa(), factor, [scratch, at]));
                asm.emit(Operation::ShiftLeft(scratch, scratch, 32 - shift));
                asm.emit(Operation::ShiftRight(scratch, scratch, 32 - shift));
                asm.emit_all(multiply(asm.isa(), self.0 as i32, [at, scratch]));
                asm.emit(Operation::ShiftRight(at, at, shift));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fraction_of_a_quotient_times_the_side_is_the_remainder() {
        for side in (1..=255_u32).filter(|side| !side.is_power_of_two()) {
            let Quotient { factor, shift, .. } = Quotient::of_byte(side);
            for at in 0..=256 {
                let product = at * factor as u32;
                let fraction = product << (32 - shift) >> (32 - shift);
                assert_eq!(product >> shift, at / side, "{at} by {side}");
                assert_eq!((fraction * side) >> shift, at % side, "{at} by {side}");
            }
        }
        assert_eq!(WindowSide(8).log2(), Some(3));
        assert_eq!(WindowSide(6).log2(), None);
    }
}
