//! Rows of packed weights, after the code in flash or among the parameters in
//! SRAM; Z goes through them.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition, Mode};
use crate::backend::avr::isa::ports::RAMPZ;
use crate::backend::avr::isa::registers::{BASE, Pointer, Register, Registers, TEMPORARY, Z, ZERO};
use crate::backend::avr::round::sum::Sum;
use crate::program::{RuntimeParameters, SumParameters, pack_row, packed_row_bytes};

/// The rows of a sum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    place: RowPlace,
    /// Bytes of a row.
    pub(crate) row_bytes: u32,
}

#[derive(Clone, Copy, Debug)]
enum RowPlace {
    Flash(CodeLabel),
    /// That far after the network's address.
    Sram {
        first_byte: u32,
    },
}

impl Rows {
    pub(crate) fn new(asm: &mut Assembly, sum: &Sum<'_>) -> Self {
        let outputs = sum.program.outputs;
        let place = match &sum.program.parameters {
            SumParameters::Constant(constants) => {
                let rows = constants.weights.chunks(outputs as usize);
                let packed = rows.flat_map(|row| pack_row(row, sum.weight_bits));
                RowPlace::Flash(asm.table(packed.collect()))
            }
            SumParameters::Runtime(RuntimeParameters {
                first_weight_byte, ..
            }) => RowPlace::Sram {
                first_byte: sum.first_parameter_byte + first_weight_byte,
            },
        };
        Self {
            place,
            row_bytes: packed_row_bytes(outputs, sum.weight_bits),
        }
    }

    /// Constant ones in flash, in each of which the last output's weight comes first.
    pub(crate) fn backward(asm: &mut Assembly, sum: &Sum<'_>, weights: &[i8]) -> Self {
        let outputs = sum.program.outputs;
        let packed = weights.chunks(outputs as usize).flat_map(|row| {
            let backward: Vec<i8> = row.iter().rev().copied().collect();
            pack_row(&backward, sum.weight_bits)
        });
        Self {
            place: RowPlace::Flash(asm.table(packed.collect())),
            row_bytes: packed_row_bytes(outputs, sum.weight_bits),
        }
    }

    /// Whether [`BASE`] has to be the network's address.
    pub(crate) fn needs_base(self) -> bool {
        match self.place {
            RowPlace::Sram { .. } => true,
            RowPlace::Flash(_) => false,
        }
    }

    /// Z ← a byte of the first row.
    pub(crate) fn begin(self, asm: &mut Assembly, byte: u32) {
        match self.place {
            RowPlace::Flash(label) => {
                if asm.core().extended_flash {
                    asm.ldi_address(Z, (label, byte), 2);
                    asm.write_port(RAMPZ, Z);
                }
                asm.ldi_address(Z, (label, byte), 0);
                asm.ldi_address(Z.next(), (label, byte), 1);
            }
            RowPlace::Sram { first_byte } => {
                asm.movw(Z, BASE);
                asm.add_to_pair(Z, (first_byte + byte) as i32);
            }
        }
    }

    /// Loads the byte at Z, and moves Z on.
    pub(crate) fn load(self, asm: &mut Assembly, register: Register) {
        match self.place {
            RowPlace::Flash(_) => asm.lpm(register),
            RowPlace::Sram { .. } => asm.load(register, Pointer::Z, Mode::PostIncrement),
        }
    }

    /// Moves Z on by a constant.
    pub(crate) fn skip(self, asm: &mut Assembly, bytes: u32) {
        let changed = Registers::of_pairs([Z]).and(self.is_extended(asm).then_some(TEMPORARY));
        asm.changing(changed, |asm| {
            if bytes == 0 {
                return;
            }
            asm.add_to_pair(Z, bytes as i32);
            if !self.is_extended(asm) {
                return;
            }
            let same = asm.label();
            // `adiw` sets the carry where it wraps, `sbci` of the negated clears it.
            let wraps_not = if bytes <= 63 {
                Condition::SameOrHigher
            } else {
                Condition::Lower
            };
            // Both ways take as long: where the linker puts the table must not count.
            asm.read_port(TEMPORARY, RAMPZ);
            asm.branch(wraps_not, same, 1.0);
            asm.inc(TEMPORARY);
            asm.bind(same);
            asm.write_port(RAMPZ, TEMPORARY);
        })
    }

    /// The same by any number of bytes.
    pub(crate) fn skip_far(self, asm: &mut Assembly, bytes: u32) {
        let mut left = bytes;
        while left > 0 {
            let bytes = left.min(u16::MAX.into());
            self.skip(asm, bytes);
            left -= bytes;
        }
    }

    /// Moves Z on by what a register holds.
    pub(crate) fn skip_by(self, asm: &mut Assembly, bytes: Register) {
        let changed = Registers::of_pairs([Z]).and(self.is_extended(asm).then_some(TEMPORARY));
        asm.changing(changed, |asm| {
            asm.add(Z, bytes);
            asm.adc(Z.next(), ZERO);
            if self.is_extended(asm) {
                asm.read_port(TEMPORARY, RAMPZ);
                asm.adc(TEMPORARY, ZERO);
                asm.write_port(RAMPZ, TEMPORARY);
            }
        })
    }

    /// Moves Z on by what a pair holds, as [`Self::skip_by`] does.
    pub(crate) fn skip_by_pair(self, asm: &mut Assembly, low: Register) {
        let changed = Registers::of_pairs([Z]).and(self.is_extended(asm).then_some(TEMPORARY));
        asm.changing(changed, |asm| {
            asm.add(Z, low);
            asm.adc(Z.next(), low.next());
            if self.is_extended(asm) {
                asm.read_port(TEMPORARY, RAMPZ);
                asm.adc(TEMPORARY, ZERO);
                asm.write_port(RAMPZ, TEMPORARY);
            }
        })
    }

    /// A subroutine for a value, of which the flags say whether it is 0, as `zeros` of all are: it skips
    /// the row at Z, or does what `add` emits.
    pub(crate) fn skip_or(self, asm: &mut Assembly, zeros: f64, add: impl FnOnce(&mut Assembly)) {
        let not_zero = asm.label();
        asm.branch(Condition::NotEqual, not_zero, 1.0 - zeros);
        asm.times(zeros, |asm| {
            self.skip(asm, self.row_bytes);
            asm.ret();
        });
        asm.bind(not_zero);
        asm.times(1.0 - zeros, |asm| {
            add(asm);
            asm.ret();
        });
    }

    /// The same without a return, where the code goes on after the value.
    pub(crate) fn unless_zero(
        self,
        asm: &mut Assembly,
        zeros: f64,
        add: impl FnOnce(&mut Assembly),
    ) {
        let [zero, done] = [(); 2].map(|()| asm.label());
        asm.branch(Condition::Equal, zero, zeros);
        asm.times(1.0 - zeros, |asm| {
            add(asm);
            asm.jump(done);
        });
        asm.bind(zero);
        asm.times(zeros, |asm| self.skip(asm, self.row_bytes));
        asm.bind(done);
    }

    /// Whether Z has a third byte.
    fn is_extended(self, asm: &Assembly) -> bool {
        match self.place {
            RowPlace::Flash(_) => asm.core().extended_flash,
            RowPlace::Sram { .. } => false,
        }
    }
}
