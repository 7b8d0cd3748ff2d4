//! Products of states and weights as unsigned numbers, which need no sign: each weight is 128 more,
//! and each state `2^15`. As `Σ (w + 128)(h + 2^15) = Σ w·h + 2^15 Σ w + 128 Σ (h + 2^15)`, sums begin
//! with what is to be taken off: a constant of each unit, and one of all units, made once a step.

use super::products::{NIL, Sums};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::Mode;
use crate::backend::avr::isa::loops::counted;
use crate::backend::avr::isa::registers::{Pointer, R18, R19, R20, R21, R22, R24, Register, X, Y};

/// Bytes of what all units take off.
const BYTES: u32 = 4;
const STATE: [Register; 2] = [R18, R19];
/// What is made of the sum of all states, taken off 0: the lowest byte first.
const TOTAL: [Register; 4] = [R24, R20, R21, R22];
const COUNT: Register = R24.next();
/// The same where sums begin.
const TAKEN_OFF: [Register; 4] = [R18, R19, R20, R21];

/// What is taken off, kept where the last two units' `pre` will be.
#[derive(Clone, Copy)]
pub(super) struct OffsetStates {
    hidden: u32,
    states_byte: u32,
    /// Where what all units take off is kept, from the network's address on.
    kept_byte: u32,
}

impl OffsetStates {
    /// `None` where less than two units are made at once, as the last but one would be stored there too
    /// early; where the sum of all states may pass 23 bits and a sign; and where it takes longer.
    pub(super) fn of(
        hidden: u32,
        units: Sums,
        (states_byte, made_byte): (u32, u32),
    ) -> Option<Self> {
        // Cycles of a step, about: a product saves one for each byte of a sum above the second. Adding
        // the states up takes 12 each, to begin a unit's sum 16, a state's offset 1 in each block.
        let products = hidden * hidden;
        let saved = products * u32::from(units.bytes.saturating_sub(2));
        let spent = (12 + 16) * hidden + products / u32::from(units.outputs) + 40;
        (units.outputs > 1 && hidden < 128 && saved > spent).then(|| Self {
            hidden,
            states_byte,
            kept_byte: made_byte + 2 * hidden - BYTES,
        })
    }

    /// What a unit's sum begins with, beside what all take off.
    pub(super) fn begin(weights: &[i8], half: i32) -> i32 {
        let sum: i32 = weights.iter().map(|&weight| i32::from(weight)).sum();
        half.wrapping_sub(sum.wrapping_shl(15))
    }

    /// A weight as the table has it.
    pub(super) fn weight(weight: i8) -> u8 {
        weight as u8 ^ 0x80
    }

    /// Makes what all units take off, Y being the network's address.
    pub(super) fn prepare(self, asm: &mut Assembly) {
        let [lowest, sum @ ..] = TOTAL;
        asm.movw(X, Y);
        asm.add_to_pair(X, self.states_byte as i32);
        for register in TOTAL {
            asm.ldi(register, 0);
        }
        counted(asm, self.hidden, COUNT, |asm| {
            for register in STATE {
                asm.load(register, Pointer::X, Mode::PostIncrement);
            }
            asm.subi(STATE[1], 0x80);
            asm.sub(sum[0], STATE[0]);
            asm.sbc(sum[1], STATE[1]);
            asm.sbc(sum[2], NIL);
        });
        // 128 times it: 256 times, halved.
        asm.asr(sum[2]);
        asm.ror(sum[1]);
        asm.ror(sum[0]);
        asm.ror(lowest);
        asm.movw(X, Y);
        asm.add_to_pair(X, self.kept_byte as i32);
        for register in TOTAL {
            asm.store(Pointer::X, Mode::PostIncrement, register);
        }
    }

    /// Lets sums begin, Z being at what each unit begins with.
    pub(super) fn begin_sums(self, asm: &mut Assembly, sums: Sums) {
        asm.movw(X, Y);
        asm.add_to_pair(X, self.kept_byte as i32);
        let taken_off = &TAKEN_OFF[..sums.bytes.into()];
        for &register in taken_off {
            asm.load(register, Pointer::X, Mode::PostIncrement);
        }
        for unit in 0..sums.outputs {
            let sum = sums.registers(unit);
            for &register in &sum {
                asm.lpm_near(register);
            }
            for (index, (&register, &byte)) in sum.iter().zip(taken_off).enumerate() {
                match index {
                    0 => asm.add(register, byte),
                    _ => asm.adc(register, byte),
                }
            }
        }
    }
}
