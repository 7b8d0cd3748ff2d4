//! A depthwise sum with weights from a table, on parts that multiply: several
//! channels at a time, whose sums are in registers while the taps go by.
//!
//! A weight is stored as offset binary; taken off its half range, it is multiplied as
//! it is.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Mode};
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::registers::{
    BASE, PRODUCT, Pointer, R2, R15, R18, R19, R20, R21, R23, R28, Register, Registers, VALUE,
    WEIGHT, ZERO,
};
use crate::backend::avr::kernels::passes::{PassDemand, Passes, SumPass};
use crate::backend::avr::kernels::rows::Rows;
use crate::backend::avr::memory::field::MapSource;
use crate::backend::avr::memory::runs::Run;
use crate::backend::avr::memory::state::LoopState;
use crate::backend::avr::memory::store::OutputSink;
use crate::backend::avr::round::finish::{self, Destination};
use crate::backend::avr::round::rounder::Rounder;
use crate::backend::avr::round::sum::Sum;
use crate::program::packed_row_bytes;

/// The bytes that values and weights come in.
const VALUES: Register = R18;
const WEIGHTS: Register = R19;
const SIGN: Register = R28;

/// A depthwise sum from a table.
pub(crate) struct ChannelSums<'a> {
    sum: &'a Sum<'a>,
    source: MapSource<'a>,
    kernel: (u32, u32),
    rows: Rows,
    passes: Vec<ChannelPass>,
    rounder: Rounder<'a>,
}

struct ChannelPass {
    pass: SumPass,
    /// The subroutine that takes a tap in, one for each nibble that it may begin with.
    taps: [Option<CodeLabel>; 2],
    taken: [f64; 2],
}

impl<'a> ChannelSums<'a> {
    pub(crate) fn new(
        asm: &mut Assembly,
        sum: &'a Sum<'a>,
        mut source: MapSource<'a>,
        (kernel, keeps_base): ((u32, u32), bool),
    ) -> Self {
        source.keeps_z = true;
        let rows = Rows::new(asm, sum);
        let keeps_base = keeps_base || rows.needs_base() || source.registers().contains(BASE);
        let guarded = source.guard_registers();
        let last = if keeps_base { R21 } else { R23 };
        let registers: Vec<Register> = R2
            .to(R15)
            .chain(R20.to(last))
            .filter(|&register| !guarded.contains(register))
            .collect();
        // Whole bytes of weights and values, so that passes begin like their pixels.
        let per_byte = (8 / sum.weight_bits).max(8 / sum.activation_bits) as usize;
        let most = 1 << (registers.len() / sum.width).ilog2();
        let demand = PassDemand {
            outputs: sum.program.outputs as usize,
            width: sum.width,
            multiple: per_byte.min(most),
            keeps_results: false,
        };
        let passes = Passes::new(demand, &registers).all.into_iter();
        Self {
            sum,
            source,
            kernel,
            rows,
            passes: passes
                .map(|pass| ChannelPass {
                    pass,
                    taps: [None; 2],
                    taken: [0.0; 2],
                })
                .collect(),
            rounder: Rounder::new(sum),
        }
    }

    /// What it changes, or wants unchanged.
    pub(crate) fn registers(&self) -> Registers {
        let sums = self
            .passes
            .iter()
            .flat_map(|it| it.pass.accumulators.iter().flatten());
        // Rounding by shifts works in Y.
        let fixed = [VALUE, WEIGHT, VALUES, WEIGHTS, SIGN, SIGN.next()];
        let mut registers = Registers::of(sums.copied().chain(fixed));
        if self.rows.needs_base() {
            registers.insert(BASE);
            registers.insert(BASE.next());
        }
        registers.union(self.source.registers())
    }

