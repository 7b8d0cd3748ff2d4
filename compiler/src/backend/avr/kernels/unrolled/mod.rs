//! Weights as instructions.
//!
//! An activation is loaded and, unless it is 0, its multiples are made one from
//! the other; each is added to, or subtracted from, the sums whose weight is
//! that multiple: two cycles a weight of a 16-bit sum. Weights of 0 are not
//! there. All sums of a pass live in registers.

mod kept;
mod maxima;
mod products;

pub(crate) use maxima::{MOST_HELD, PlaceCounter, PooledTaps};

use crate::backend::avr::arithmetic::wide::{SumRegisters, load_constants};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::Condition;
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::registers::{
    ACTIVATION, ACTIVATIONS, BASE, PRODUCT, Pointer, R2, R21, R23, R28, R29, Register, Registers,
    ZERO,
};
use crate::backend::avr::kernels::input::SumInput;
use crate::backend::avr::kernels::passes::{PassDemand, Passes, SumPass};
use crate::backend::avr::memory::runs::Run;
use crate::backend::avr::memory::state::LoopState;
use crate::backend::avr::memory::store::OutputSink;
use crate::backend::avr::round::finish::{self, Destination};
use crate::backend::avr::round::scale::Scaler;
use crate::backend::avr::round::sum::{Sum, SumEnding};
use crate::program::{ConstantParameters, zeros_of_the_rest};
use std::collections::BTreeMap;

/// The running multiple.
const MULTIPLE: Register = PRODUCT[0];
/// Its high byte, or the weight that a product is made with.
const MULTIPLE_HIGH: Register = R29;
const FACTOR: Register = R29;
/// The upper bytes of a product: all ones below zero.
const SIGN: Register = R28;

/// How products are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ConstantProducts {
    /// By additions, in a byte.
    Narrow,
    /// By additions, in two.
    Wide,
    /// By `mul`.
    Multiplied,
}

/// The largest multiple of any activation that a byte holds.
fn most_narrow_multiple(sum: &Sum<'_>) -> u32 {
    if sum.signed_input {
        128 >> (sum.activation_bits - 1)
    } else {
        0xFF / ((1 << sum.activation_bits) - 1)
    }
}

/// Which channels an output is summed up from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SummedChannels {
    /// All.
    All,
    /// Its own one.
    Own,
    /// Its own one; a pointwise sum reads what is made of it from the stack.
    OwnThenPointwise,
}

/// An activation in a register, the flags saying whether it is 0.
#[derive(Clone, Copy, Debug)]
pub(crate) enum UnpackedValue {
    /// As it is.
    Whole(Register),
    /// 16 times it: a nibble is moved down only where it is not 0.
    HighNibble(Register),
}

impl UnpackedValue {
    /// The register of the activation itself.
    fn whole(self, asm: &mut Assembly) -> Register {
        match self {
            Self::Whole(register) => register,
            Self::HighNibble(register) => {
                asm.swap(register);
                register
            }
        }
    }
}

/// A weighted sum as straight-line code.
pub(crate) struct Unrolled<'a> {
    sum: &'a Sum<'a>,
    constants: &'a ConstantParameters,
    input: SumInput<'a>,
    channels: SummedChannels,
    products: ConstantProducts,
    passes: Passes,
    scaler: Option<Scaler>,
    /// Where it pools what it computes.
    taps: Option<PooledTaps>,
    /// How often the kernel is called then.
    taken: f64,
}

impl<'a> Unrolled<'a> {
    /// `keeps_base`: the network's address stays where it is.
    pub(crate) fn new(
        sum: &'a Sum<'a>,
        constants: &'a ConstantParameters,
        input: SumInput<'a>,
        channels: SummedChannels,
        options: (bool, bool),
    ) -> Self {
        Self::with_results(sum, constants, input, channels, options, true)
    }

    /// `keeps_results`: whether outputs of a pass are to stay where they are until the last one.
    fn with_results(
        sum: &'a Sum<'a>,
        constants: &'a ConstantParameters,
        mut input: SumInput<'a>,
        channels: SummedChannels,
        (keeps_base, multiplies): (bool, bool),
        keeps_results: bool,
    ) -> Self {
        let largest = constants.weights.iter().map(|weight| weight.unsigned_abs());
        let largest: u32 = largest.max().unwrap_or(0).into();
        let products = if largest <= most_narrow_multiple(sum) {
            ConstantProducts::Narrow
        } else if largest > 8 && multiplies {
            ConstantProducts::Multiplied
        } else {
            ConstantProducts::Wide
        };
        let scaler = Scaler::of(sum);
        if let (ConstantProducts::Narrow, false, None, SumInput::Field { source, .. }) =
            (products, sum.signed_input, &scaler, &mut input)
        {
            // ConstantProducts of a byte need neither their high byte nor a sign.
            source.keep_ring_end_in(SIGN);
        }
        let last = if keeps_base || input.registers().contains(BASE) {
            R21
        } else {
            R23
        };
        let mut used = input.guard_registers();
        if scaler.is_some() {
            used = used.union(Scaler::registers());
        }
        let registers: Vec<Register> = R2
            .to(last)
            .filter(|&register| !used.contains(register))
            .collect();
        let demand = PassDemand {
            outputs: sum.program.outputs as usize,
            width: sum.width,
            multiple: 1,
            keeps_results: keeps_results
                && !sum.is_exact()
                && channels != SummedChannels::OwnThenPointwise
                && !input.is_whole_map(),
        };
        let passes = Passes::new(demand, &registers);
        Self {
            sum,
            constants,
            input,
            channels,
            products,
            passes,
            scaler,
            taps: None,
            taken: 0.0,
        }
    }

