//! Weights from a table in flash, or from parameters in SRAM.
//!
//! An activation that is not 0 is multiplied by its row of packed weights, one
//! weight an output, and added to every sum of a pass, which live in registers.
//! Rows are offset binary, `u = w + 2^(bits − 1)`, so that products are made
//! without caring for signs; `2^(bits − 1) · Σx` is taken off at the end.
//!
//! Where there is a multiplier, the weights of a byte are not masked apart
//! either: multiplying by the whole byte `b` and by `b >> bits` gives
//! `A₀ = Σ x·b` and `A₁ = Σ x·(b >> bits)`, and the first weight's sum is
//! `A₀ − 2^bits·A₁`, modulo the sums' width.

mod row;

pub(crate) use row::multiply;

use crate::backend::avr::arithmetic::wide::{load_sum, shift_up, subtract};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition, Mode};
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::registers::{
    BASE, Pointer, R2, R15, R18, R19, R20, R21, R23, R28, R29, R30, Register, Registers, SUM,
    VALUE, WEIGHT, ZERO,
};
use crate::backend::avr::kernels::input::SumInput;
use crate::backend::avr::kernels::kept::KeptSums;
use crate::backend::avr::kernels::passes::{PassDemand, Passes};
use crate::backend::avr::kernels::rows::Rows;
use crate::backend::avr::memory::runs::Run;
use crate::backend::avr::memory::state::LoopState;
use crate::backend::avr::memory::store::OutputSink;
use crate::backend::avr::round::finish::{self, Destination};
use crate::backend::avr::round::rounder::Rounder;
use crate::backend::avr::round::sum::Sum;

/// The byte that a value came in.
const BYTE: Register = R18;
const COUNT: Register = R19;

/// How a value and a weight are multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TableProducts {
    /// By `mul`, or a subroutine that does the same.
    Multiplied,
    /// By adding those of the value's doubles that the weight has bits for.
    Doubles,
}

/// A weighted sum from a table.
pub(crate) struct Table<'a> {
    sum: &'a Sum<'a>,
    input: SumInput<'a>,
    products: TableProducts,
    rows: Rows,
    passes: Vec<TablePass>,
    results: Option<Vec<Register>>,
    registers: TableRegisters,
    rounder: Rounder<'a>,
    multiply: Option<CodeLabel>,
    /// Where the sums are kept until all of their input has arrived.
    kept: Option<KeptSums>,
}

/// A pass, and the subroutines that it calls.
struct TablePass {
    accumulators: Vec<Vec<Register>>,
    first: usize,
    first_byte: u32,
    /// The first output's weight among those of its byte: not 0 only where the
    /// sums of a whole byte are too many for a pass.
    first_field: u32,
    /// The run from a low nibble or a byte on, and that from a high nibble on.
    entries: [CodeLabel; 2],
    /// The run of taps outside of the map, where those are not 0.
    outside: Option<CodeLabel>,
    calls: f64,
    values: f64,
}

/// Registers beside the fixed ones.
struct TableRegisters {
    /// The sum of all values, as wide as the sums.
    total: Vec<Register>,
    /// The count's high byte.
    count_high: Option<Register>,
    /// Zero, or the sign of what is added.
    sign: Option<Register>,
    /// The value times 2, 4…
    doubles: Vec<Register>,
    /// The counter of a multiplication without `mul`.
    counter: Option<Register>,
}

