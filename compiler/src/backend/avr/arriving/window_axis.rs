//! Which windows of a leading average a byte is in, along one axis.

use crate::backend::avr::arithmetic::divide::{self, Rest};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition};
use crate::backend::avr::isa::registers::{R28, Register, ZERO};

/// Is changed, here and by `absorb` itself.
pub(crate) const HELPER: Register = R28;

/// A row or column of windows that the byte is in.
#[derive(Clone, Debug)]
pub(crate) struct WindowAxis {
    /// The byte's row or column.
    pub(crate) at: Vec<Register>,
    /// The window's, unless there is only one.
    pub(crate) window: Vec<Register>,
    /// The byte's within the window.
    pub(crate) offset: Vec<Register>,
    pub(crate) side: u32,
    pub(crate) stride: u32,
    pub(crate) windows: u32,
    /// Rows or columns of the input.
    pub(crate) length: u32,
}

impl WindowAxis {
    pub(crate) fn is_single(&self) -> bool {
        self.windows == 1
    }

    fn overlaps(&self) -> bool {
        !self.is_single() && self.side > self.stride
    }

    /// Rows or columns from the input's first to the last one of a window.
    pub(crate) fn used(&self) -> u32 {
        (self.windows - 1) * self.stride + self.side
    }

    /// Of a byte that is read, how many windows it is in along this axis, in the mean.
    pub(crate) fn windows_of_a_byte(&self) -> f64 {
        match self.is_single() {
            true => 1.0,
            false => f64::from(self.side) / f64::from(self.stride),
        }
    }

    /// Finds the last window that begins before the byte; branches where the byte is
    /// in none.
    pub(crate) fn begin(&self, asm: &mut Assembly, outside: CodeLabel) {
        if self.is_single() {
            return;
        }
        for (&to, &from) in self.window.iter().zip(&self.at) {
            asm.mov(to, from);
        }
        let rest = Rest {
            remainder: self.offset[0],
            scratch: HELPER,
        };
        divide::with_remainder(asm, &self.window, (self.stride, self.length), rest);
        if self.overlaps() && (self.used() - 1) / self.stride >= self.windows {
            // Behind the last window's first row still more begin, of windows that
            // are not there.
            let (next, found) = (asm.here(), asm.label());
            self.compare_window(asm, self.windows);
            asm.branch(Condition::Lower, found, 0.9);
            asm.times(0.1, |asm| {
                self.go_back(asm);
                asm.jump(next);
            });
            asm.bind(found);
        }
        if self.side < self.stride {
            asm.cpi(self.offset[0], self.side as u8);
            let share = 1.0 - f64::from(self.side) / f64::from(self.stride);
            asm.branch(Condition::SameOrHigher, outside, share);
        }
    }

    /// To the window before, in which the byte is further along.
    fn go_back(&self, asm: &mut Assembly) {
        asm.ldi(HELPER, 1);
        asm.sub(self.window[0], HELPER);
        if let Some(&upper) = self.window.get(1) {
            asm.sbc(upper, ZERO);
        }
        asm.subi(self.offset[0], (self.stride as u8).wrapping_neg());
    }

    /// Goes to the window before, if the byte is in that one too.
    pub(crate) fn repeat(&self, asm: &mut Assembly, next: CodeLabel) {
        if !self.overlaps() {
            return;
        }
        let done = asm.label();
        asm.mov(HELPER, self.window[0]);
        if let Some(&upper) = self.window.get(1) {
            asm.or(HELPER, upper);
        } else {
            asm.tst(HELPER);
        }
        asm.branch(Condition::Equal, done, 0.1);
        self.go_back(asm);
        asm.cpi(self.offset[0], self.side as u8);
        asm.branch(Condition::Lower, next, 0.5);
        asm.bind(done);
    }

    fn compare_window(&self, asm: &mut Assembly, constant: u32) {
        let [low, high, ..] = constant.to_le_bytes();
        asm.ldi(HELPER, low);
        asm.cp(self.window[0], HELPER);
        if let Some(&upper) = self.window.get(1) {
            asm.ldi(HELPER, high);
            asm.cpc(upper, HELPER);
        }
    }
}
