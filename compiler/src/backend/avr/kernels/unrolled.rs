//! Weights as instructions.
//!
//! An activation is loaded and, unless it is 0, its multiples are made one from
//! the other; each is added to, or subtracted from, the sums whose weight is
//! that multiple: two cycles a weight of a 16-bit sum. Weights of 0 are not
//! there. All sums of a pass live in registers.

use crate::backend::avr::Kind;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{Condition, Label, Mode};
use crate::backend::avr::isa::registers::{
    BASE, PRODUCT, Pointer, R2, R21, R23, R28, R29, R30, Register, Registers, ZERO,
};
use crate::backend::avr::kernels::kept::KeptSums;
use crate::backend::avr::kernels::multiples::{self, MultipleStep};
use crate::backend::avr::kernels::passes::{Demand, Pass, Passes};
use crate::backend::avr::memory::field::{BYTE, Run, VALUE};
use crate::backend::avr::memory::input::Input;
use crate::backend::avr::memory::state::State;
use crate::backend::avr::memory::store::Sink;
use crate::backend::avr::round::finish::{self, Accumulators, Destination};
use crate::backend::avr::round::sum::{Ending, Sum};
use crate::program::ConstantParameters;
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
enum Products {
    /// By additions, in a byte.
    Narrow,
    /// By additions, in two.
    Wide,
    /// By `mul`.
    Multiplied,
}

/// Which channels an output is summed up from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channels {
    /// All.
    All,
    /// Its own one.
    Own,
    /// Its own one; a pointwise sum reads what is made of it from the stack.
    OwnThenPointwise,
}

/// A weighted sum as straight-line code.
pub(crate) struct Unrolled<'a> {
    sum: &'a Sum<'a>,
    constants: &'a ConstantParameters,
    input: Input<'a>,
    channels: Channels,
    products: Products,
    passes: Passes,
}