    /// Computes one output's values, and pushes them, or puts sums that are results.
    pub(crate) fn emit(
        &mut self,
        asm: &mut Assembly,
        destination: Destination,
        (state, sink): (&LoopState, &OutputSink<'_>),
    ) {
        for index in 0..self.passes.len() {
            self.sum_up(asm, index);
            let SumPass {
                first,
                accumulators,
            } = self.passes[index].pass.clone();
            if let (Some(added), Some(joining)) = (self.sum.added, self.sum.joining) {
                asm.of(Purpose::MultiplyAccumulate, |asm| {
                    added.add(asm, joining, &accumulators, first, state);
                });
            }
            let mut shift = finish::SumShift {
                left: 0,
                biases: &[],
            };
            match self.sum.constants() {
                Some(constants) if self.sum.is_exact() && !self.sum.joins_by_loops() => {
                    shift = finish::SumShift {
                        left: self.sum.left,
                        biases: &constants.biases[first..],
                    };
                }
                Some(_) | None => {
                    self.rounder.begin(asm, first);
                    for (output, accumulator) in (first..).zip(&accumulators) {
                        if self.sum.is_exact() {
                            self.rounder.exact(asm, accumulator, output, state);
                        } else {
                            let to = (ZERO, destination);
                            self.rounder.round(asm, accumulator, output, to, state);
                        }
                    }
                }
            }
            if self.sum.is_exact() {
                finish::exact(asm, &shift, &accumulators, first, (state, sink));
            }
        }
    }

    /// Lets a pass's taps go by.
    fn sum_up(&mut self, asm: &mut Assembly, index: usize) {
        let ChannelPass { pass, taps, taken } = &mut self.passes[index];
        let (first, count) = (pass.first as u32, pass.accumulators.len() as u32);
        asm.of(Purpose::Load, |asm| {
            for &register in pass.accumulators.iter().flatten() {
                asm.clr(register);
            }
            self.rows.begin(asm, first * self.sum.weight_bits / 8);
            let (height, width) = self.kernel;
            let channels = self.source.map.shape.channels;
            let pixels = (0..height).flat_map(|row| (0..width).map(move |it| (row, it)));
            let runs: Vec<Run> = pixels
                .map(|(row, column)| Run {
                    row,
                    column,
                    channel: first,
                    values: count,
                    first_input: (row * width + column) * channels + first,
                })
                .collect();
            let rows = self.rows;
            self.source.for_each_run_apart(
                asm,
                &runs,
                &mut |asm, _, odd| {
                    let odd = usize::from(odd);
                    taken[odd] += asm.executions();
                    let label = *taps[odd].get_or_insert_with(|| asm.label());
                    asm.call(label);
                },
                Some(&mut |asm, values| rows.skip_far(asm, values / count * rows.row_bytes)),
            );
            asm.clr(ZERO);
        });
    }

    /// The subroutines, where nothing runs into them.
    pub(crate) fn subroutines(&self, asm: &mut Assembly) {
        for ChannelPass { pass, taps, taken } in &self.passes {
            for ((odd, label), taken) in [false, true].into_iter().zip(taps).zip(taken) {
                let Some(label) = *label else { continue };
                asm.bind(label);
                asm.times(*taken, |asm| {
                    asm.of(Purpose::MultiplyAccumulate, |asm| {
                        self.emit_tap(asm, pass, odd)
                    });
                });
            }
        }
        self.rounder.subroutines(asm);
    }

    /// Adds the products of a pixel's values at X, the first of which is a high nibble
    /// if `odd`, with the weights at Z, which goes on to the next tap.
    fn emit_tap(&self, asm: &mut Assembly, pass: &SumPass, odd: bool) {
        let per_byte = (8 / self.sum.weight_bits) as usize;
        for (index, accumulator) in pass.accumulators.iter().enumerate() {
            self.load_value(asm, index + usize::from(odd), index == 0);
            let field = (pass.first + index) % per_byte;
            self.load_weight(asm, field, index == 0);
            if self.sum.signed_input {
                asm.muls(WEIGHT, VALUE);
            } else {
                asm.mulsu(WEIGHT, VALUE);
            }
            let [low, high] = PRODUCT;
            if accumulator.len() > 2 {
                asm.clr(SIGN);
                asm.skip_if_clear(high, 7);
                asm.com(SIGN);
            }
            asm.add(accumulator[0], low);
            asm.adc(accumulator[1], high);
            for &register in &accumulator[2..] {
                asm.adc(register, SIGN);
            }
        }
        let bits = self.sum.weight_bits;
        let first_field = (pass.first % per_byte) as u32;
        let read = packed_row_bytes(first_field + pass.accumulators.len() as u32, bits);
        self.rows.skip(asm, self.rows.row_bytes - read);
        asm.ret();
    }

    /// [`VALUE`] ← the value of that nibble, or the next byte.
    fn load_value(&self, asm: &mut Assembly, nibble: usize, is_first: bool) {
        if self.source.bits == 8 {
            asm.load(VALUE, Pointer::X, Mode::PostIncrement);
            if self.sum.taken_off != 0 {
                asm.subi(VALUE, self.sum.taken_off);
            }
            return;
        }
        let is_high = nibble % 2 == 1;
        if is_first || !is_high {
            asm.load(VALUES, Pointer::X, Mode::PostIncrement);
        }
        asm.mov(VALUE, VALUES);
        if is_high {
            asm.swap(VALUE);
        }
        asm.andi(VALUE, 0x0F);
        if self.sum.signed_input {
            asm.skip_if_clear(VALUE, 3);
            asm.ori(VALUE, 0xF0);
        }
    }

    /// [`WEIGHT`] ← the weight of that field of its byte.
    fn load_weight(&self, asm: &mut Assembly, field: usize, is_first: bool) {
        let bits = self.sum.weight_bits;
        let half = 1 << (bits - 1);
        if bits == 8 {
            self.rows.load(asm, WEIGHT);
            asm.subi(WEIGHT, half);
            return;
        }
        if is_first || field == 0 {
            self.rows.load(asm, WEIGHTS);
        }
        asm.mov(WEIGHT, WEIGHTS);
        match (bits, field) {
            (4, 1) => asm.swap(WEIGHT),
            (2, 1..) => {
                if field > 1 {
                    asm.swap(WEIGHT);
                }
                if field % 2 == 1 {
                    asm.lsr(WEIGHT);
                    asm.lsr(WEIGHT);
                }
            }
            _ => {}
        }
        asm.andi(WEIGHT, 0xFF >> (8 - bits));
        asm.subi(WEIGHT, half);
    }
}
