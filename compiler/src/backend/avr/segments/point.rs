//! From a point of a segment's grid to the pixel that a stage computes there.

use crate::backend::avr::arithmetic::divide::inverse;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{Condition, Label};
use crate::backend::avr::isa::registers::{PRODUCT, R26, Register, SCRATCH, ZERO};
use crate::plan::AxisTiming;

/// Whether rows or columns of a map of that many take two bytes.
pub(crate) const fn is_wide(side: u32) -> bool {
    side > 0xFF
}

/// The registers of a row or column of a map, or a grid, of that many, the first
/// being that one.
pub(crate) fn registers(first: Register, side: u32) -> Vec<Register> {
    let mut registers = vec![first];
    if is_wide(side) {
        registers.push(first.next());
    }
    registers
}

/// Compares a row or column with a constant. Changes `scratch` where it is wide.
pub(crate) fn compare(
    asm: &mut Assembly,
    registers: &[Register],
    constant: u32,
    scratch: Register,
) {
    let [low, high, ..] = constant.to_le_bytes();
    asm.cpi(registers[0], low);
    if let Some(&upper) = registers.get(1) {
        asm.ldi(scratch, high);
        asm.cpc(upper, scratch);
    }
}

/// Adds 1 to a row or column in upper registers.
pub(crate) fn increment(asm: &mut Assembly, registers: &[Register]) {
    match *registers {
        [low, high] => {
            asm.subi(low, 0xFF);
            asm.sbci(high, 0xFF);
        }
        _ => asm.inc(registers[0]),
    }
}

/// One axis of a stage's timing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    /// When there is something to do.
    pub(crate) timing: AxisTiming,
    /// Rows or columns of the grid.
    pub(crate) points: u32,
}

impl Axis {
    /// The share of the grid's rows or columns at which there is something to do.
    pub(crate) fn share(self) -> f64 {
        f64::from(self.timing.count) / f64::from(self.points)
    }

    /// The row or column of the grid becomes that of the pixel; branches where there
    /// is none. Changes r18 and r19, of columns of a wide grid X, and r0.
    ///
    /// `point − delay = index · stride` has `index < count` wherever there is a
    /// pixel. Modulo 2^8 (or 2^16), multiplying by the inverse of the stride's odd
    /// part is a bijection that takes its multiples below `count · odd` to numbers
    /// below `count`, and thus nothing else: a single comparison rejects what is no
    /// multiple, what is too large, and what is below the delay and has wrapped
    /// around.
    pub(crate) fn emit(self, asm: &mut Assembly, first: Register, absent: Label) {
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
                multiply(asm, registers, inverse(odd, 8 * registers.len() as u32));
            }
            if checks_count {
                compare(asm, registers, count, SCRATCH);
                let absent_share = (1.0 - self.share() / present).clamp(0.0, 1.0);
                asm.branch(Condition::SameOrHigher, absent, absent_share);
            }
        });
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

/// Multiplies a byte or a pair by a constant, modulo what it holds.
fn multiply(asm: &mut Assembly, registers: &[Register], constant: u32) {
    let [low_byte, high_byte, ..] = constant.to_le_bytes();
    match (registers, asm.core().multiplies) {
        (&[low, high], true) => {
            let (x, factor) = (R26, SCRATCH);
            asm.ldi(factor, low_byte);
            asm.mul(low, factor);
            asm.movw(x, PRODUCT[0]);
            asm.mul(high, factor);
            asm.add(x.next(), PRODUCT[0]);
            asm.ldi(factor, high_byte);
            asm.mul(low, factor);
            asm.add(x.next(), PRODUCT[0]);
            asm.movw(low, x);
            asm.clr(ZERO);
        }
        (&[low, _], false) => {
            crate::backend::avr::arriving::absorb::multiply_by_constant(asm, low, constant)
        }
        (_, true) => {
            asm.ldi(SCRATCH, low_byte);
            asm.mul(registers[0], SCRATCH);
            asm.mov(registers[0], PRODUCT[0]);
            asm.clr(ZERO);
        }
        (_, false) => {
            asm.mov(PRODUCT[0], registers[0]);
            for bit in (0..constant.ilog2()).rev() {
                asm.lsl(registers[0]);
                if constant >> bit & 1 == 1 {
                    asm.add(registers[0], PRODUCT[0]);
                }
            }
        }
    }
}