    /// What it changes, or wants unchanged.
    pub(crate) fn registers(&self) -> Registers {
        let sums = self
            .passes
            .all
            .iter()
            .flat_map(|pass| pass.accumulators.iter().flatten());
        let mut registers = Registers::of(sums.copied()).union(self.input.registers());
        if self.keeps_sign() {
            registers.insert(SIGN);
        }
        if self.products != ConstantProducts::Narrow {
            registers.insert(MULTIPLE_HIGH);
        }
        if self.scaler.is_some() {
            registers = registers.union(Scaler::registers());
        }
        registers
    }

    fn keeps_sign(&self) -> bool {
        self.sum.signed_input || self.products == ConstantProducts::Multiplied
    }

    fn sign(&self) -> Register {
        if self.keeps_sign() { SIGN } else { ZERO }
    }

    /// Where it wants the address after the ring that it reads.
    pub(crate) fn ring_end(&self) -> Option<Register> {
        match &self.input {
            SumInput::Field { source, .. } => source.ring_end(),
            SumInput::Stored { .. } | SumInput::Pushed { .. } => None,
        }
    }

    /// Where its outputs are after [`Self::emit`], if they are in registers.
    pub(crate) fn results(&self) -> Option<Vec<Register>> {
        match self.taps {
            Some(_) => self.pooled_results(),
            None => self.passes.results.clone(),
        }
    }

