//! From a point of a segment's grid to the pixel that a stage computes there.

use crate::backend::avr::arithmetic::divide::inverse;
use crate::backend::avr::arithmetic::index::{compare, is_wide, registers};
use crate::backend::avr::arithmetic::multiply::multiply_wrapping;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition};
use crate::backend::avr::isa::registers::{PRODUCT, Register, Registers, SCRATCH, X};
use crate::plan::AxisTiming;

/// One axis of a stage's timing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GridAxis {
    /// When there is something to do.
    pub(crate) timing: AxisTiming,
    /// Rows or columns of the grid.
    pub(crate) points: u32,
}

impl GridAxis {
    /// The share of the grid's rows or columns at which there is something to do.
    pub(crate) fn share(self) -> f64 {
        f64::from(self.timing.count) / f64::from(self.points)
    }

    /// The row or column of the grid becomes that of the pixel; branches where there
    /// is none.
    ///
    /// `point − delay = index · stride` has `index < count` wherever there is a
    /// pixel. Modulo 2^8 (or 2^16), multiplying by the inverse of the stride's odd
    /// part is a bijection that takes its multiples below `count · odd` to numbers
    /// below `count`, and thus nothing else: a single comparison rejects what is no
    /// multiple, what is too large, and what is below the delay and has wrapped
    /// around.
    pub(crate) fn emit(self, asm: &mut Assembly, first: Register, absent: CodeLabel) {
        let changed = Registers::of_pairs([SCRATCH])
            .and(PRODUCT)
            .and(registers(first, self.points))
            .and(
                is_wide(self.points)
                    .then_some([X, X.next()])
                    .into_iter()
                    .flatten(),
            );
        asm.changing(changed, |asm| {
            let AxisTiming {
                delay,
                stride,
                count,
            } = self.timing;
            let registers = &registers(first, self.points);
            let missing = 1.0 - self.share();
            if self.points == count {
                return;
            }
            if count == 1 {
                compare(asm, registers, delay, SCRATCH);
                asm.branch(Condition::NotEqual, absent, missing);
                for &register in registers {
                    asm.ldi(register, 0);
                }
                return;
            }
            let (shifts, odd) = (stride.trailing_zeros(), stride >> stride.trailing_zeros());
            let last = (self.points - 1 - delay) / stride;
            let checks_count = last >= count || odd > 1;
            self.subtract(asm, registers, delay);
            let mut present = 1.0;
            if delay > 0 && !checks_count {
                let below = f64::from(delay) / f64::from(self.points);
                asm.branch(Condition::Lower, absent, below);
                present -= below;
            }
            for _ in 0..shifts {
                asm.times(present, |asm| {
                    for (index, &register) in registers.iter().rev().enumerate() {
                        if index == 0 {
                            asm.lsr(register);
                        } else {
                            asm.ror(register);
                        }
                    }
                    asm.branch(Condition::Lower, absent, 0.5);
                });
                present /= 2.0;
            }
            asm.times(present, |asm| {
                if odd > 1 {
                    multiply_wrapping(asm, registers, inverse(odd, 8 * registers.len() as u32));
                }
                if checks_count {
                    compare(asm, registers, count, SCRATCH);
                    let absent_share = (1.0 - self.share() / present).clamp(0.0, 1.0);
                    asm.branch(Condition::SameOrHigher, absent, absent_share);
                }
            });
        })
    }

    fn subtract(self, asm: &mut Assembly, registers: &[Register], delay: u32) {
        if delay == 0 {
            return;
        }
        let [low, high, ..] = delay.to_le_bytes();
        asm.subi(registers[0], low);
        if let Some(&upper) = registers.get(1) {
            asm.sbci(upper, high);
        }
    }
}