impl<'a> Unrolled<'a> {
    /// `keeps_base`: the network's address stays where it is.
    pub(crate) fn new(
        sum: &'a Sum<'a>,
        constants: &'a ConstantParameters,
        mut input: Input<'a>,
        channels: Channels,
        (keeps_base, multiplies): (bool, bool),
    ) -> Self {
        let largest = constants.weights.iter().map(|weight| weight.unsigned_abs());
        let largest: u32 = largest.max().unwrap_or(0).into();
        let most_value = if sum.signed_input {
            1u32 << (sum.activation_bits - 1)
        } else {
            (1 << sum.activation_bits) - 1
        };
        let narrow_limit = if sum.signed_input { 128 } else { 255 };
        let products = if most_value * largest <= narrow_limit {
            Products::Narrow
        } else if largest > 8 && multiplies {
            Products::Multiplied
        } else {
            Products::Wide
        };
        if let (Products::Narrow, false, Input::Field { source, .. }) =
            (products, sum.signed_input, &mut input)
        {
            // Products of a byte need neither their high byte nor a sign.
            source.keep_ring_end_in(SIGN);
        }
        let last = if keeps_base || input.registers().contains(BASE) {
            R21
        } else {
            R23
        };
        let guarded = input.guard_registers();
        let registers: Vec<Register> = R2
            .to(last)
            .filter(|&register| !guarded.contains(register))
            .collect();
        let demand = Demand {
            outputs: sum.program.outputs as usize,
            width: sum.width,
            multiple: 1,
            keeps_results: !sum.is_exact()
                && channels != Channels::OwnThenPointwise
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
        if self.products != Products::Narrow {
            registers.insert(MULTIPLE_HIGH);
        }
        registers
    }

    fn keeps_sign(&self) -> bool {
        self.sum.signed_input || self.products == Products::Multiplied
    }

    fn sign(&self) -> Register {
        if self.keeps_sign() { SIGN } else { ZERO }
    }

    /// Where it wants the address behind the ring that it reads.
    pub(crate) fn ring_end(&self) -> Option<Register> {
        match &self.input {
            Input::Field { source, .. } => source.ring_end(),
            Input::Stored { .. } | Input::Pushed { .. } => None,
        }
    }

    /// Where its outputs are behind [`Self::emit`], if they are in registers.
    pub(crate) fn results(&self) -> Option<Vec<Register>> {
        self.passes.results.clone()
    }

    /// Computes one output. `pushed_since`: see [`Input::for_each_run`].
    pub(crate) fn emit(
        &self,
        asm: &mut Assembly,
        destination: Destination,
        (state, sink): (&State, &Sink<'_>),
    ) {
        let depth = asm.stack_depth_bytes();
        for Pass {
            first,
            accumulators,
        } in &self.passes.all
        {
            let first = *first;
            let pushed_since = asm.stack_depth_bytes() - depth;
            self.begin(asm, accumulators, first);
            asm.of(Kind::Load, |asm| {
                let part = self.channels_of_pass(first, accumulators.len());
                self.input.for_each_run(
                    asm,
                    (pushed_since, part),
                    &mut |asm, run, odd| self.run(asm, run, odd, accumulators, first),
                    None,
                );
            });
            if self.products == Products::Multiplied {
                asm.clr(ZERO);
            }
            self.join(asm, accumulators, first, state);
            match &self.sum.ending {
                Ending::Exact => {
                    let biases_are_in = self.sum.begins_with_addends(self.sum.left);
                    let shift = finish::Shift {
                        left: self.sum.left,
                        biases: if biases_are_in {
                            &[]
                        } else {
                            &self.constants.biases[first..]
                        },
                    };
                    finish::exact(asm, &shift, accumulators, first, (state, sink));
                }
                Ending::Rounded(rounding) => {
                    finish::rounded(asm, self.sum, rounding, accumulators, first, destination);
                    if destination == Destination::Stored {
                        let values = finish::result_registers(accumulators);
                        sink.store_part(asm, state, &values, first);
                    }
                }
                Ending::Shifted => unreachable!("such sums come from tables"),
            }
        }
    }

    /// Adds the pixel that has arrived to the sums in the arena: of `pixels`, the
    /// one whose number is the position there. [`BASE`] is the network's address.
    pub(crate) fn emit_kept(&self, asm: &mut Assembly, kept: KeptSums, pixels: u32) {
        let number = R30;
        for Pass {
            first,
            accumulators,
        } in &self.passes.all
        {
            let first_byte = (first * self.sum.width) as u32;
            asm.of(Kind::Load, |asm| {
                kept.point_at(asm, first_byte);
                for &register in accumulators.iter().flatten() {
                    asm.load(register, Pointer::X, Mode::PostIncrement);
                }
                if self.products == Products::Multiplied && !self.sum.signed_input {
                    asm.clr(SIGN);
                }
                kept.load_position(asm, number);
                let done = asm.label();
                self.by_pixel(asm, 0..pixels, done, &mut |asm, pixel| {
                    self.input.for_each_run(
                        asm,
                        (0, None),
                        &mut |asm, run, odd| {
                            let run = Run {
                                first_input: pixel * run.values + run.first_input,
                                ..*run
                            };
                            self.run(asm, &run, odd, accumulators, *first);
                        },
                        None,
                    );
                });
                asm.bind(done);
            });
            if self.products == Products::Multiplied {
                asm.clr(ZERO);
            }
            asm.of(Kind::Store, |asm| {
                kept.point_at(asm, first_byte);
                for &register in accumulators.iter().flatten() {
                    asm.store(Pointer::X, Mode::PostIncrement, register);
                }
            });
        }
    }

    /// Finds the code of a pixel by its number in r30, the half of them at a time.
    fn by_pixel(
        &self,
        asm: &mut Assembly,
        pixels: std::ops::Range<u32>,
        done: Label,
        body: &mut dyn FnMut(&mut Assembly, u32),
    ) {
        let count = pixels.end - pixels.start;
        if count == 1 {
            body(asm, pixels.start);
            asm.jump(done);
            return;
        }
        let middle = pixels.start + count / 2;
        let upper = asm.label();
        let share = f64::from(pixels.end - middle) / f64::from(count);
        asm.cpi(R30, middle as u8);
        asm.branch(Condition::SameOrHigher, upper, share);
        asm.times(1.0 - share, |asm| {
            self.by_pixel(asm, pixels.start..middle, done, body);
        });
        asm.bind(upper);
        asm.times(share, |asm| {
            self.by_pixel(asm, middle..pixels.end, done, body)
        });
    }

    /// Finishes sums that were kept, when all of their input has arrived.
    pub(crate) fn finish_kept(
        &self,
        asm: &mut Assembly,
        kept: KeptSums,
        target: (&State, &Sink<'_>),
    ) {
        for Pass {
            first,
            accumulators,
        } in &self.passes.all
        {
            asm.of(Kind::Load, |asm| {
                kept.point_at(asm, (first * self.sum.width) as u32);
                for &register in accumulators.iter().flatten() {
                    asm.load(register, Pointer::X, Mode::PostIncrement);
                }
            });
            self.join(asm, accumulators, *first, target.0);
            let shift = finish::Shift {
                left: self.sum.left,
                biases: &self.constants.biases[*first..],
            };
            finish::exact(asm, &shift, accumulators, *first, target);
        }
    }

    /// Adds the joined map's values to a pass's sums, where one is added.
    fn join(&self, asm: &mut Assembly, accumulators: &Accumulators, first: usize, state: &State) {
        if let (Some(added), Some(joining)) = (self.sum.added, self.sum.joining) {
            asm.of(Kind::MultiplyAccumulate, |asm| {
                added.add(asm, joining, accumulators, first, state);
            });
        }
    }

    /// The channels that a pass reads, where those are not all.
    fn channels_of_pass(&self, first: usize, outputs: usize) -> Option<std::ops::Range<u32>> {
        match self.channels {
            Channels::Own if self.passes.all.len() > 1 => {
                Some(first as u32..(first + outputs) as u32)
            }
            Channels::Own | Channels::All | Channels::OwnThenPointwise => None,
        }
    }

    /// Lets the sums begin with their constants.
    fn begin(&self, asm: &mut Assembly, accumulators: &Accumulators, first: usize) {
        let constants = match &self.sum.ending {
            Ending::Rounded(rounding) => finish::first_values(self.sum, rounding),
            Ending::Exact if self.sum.begins_with_addends(self.sum.left) => self
                .constants
                .biases
                .iter()
                .map(|&bias| bias.into())
                .collect(),
            Ending::Exact | Ending::Shifted => vec![0; self.sum.program.outputs as usize],
        };
        asm.of(Kind::MultiplyAccumulate, |asm| {
            for (accumulator, constant) in accumulators.iter().zip(&constants[first..]) {
                load_constant(asm, accumulator, *constant);
            }
            if self.products == Products::Multiplied && !self.sum.signed_input {
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
        accumulators: &Accumulators,
        first: usize,
    ) {
        let input = |index: u32| {
            let input = (run.first_input + index) as usize;
            self.weights_by_magnitude(input, accumulators.len(), first)
        };
        if self.input.stored_bits() == 8 {
            for index in 0..run.values {
                let weights = input(index);
                asm.load(VALUE, Pointer::X, self.input.mode());
                if !weights.is_empty() {
                    asm.tst(VALUE);
                    self.use_value(asm, VALUE, &weights, accumulators);
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
            asm.load(BYTE, Pointer::X, self.input.mode());
            let next = asm.label();
            let skips = self.skips_bytes() && !low.is_empty() && !high.is_empty();
            if skips {
                asm.tst(BYTE);
                asm.branch(Condition::Equal, next, 0.5);
            }
            asm.times(if skips { 0.5 } else { 1.0 }, |asm| {
                if !low.is_empty() {
                    asm.mov(VALUE, BYTE);
                    asm.andi(VALUE, 0x0F);
                    self.use_value(asm, VALUE, &low, accumulators);
                }
                if !high.is_empty() {
                    asm.swap(BYTE);
                    asm.andi(BYTE, 0x0F);
                    self.use_value(asm, BYTE, &high, accumulators);
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

    /// Adds an activation's products, the flags saying whether it is 0.
    fn use_value(
        &self,
        asm: &mut Assembly,
        value: Register,
        weights: &BTreeMap<u32, Vec<(usize, bool)>>,
        accumulators: &Accumulators,
    ) {
        let next = asm.label();
        let zero = if self.sum.signed_input {
            1.0 / 16.0
        } else {
            0.5
        };
        // To add it takes no longer than to skip that.
        let is_added_once = weights.len() == 1 && weights.get(&1).is_some_and(|it| it.len() == 1);
        if self.channels == Channels::Own && is_added_once {
            if self.sum.signed_input {
                self.extend_sign(asm, value);
            }
            asm.of(Kind::MultiplyAccumulate, |asm| {
                self.accumulate(asm, value, weights, accumulators);
            });
            return;
        }
        asm.branch(Condition::Equal, next, zero);
        asm.times(1.0 - zero, |asm| {
            if self.sum.signed_input {
                self.extend_sign(asm, value);
            }
            asm.of(Kind::MultiplyAccumulate, |asm| {
                self.accumulate(asm, value, weights, accumulators);
            });
        });
        asm.bind(next);
    }

    fn extend_sign(&self, asm: &mut Assembly, value: Register) {
        if self.input.stored_bits() == 4 {
            asm.skip_if_clear(value, 3);
            asm.ori(value, 0xF0);
        }
        asm.clr(SIGN);
        asm.skip_if_clear(value, 7);
        asm.com(SIGN);
    }

    /// The sums that want each multiple of an input, and whether they subtract
    /// it.
    fn weights_by_magnitude(
        &self,
        input: usize,
        outputs: usize,
        first: usize,
    ) -> BTreeMap<u32, Vec<(usize, bool)>> {
        let all = self.sum.program.outputs as usize;
        let mut by_magnitude: BTreeMap<u32, Vec<(usize, bool)>> = BTreeMap::new();
        for index in 0..outputs {
            let output = first + index;
            let weight = match self.channels {
                Channels::All => self.constants.weights[input * all + output],
                Channels::Own | Channels::OwnThenPointwise if input % all == output => {
                    self.constants.weights[input]
                }
                Channels::Own | Channels::OwnThenPointwise => 0,
            };
            if weight != 0 {
                let magnitude = weight.unsigned_abs().into();
                by_magnitude
                    .entry(magnitude)
                    .or_default()
                    .push((index, weight < 0));
            }
        }
        by_magnitude
    }

    /// Adds one activation's products to the sums.
    fn accumulate(
        &self,
        asm: &mut Assembly,
        value: Register,
        weights: &BTreeMap<u32, Vec<(usize, bool)>>,
        accumulators: &Accumulators,
    ) {
        let sign = self.sign();
        let mut multiple = 0;
        for (&magnitude, terms) in weights {
            let product = if magnitude == 1 {
                [value, sign]
            } else {
                match self.products {
                    Products::Multiplied => {
                        asm.ldi(FACTOR, magnitude as u8);
                        asm.mul(value, FACTOR);
                        if self.sum.signed_input {
                            // As an unsigned number, it was 256 too large.
                            asm.skip_if_clear(value, 7);
                            asm.sub(ZERO, FACTOR);
                        }
                        [MULTIPLE, ZERO]
                    }
                    Products::Narrow => {
                        for step in multiples::steps(multiple, magnitude) {
                            match step {
                                MultipleStep::Reset => asm.mov(MULTIPLE, value),
                                MultipleStep::Increment => asm.add(MULTIPLE, value),
                                MultipleStep::Double => asm.lsl(MULTIPLE),
                            }
                        }
                        [MULTIPLE, sign]
                    }
                    Products::Wide => {
                        for step in multiples::steps(multiple, magnitude) {
                            match step {
                                MultipleStep::Reset => {
                                    asm.mov(MULTIPLE, value);
                                    asm.mov(MULTIPLE_HIGH, sign);
                                }
                                MultipleStep::Increment => {
                                    asm.add(MULTIPLE, value);
                                    asm.adc(MULTIPLE_HIGH, sign);
                                }
                                MultipleStep::Double => {
                                    asm.lsl(MULTIPLE);
                                    asm.rol(MULTIPLE_HIGH);
                                }
                            }
                        }
                        [MULTIPLE, MULTIPLE_HIGH]
                    }
                }
            };
            if magnitude > 1 {
                multiple = magnitude;
            }
            for &(index, subtract) in terms {
                let bytes = accumulators[index].iter().enumerate();
                for (byte, &register) in bytes {
                    let addend = product.get(byte).copied().unwrap_or(sign);
                    match (subtract, byte) {
                        (false, 0) => asm.add(register, addend),
                        (false, _) => asm.adc(register, addend),
                        (true, 0) => asm.sub(register, addend),
                        (true, _) => asm.sbc(register, addend),
                    }
                }
            }
        }
    }
}

/// Loads a constant into any registers, by way of Z.
fn load_constant(asm: &mut Assembly, registers: &[Register], constant: i32) {
    let spare = R30;
    let bytes = constant.to_le_bytes();
    let mut byte = 0;
    while byte < registers.len() {
        let register = registers[byte];
        if register.is_upper() {
            asm.ldi(register, bytes[byte]);
            byte += 1;
        } else if bytes[byte] == 0 {
            asm.clr(register);
            byte += 1;
        } else if register.is_even() && byte + 1 < registers.len() {
            asm.ldi_pair(spare, u16::from_le_bytes([bytes[byte], bytes[byte + 1]]));
            asm.movw(register, spare);
            byte += 2;
        } else {
            asm.ldi(spare, bytes[byte]);
            asm.mov(register, spare);
            byte += 1;
        }
    }
}