    /// Computes one output. `pushed_since`: see [`SumInput::for_each_run`].
    pub(crate) fn emit(
        &mut self,
        asm: &mut Assembly,
        destination: Destination,
        (state, sink): (&LoopState, &OutputSink<'_>),
    ) {
        let depth = asm.stack_depth_bytes();
        for SumPass {
            first,
            accumulators,
        } in self.passes.all.clone()
        {
            let accumulators = &accumulators[..];
            let pushed_since = asm.stack_depth_bytes() - depth;
            self.begin(asm, accumulators, first);
            asm.of(Purpose::Load, |asm| {
                let part = self.channels_of_pass(first, accumulators.len());
                self.input.for_each_run(
                    asm,
                    (pushed_since, part),
                    &mut |asm, run, odd| self.run(asm, run, odd, accumulators, first),
                    None,
                );
            });
            if self.products == ConstantProducts::Multiplied {
                asm.clr(ZERO);
            }
            self.join(asm, accumulators, first, state);
            match &self.sum.ending {
                SumEnding::Exact => {
                    let biases_are_in = self.sum.begins_with_addends(self.sum.left);
                    let shift = finish::SumShift {
                        left: self.sum.left,
                        biases: if biases_are_in {
                            &[]
                        } else {
                            &self.constants.biases[first..]
                        },
                    };
                    finish::exact(asm, &shift, accumulators, first, (state, sink));
                }
                SumEnding::Rounded(rounding) => {
                    finish::rounded(asm, self.sum, rounding, accumulators, first, destination);
                    if destination == Destination::Stored {
                        let values = finish::result_registers(accumulators);
                        sink.store_part(asm, state, &values, first);
                    }
                }
                SumEnding::Shifted | SumEnding::Wide => {
                    unreachable!("such sums come from tables")
                }
                SumEnding::Scaled(_) => {
                    self.scale(asm, (first, accumulators), destination, (state, sink));
                }
            }
        }
    }

    /// Makes bytes of a pass's sums.
    fn scale(
        &mut self,
        asm: &mut Assembly,
        (first, accumulators): (usize, &SumRegisters),
        destination: Destination,
        (state, sink): (&LoopState, &OutputSink<'_>),
    ) {
        let scaler = self.scaler.as_mut();
        let scaler = scaler.expect("it is there for such sums");
        let results = finish::result_registers(accumulators);
        for ((output, accumulator), &result) in (first..).zip(accumulators).zip(&results) {
            let value = scaler.emit(asm, accumulator, output);
            finish::deliver(asm, self.sum, value, result, destination);
        }
        if destination == Destination::Stored {
            sink.store_part(asm, state, &results, first);
        }
    }

    /// The subroutines, where nothing runs into them.
    pub(crate) fn subroutines(&self, asm: &mut Assembly) {
        if let Some(scaler) = &self.scaler {
            scaler.subroutine(asm);
        }
    }

    /// Adds the joined map's values to a pass's sums, where one is added.
    fn join(
        &self,
        asm: &mut Assembly,
        accumulators: &SumRegisters,
        first: usize,
        state: &LoopState,
    ) {
        if let (Some(added), Some(joining)) = (self.sum.added, self.sum.joining) {
            asm.of(Purpose::MultiplyAccumulate, |asm| {
                added.add(asm, joining, accumulators, first, state);
            });
        }
    }

    /// The channels that a pass reads, where those are not all.
    fn channels_of_pass(&self, first: usize, outputs: usize) -> Option<std::ops::Range<u32>> {
        match self.channels {
            SummedChannels::Own if self.passes.all.len() > 1 => {
                Some(first as u32..(first + outputs) as u32)
            }
            SummedChannels::Own | SummedChannels::All | SummedChannels::OwnThenPointwise => None,
        }
    }

    /// Lets the sums begin with their constants.
    fn begin(&self, asm: &mut Assembly, accumulators: &SumRegisters, first: usize) {
        let constants = match &self.sum.ending {
            SumEnding::Rounded(rounding) => finish::first_values(self.sum, rounding),
            SumEnding::Exact if self.sum.begins_with_addends(self.sum.left) => {
                self.constants.biases.clone()
            }
            SumEnding::Exact | SumEnding::Shifted | SumEnding::Scaled(_) | SumEnding::Wide => {
                vec![0; self.sum.program.outputs as usize]
            }
        };
        asm.of(Purpose::MultiplyAccumulate, |asm| {
            load_constants(asm, accumulators, &constants[first..]);
            if self.products == ConstantProducts::Multiplied && !self.sum.signed_input {
                asm.clr(SIGN);
            }
        });
    }

    /// Adds a run's activations.
    fn run(
        &self,
        asm: &mut Assembly,
        run: &Run,
        odd: bool,
        accumulators: &SumRegisters,
        first: usize,
    ) {
        let input = |index: u32| {
            let input = (run.first_input + index) as usize;
            self.weights_by_magnitude(input, accumulators.len(), first)
        };
        let expectation = &self.sum.expectation;
        if self.input.stored_bits() == 8 {
            for index in 0..run.values {
                let weights = input(index);
                asm.load(ACTIVATION, Pointer::X, self.input.mode());
                if !weights.is_empty() {
                    self.sum.test(asm, ACTIVATION);
                    let zero = expectation.zero((run.first_input + index) as usize);
                    let value = UnpackedValue::Whole(ACTIVATION);
                    self.use_value(asm, value, (&weights, zero), accumulators);
                }
            }
            return;
        }
        // Nibbles, byte by byte; the first byte's low one or the last byte's high
        // one may not be the run's.
        let end = run.values + u32::from(odd);
        for byte in 0..end.div_ceil(2) {
            let nibble = |position: u32| match position.checked_sub(u32::from(odd)) {
                Some(index) if index < run.values => input(index),
                _ => BTreeMap::new(),
            };
            let (low, high) = (nibble(2 * byte), nibble(2 * byte + 1));
            asm.load(ACTIVATIONS, Pointer::X, self.input.mode());
            let next = asm.label();
            let skips = self.skips_bytes() && !low.is_empty() && !high.is_empty();
            // Of values that are tested where their byte is not 0.
            let channel = (run.first_input + 2 * byte) as usize;
            let pair = if skips {
                expectation.zero_pair(channel)
            } else {
                0.0
            };
            if skips {
                asm.tst(ACTIVATIONS);
                asm.branch(Condition::Equal, next, pair);
            }
            let [zero_low, zero_high] = [0, 1].map(|nibble| {
                let first = run.first_input as usize;
                let channel = (first + 2 * byte as usize + nibble).saturating_sub(usize::from(odd));
                zeros_of_the_rest(expectation.zero(channel), pair)
            });
            asm.times(1.0 - pair, |asm| {
                if !low.is_empty() {
                    asm.mov(ACTIVATION, ACTIVATIONS);
                    asm.andi(ACTIVATION, 0x0F);
                    let value = UnpackedValue::Whole(ACTIVATION);
                    self.use_value(asm, value, (&low, zero_low), accumulators);
                }
                if !high.is_empty() {
                    asm.andi(ACTIVATIONS, 0xF0);
                    let value = UnpackedValue::HighNibble(ACTIVATIONS);
                    self.use_value(asm, value, (&high, zero_high), accumulators);
                }
            });
            asm.bind(next);
        }
    }

    /// Whether a byte is tested before its nibbles are. Neighbours in a map of a
    /// single channel, which are alike, are mostly both 0 where one is;
    /// neighbouring channels are not.
    fn skips_bytes(&self) -> bool {
        !self.sum.signed_input && self.input.channels() == Some(1)
    }
}
