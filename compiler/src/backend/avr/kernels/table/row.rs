//! The subroutines of a table kernel: a loop over the values of a run, and what
//! is done for one of them and its row of weights.

use super::{BYTE, COUNT, Table, TablePass, TableProducts};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition, Mode};
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::registers::{PRODUCT, Pointer, Register, VALUE, WEIGHT, ZERO};
use crate::program::packed_row_bytes;

/// The subroutines of passes that are alike, and how often they run.
struct RunSubroutine<'a> {
    pass: &'a TablePass,
    row: CodeLabel,
    calls: f64,
    values: f64,
}

impl Table<'_> {
    /// The subroutines, where nothing runs into them.
    pub(crate) fn subroutines(&self, asm: &mut Assembly) {
        for (index, pass) in self.passes.iter().enumerate() {
            let alike = |other: &&TablePass| other.entries == pass.entries;
            if self.passes[..index].iter().any(|other| alike(&other)) {
                continue;
            }
            let run = RunSubroutine {
                pass,
                row: asm.label(),
                calls: self
                    .passes
                    .iter()
                    .filter(alike)
                    .map(|pass| pass.calls)
                    .sum(),
                values: self
                    .passes
                    .iter()
                    .filter(alike)
                    .map(|pass| pass.values)
                    .sum(),
            };
            asm.of(Purpose::Load, |asm| {
                self.emit_run(asm, &run);
                self.emit_run_outside(asm, &run);
            });
            let share = 1.0 - self.sum.expectation.mean_zero();
            asm.of(Purpose::MultiplyAccumulate, |asm| {
                asm.times(run.values * share, |asm| {
                    asm.bind(run.row);
                    self.emit_row(asm, pass);
                });
            });
        }
        if let (Some(label), Some(counter)) = (self.multiply, self.registers.counter) {
            asm.bind(label);
            asm.of(Purpose::MultiplyAccumulate, |asm| {
                let values: f64 = self.passes.iter().map(|pass| pass.values).sum();
                let outputs = f64::from(self.sum.program.outputs);
                let share = 1.0 - self.sum.expectation.mean_zero();
                asm.times(values * outputs * share, |asm| multiply(asm, counter));
            });
        }
        self.rounder.subroutines(asm);
    }

    /// A loop over the values of a run.
    fn emit_run(&self, asm: &mut Assembly, run: &RunSubroutine<'_>) {
        let [low_entry, high_entry] = run.pass.entries;
        let row = run.row;
        let done = asm.label();
        if self.input.stored_bits() == 8 {
            // Both entries are one.
            asm.bind(high_entry);
            asm.bind(low_entry);
            asm.times(run.values, |asm| {
                asm.load(VALUE, Pointer::X, self.input.mode());
                self.sum.test(asm, VALUE);
                self.use_value(asm, row);
                self.count_down(asm);
                asm.loop_back(Condition::NotEqual, low_entry, 100.0);
            });
            asm.times(run.calls, Assembly::ret);
            return;
        }
        let high = asm.label();
        asm.bind(high_entry);
        asm.times(run.calls / 2.0, |asm| {
            asm.load(BYTE, Pointer::X, Mode::PostIncrement);
            asm.jump(high);
        });
        asm.bind(low_entry);
        asm.times(run.values / 2.0, |asm| {
            asm.load(BYTE, Pointer::X, Mode::PostIncrement);
            asm.mov(VALUE, BYTE);
            asm.andi(VALUE, 0x0F);
            self.use_value(asm, row);
            self.count_down(asm);
            asm.branch(Condition::Equal, done, 0.05);
            asm.bind(high);
            asm.mov(VALUE, BYTE);
            asm.swap(VALUE);
            asm.andi(VALUE, 0x0F);
            self.use_value(asm, row);
            self.count_down(asm);
            asm.loop_back(Condition::NotEqual, low_entry, 20.0);
        });
        asm.bind(done);
        asm.times(run.calls, Assembly::ret);
    }

    /// The same of values outside of the map.
    fn emit_run_outside(&self, asm: &mut Assembly, run: &RunSubroutine<'_>) {
        let Some(entry) = run.pass.outside else {
            return;
        };
        asm.bind(entry);
        // Of few outputs.
        asm.times(run.calls / 16.0, |asm| {
            asm.times(8.0, |asm| {
                asm.ldi(VALUE, self.sum.outside);
                asm.call(run.row);
                self.count_down(asm);
                asm.loop_back(Condition::NotEqual, entry, 8.0);
            });
            asm.ret();
        });
    }

    /// The flags say whether the value is 0: then its row is skipped.
    fn use_value(&self, asm: &mut Assembly, row: CodeLabel) {
        let (not_zero, next) = (asm.label(), asm.label());
        let share = 1.0 - self.sum.expectation.mean_zero();
        asm.branch(Condition::NotEqual, not_zero, share);
        asm.times(1.0 - share, |asm| {
            self.rows.skip(asm, self.rows.row_bytes);
            asm.jump(next);
        });
        asm.bind(not_zero);
        asm.times(share, |asm| {
            if self.sum.signed_input && self.input.stored_bits() == 4 {
                asm.skip_if_clear(VALUE, 3);
                asm.ori(VALUE, 0xF0);
            }
            asm.call(row);
        });
        asm.bind(next);
    }

    fn count_down(&self, asm: &mut Assembly) {
        match self.registers.count_high {
            Some(high) => {
                asm.subi(COUNT, 1);
                asm.sbci(high, 0);
            }
            None => asm.dec(COUNT),
        }
    }

    /// Adds a value's products with one row.
    fn emit_row(&self, asm: &mut Assembly, pass: &TablePass) {
        self.add_to_total(asm);
        let mut double = VALUE;
        for &next in &self.registers.doubles {
            asm.mov(next, double);
            asm.lsl(next);
            double = next;
        }
        let bits = self.sum.weight_bits;
        let per_byte = (8 / bits) as usize;
        for sharing in pass.accumulators.chunks(per_byte) {
            self.rows.load(asm, WEIGHT);
            let first_field = pass.first_field;
            if self.products == TableProducts::Multiplied {
                for _ in 0..first_field * bits {
                    asm.lsr(WEIGHT);
                }
                // Weights of another pass; after a row's end there are none.
                let fields = sharing.len() as u32;
                if first_field + fields < per_byte as u32 {
                    asm.andi(WEIGHT, 0xFF >> (8 - fields * bits));
                }
            }
            for (field, accumulator) in sharing.iter().enumerate() {
                match self.products {
                    TableProducts::Multiplied => {
                        match (field, bits) {
                            (0, _) => {}
                            (_, 4) => {
                                asm.swap(WEIGHT);
                                asm.andi(WEIGHT, 0x0F);
                            }
                            _ => {
                                for _ in 0..bits {
                                    asm.lsr(WEIGHT);
                                }
                            }
                        }
                        self.multiply(asm);
                    }
                    TableProducts::Doubles => {
                        asm.clr(PRODUCT[0]);
                        let doubles = [VALUE].into_iter().chain(self.registers.doubles.clone());
                        for (bit, double) in (0..).zip(doubles) {
                            let bit = (first_field + field as u32) * bits + bit;
                            asm.skip_if_clear(WEIGHT, bit as u8);
                            asm.add(PRODUCT[0], double);
                        }
                    }
                }
                self.add_product(asm, accumulator);
            }
        }
        let read = packed_row_bytes(pass.accumulators.len() as u32, bits);
        self.rows.skip(asm, self.rows.row_bytes - read);
        asm.ret();
    }

    fn add_to_total(&self, asm: &mut Assembly) {
        let total = &self.registers.total;
        match self.registers.sign {
            Some(sign) => {
                if self.sum.signed_input {
                    asm.clr(sign);
                    asm.skip_if_clear(VALUE, 7);
                    asm.com(sign);
                }
                asm.add(total[0], VALUE);
                for &register in &total[1..] {
                    asm.adc(register, sign);
                }
            }
            None => {
                let no_carry = asm.label();
                asm.add(total[0], VALUE);
                asm.branch(Condition::SameOrHigher, no_carry, 0.9);
                asm.inc(total[1]);
                asm.bind(no_carry);
            }
        }
    }

    /// r1:r0 ← the value times the byte of weights.
    fn multiply(&self, asm: &mut Assembly) {
        let signed = self.sum.signed_input;
        match self.multiply {
            Some(label) => {
                asm.call(label);
                if signed {
                    // As an unsigned number, it was 256 too large.
                    asm.skip_if_clear(VALUE, 7);
                    asm.sub(PRODUCT[1], WEIGHT);
                }
            }
            None if signed => asm.mulsu(VALUE, WEIGHT),
            None => asm.mul(VALUE, WEIGHT),
        }
    }

    fn add_product(&self, asm: &mut Assembly, accumulator: &[Register]) {
        let [low, high] = PRODUCT;
        let narrow = self.products == TableProducts::Doubles;
        let sign = match self.registers.sign {
            Some(sign) if self.sum.signed_input => {
                if narrow {
                    asm.clr(sign);
                    asm.skip_if_clear(low, 7);
                    asm.com(sign);
                } else if accumulator.len() > 2 {
                    asm.clr(sign);
                    asm.skip_if_clear(high, 7);
                    asm.com(sign);
                }
                sign
            }
            Some(zero) => zero,
            None => ZERO,
        };
        asm.add(accumulator[0], low);
        asm.adc(accumulator[1], if narrow { sign } else { high });
        for &register in &accumulator[2..] {
            asm.adc(register, sign);
        }
    }
}

/// r1:r0 ← r16 × r17, as `mul` has it (Microchip application note AVR200,
/// "mpy8u").
pub(crate) fn multiply(asm: &mut Assembly, counter: Register) {
    let [low, high] = PRODUCT;
    asm.clr(high);
    asm.mov(low, WEIGHT);
    asm.ldi(counter, 8);
    asm.lsr(low);
    let (next, no_addend) = (asm.here(), asm.label());
    asm.times(8.0, |asm| {
        asm.branch(Condition::SameOrHigher, no_addend, 0.5);
        asm.add(high, VALUE);
        asm.bind(no_addend);
        asm.ror(high);
        asm.ror(low);
        asm.dec(counter);
        asm.loop_back(Condition::NotEqual, next, 8.0);
    });
    asm.ret();
}