impl<'a> Table<'a> {
    pub(crate) fn new(
        asm: &mut Assembly,
        sum: &'a Sum<'a>,
        mut input: SumInput<'a>,
        keeps_base: bool,
    ) -> Self {
        if let SumInput::Field { source, .. } = &mut input {
            source.keeps_z = true;
        }
        let runtime = sum.constants().is_none();
        let keeps_base = keeps_base || runtime || input.registers().contains(BASE);
        let guarded = input.guard_registers();
        let narrow = sum.activation_bits == 4 && sum.weight_bits <= 4;
        let products = if narrow && !asm.core().multiplies {
            TableProducts::Doubles
        } else {
            TableProducts::Multiplied
        };

        let mut free: Vec<Register> = R2
            .to(R15)
            .filter(|&register| !guarded.contains(register))
            .collect();
        let last = if keeps_base { R21 } else { R23 };
        let mut upper: Vec<Register> = R20.to(last).collect();
        let mut take = |upper_only: bool| {
            let register = if upper_only {
                upper.pop()
            } else {
                upper.pop().or_else(|| free.pop())
            };
            register.expect("a table kernel has registers to spare")
        };
        let software = products == TableProducts::Multiplied && !asm.core().multiplies;
        // First those that have to be upper ones.
        let count_high = (input.longest_run() > 255).then(|| take(true));
        let counter = software.then(|| take(true));
        let sign = (sum.signed_input || sum.width > 2).then(|| take(false));
        let mut total = vec![R28, R29];
        total.extend((2..sum.width).map(|_| take(false)));
        let doubles = match products {
            TableProducts::Doubles => (1..sum.weight_bits).map(|_| take(false)).collect(),
            TableProducts::Multiplied => vec![],
        };
        let registers = TableRegisters {
            total,
            count_high,
            sign,
            doubles,
            counter,
        };
        free.append(&mut upper);
        free.sort_unstable();

        // Whole bytes of weights, where a pass holds the sums of one.
        let per_byte = (8 / sum.weight_bits) as usize;
        let multiple = per_byte.min(1 << (free.len() / sum.width).ilog2());
        let demand = PassDemand {
            outputs: sum.program.outputs as usize,
            width: sum.width,
            multiple,
            keeps_results: !sum.is_exact() && !input.is_whole_map(),
        };
        let Passes { all, results } = Passes::new(demand, &free);
        let mut passes: Vec<TablePass> = Vec::new();
        for pass in all {
            let first_field = (pass.first % per_byte) as u32;
            // What is alike runs the same code.
            let alike = passes.iter().position(|other| {
                other.accumulators == pass.accumulators && other.first_field == first_field
            });
            passes.push(TablePass {
                accumulators: pass.accumulators,
                first: pass.first,
                first_byte: (pass.first / per_byte) as u32,
                first_field,
                entries: match alike {
                    Some(other) => passes[other].entries,
                    None => [asm.label(), asm.label()],
                },
                outside: match alike {
                    Some(other) => passes[other].outside,
                    None => (sum.outside != 0).then(|| asm.label()),
                },
                calls: 0.0,
                values: 0.0,
            });
        }
        let rows = Rows::new(asm, sum);
        Self {
            sum,
            input,
            products,
            rows,
            passes,
            results,
            registers,
            rounder: Rounder::new(sum),
            multiply: software.then(|| asm.label()),
            kept: None,
        }
    }

    /// A sum to which the pixels of its input add one by one. [`BASE`] is the
    /// network's address.
    pub(crate) fn kept(
        asm: &mut Assembly,
        sum: &'a Sum<'a>,
        input: SumInput<'a>,
        kept: KeptSums,
    ) -> Self {
        Self {
            kept: Some(kept),
            results: None,
            ..Self::new(asm, sum, input, true)
        }
    }

    /// What it changes, or wants unchanged.
    pub(crate) fn registers(&self) -> Registers {
        let mut registers = Registers::of([VALUE, WEIGHT, BYTE, COUNT]);
        registers = registers.union(self.input.registers());
        let own = &self.registers;
        let sums = self
            .passes
            .iter()
            .flat_map(|pass| pass.accumulators.iter().flatten());
        let others = [own.count_high, own.sign, own.counter]
            .into_iter()
            .flatten();
        // Rounding by shifts works in Y, as the total does.
        let all = sums
            .chain(&own.total)
            .chain(&own.doubles)
            .copied()
            .chain(others);
        for register in all {
            registers.insert(register);
        }
        if self.rows.needs_base() {
            registers.insert(BASE);
            registers.insert(BASE.next());
        }
        registers
    }

    /// Where its outputs are after [`Self::emit`], if they are in registers.
    pub(crate) fn results(&self) -> Option<Vec<Register>> {
        self.results.clone()
    }

    /// Computes one output. `pushed_since`: see [`SumInput::for_each_run`].
    pub(crate) fn emit(
        &mut self,
        asm: &mut Assembly,
        destination: Destination,
        target: (&LoopState, &OutputSink<'_>),
    ) {
        let depth = asm.stack_depth_bytes();
        for index in 0..self.passes.len() {
            let pushed_since = asm.stack_depth_bytes() - depth;
            asm.of(Purpose::MultiplyAccumulate, |asm| self.begin(asm, index));
            asm.of(Purpose::Load, |asm| {
                let TablePass {
                    entries, outside, ..
                } = self.passes[index];
                let count_high = self.registers.count_high;
                let mut calls = (0.0, 0.0);
                // The runs and the row subroutine within them.
                let return_bytes = i64::from(asm.core().program_counter.bytes);
                let rows = self.rows;
                let call = |asm: &mut Assembly, values: u32, entry: CodeLabel| {
                    asm.ldi(COUNT, values as u8);
                    if let Some(high) = count_high {
                        asm.ldi(high, (values >> 8) as u8);
                    }
                    asm.call(entry);
                    asm.stack_changes(3 * return_bytes);
                    asm.stack_changes(-3 * return_bytes);
                };
                self.input.for_each_run(
                    asm,
                    (pushed_since, None),
                    &mut |asm, run: &Run, odd| {
                        call(asm, run.values, entries[usize::from(odd)]);
                        calls.0 += asm.executions();
                        calls.1 += asm.executions() * f64::from(run.values);
                    },
                    Some(&mut |asm, values| match outside {
                        Some(entry) => {
                            // As many as the count of a run holds.
                            let most = if count_high.is_some() {
                                u16::MAX.into()
                            } else {
                                0xFF
                            };
                            let whole = values / most;
                            (0..whole).for_each(|_| call(asm, most, entry));
                            if !values.is_multiple_of(most) {
                                call(asm, values % most, entry);
                            }
                        }
                        None => rows.skip_far(asm, values * rows.row_bytes),
                    }),
                );
                self.passes[index].calls += calls.0;
                self.passes[index].values += calls.1;
            });
            if self.products == TableProducts::Multiplied {
                asm.clr(ZERO);
            }
            asm.of(Purpose::MultiplyAccumulate, |asm| self.correct(asm, index));
            match self.kept {
                Some(kept) => asm.of(Purpose::MultiplyAccumulate, |asm| {
                    self.add_to_kept(asm, index, kept);
                }),
                None => self.finish(asm, index, destination, target),
            }
        }
    }

    /// Finishes sums that were kept, when all of their input has arrived.
    pub(crate) fn finish_kept(
        &mut self,
        asm: &mut Assembly,
        kept: KeptSums,
        target: (&LoopState, &OutputSink<'_>),
    ) {
        for index in 0..self.passes.len() {
            asm.of(Purpose::Load, |asm| {
                kept.point_at(asm, self.first_sum_byte(index));
                for &register in self.passes[index].accumulators.iter().flatten() {
                    asm.load(register, Pointer::X, Mode::PostIncrement);
                }
            });
            self.finish(asm, index, Destination::Stored, target);
        }
    }

    /// The first byte of a pass's sums among all.
    fn first_sum_byte(&self, pass: usize) -> u32 {
        (self.passes[pass].first * self.sum.width) as u32
    }

    /// Adds a pass's sums to those in the arena.
    fn add_to_kept(&self, asm: &mut Assembly, pass: usize, kept: KeptSums) {
        let byte = R30;
        kept.point_at(asm, self.first_sum_byte(pass));
        for accumulator in &self.passes[pass].accumulators {
            for (index, &register) in accumulator.iter().enumerate() {
                asm.load(byte, Pointer::X, Mode::Plain);
                if index == 0 {
                    asm.add(byte, register);
                } else {
                    asm.adc(byte, register);
                }
                asm.store(Pointer::X, Mode::PostIncrement, byte);
            }
        }
    }

    /// Clears the sums, and points Z at the pass's first row.
    fn begin(&self, asm: &mut Assembly, pass: usize) {
        let pass = &self.passes[pass];
        for &register in pass
            .accumulators
            .iter()
            .flatten()
            .chain(&self.registers.total)
        {
            asm.clr(register);
        }
        if let (Some(sign), false) = (self.registers.sign, self.sum.signed_input) {
            asm.clr(sign);
        }
        self.rows.begin(asm, pass.first_byte);
        if let Some(kept) = self.kept
            && kept.load_position(asm, BYTE)
        {
            if kept.counts_pixels() {
                self.skip_pixels(asm, kept);
            } else {
                self.rows.skip_by_pair(asm, BYTE);
            }
        }
    }

    /// Moves Z on by the weights of as many pixels as the pair of [`BYTE`] says.
    fn skip_pixels(&self, asm: &mut Assembly, kept: KeptSums) {
        let (next, done) = (asm.here(), asm.label());
        let mean = f64::from(kept.pixels) / 2.0;
        asm.times(mean, |asm| {
            asm.subi(BYTE, 1);
            asm.sbci(BYTE.next(), 0);
            asm.branch(Condition::Lower, done, 1.0 / mean);
            self.rows.skip_far(asm, kept.weights_per_pixel_bytes);
            asm.jump(next);
        });
        asm.bind(done);
    }

    /// Takes the offset off, and apart what was multiplied together.
    fn correct(&self, asm: &mut Assembly, pass: usize) {
        let accumulators = &self.passes[pass].accumulators;
        let bits = self.sum.weight_bits;
        if self.products == TableProducts::Multiplied {
            let per_byte = (8 / bits) as usize;
            for sharing in accumulators.chunks(per_byte) {
                for (first, second) in sharing.iter().zip(&sharing[1..]) {
                    load_sum(asm, second);
                    let sum = &SUM[..second.len()];
                    for _ in 0..bits {
                        shift_up(asm, sum);
                    }
                    subtract(asm, first, sum);
                }
            }
        }
        for _ in 0..bits - 1 {
            shift_up(asm, &self.registers.total);
        }
        for accumulator in accumulators {
            subtract(asm, accumulator, &self.registers.total);
        }
    }

    fn finish(
        &mut self,
        asm: &mut Assembly,
        pass: usize,
        destination: Destination,
        (state, sink): (&LoopState, &OutputSink<'_>),
    ) {
        let TablePass {
            accumulators,
            first,
            ..
        } = &self.passes[pass];
        let first = *first;
        if let (Some(added), Some(joining)) = (self.sum.added, self.sum.joining) {
            asm.of(Purpose::MultiplyAccumulate, |asm| {
                added.add(asm, joining, accumulators, first, state);
            });
        }
        if self.sum.is_wide() {
            self.rounder.begin(asm, first);
            for (index, accumulator) in accumulators.iter().enumerate() {
                self.rounder.widen(asm, accumulator, first + index, state);
            }
            sink.store_wide(asm, state, accumulators, first);
            return;
        }
        if !self.sum.is_exact() {
            let results = finish::result_registers(accumulators);
            self.rounder.begin(asm, first);
            for (index, (accumulator, result)) in accumulators.iter().zip(results).enumerate() {
                let to = (result, destination);
                self.rounder
                    .round(asm, accumulator, first + index, to, state);
            }
            if destination == Destination::Stored {
                let values = finish::result_registers(accumulators);
                sink.store_part(asm, state, &values, first);
            }
            return;
        }
        let shift = match self.sum.constants() {
            Some(constants) if !self.sum.joins_by_loops() => finish::SumShift {
                left: self.sum.left,
                biases: &constants.biases[first..],
            },
            Some(_) | None => {
                self.rounder.begin(asm, first);
                for (index, accumulator) in accumulators.iter().enumerate() {
                    self.rounder.exact(asm, accumulator, first + index, state);
                }
                finish::SumShift {
                    left: 0,
                    biases: &[],
                }
            }
        };
        finish::exact(asm, &shift, accumulators, first, (state, sink));
    }
}
