//! From the registers of the sums to where the outputs go.

use crate::backend::avr::arithmetic::wide::{SumRegisters, add_to_sum, load_sum, shift_up};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::Mode;
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::registers::{
    Pointer, R30, Register, Registers, SUM, TEMPORARY, X, Z,
};
use crate::backend::avr::memory::state::LoopState;
use crate::backend::avr::memory::store::OutputSink;
use crate::backend::avr::round::requantise::Requantise;
use crate::backend::avr::round::sum::{Rounding, Sum, SumEnding};

/// Where finished values go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// To registers, packed densely from the sums' first one on.
    InRegisters,
    /// The same, those with odd numbers in upper nibbles; where [`places_nibbles`].
    Placed,
    /// To the map, pass by pass: nothing that a later pass reads is there.
    Stored,
    /// To the stack, the first one first, as they are stored.
    Pushed,
    /// To the stack, the first one first, as a byte of two's complement.
    PushedWide,
}

/// The registers in which [`Destination::InRegisters`] leaves values.
pub(crate) fn result_registers(accumulators: &SumRegisters) -> Vec<Register> {
    let all = accumulators.iter().flatten();
    all.take(accumulators.len()).copied().collect()
}

/// Whether outputs that go two to a byte can be left where they belong in it.
pub(crate) fn places_nibbles(sum: &Sum<'_>) -> bool {
    match &sum.ending {
        SumEnding::Rounded(rounding) => {
            let requantise = RoundOne::new(sum, rounding, 0.0).requantise(sum.width, 0);
            let is_plain = !sum.signed_output() && sum.begins_with_addends(rounding.left);
            is_plain && requantise.makes_nibbles()
        }
        SumEnding::Exact | SumEnding::Shifted | SumEnding::Scaled(_) | SumEnding::Wide => false,
    }
}

/// What constants the sums must begin with for [`rounded`].
pub(crate) fn first_values(sum: &Sum<'_>, rounding: &Rounding) -> Vec<i32> {
    if sum.begins_with_addends(rounding.left) {
        rounding.addends.clone()
    } else {
        vec![0; rounding.addends.len()]
    }
}

/// Rounds every sum; `first`: the number of the first one among the outputs.
pub(crate) fn rounded(
    asm: &mut Assembly,
    sum: &Sum<'_>,
    rounding: &Rounding,
    accumulators: &SumRegisters,
    first: usize,
    destination: Destination,
) {
    let changed = Registers::of(SUM)
        .and([TEMPORARY])
        .and(accumulators.iter().flatten().copied());
    asm.changing(changed, |asm| {
        let results = result_registers(accumulators);
        asm.of(Purpose::Requantise, |asm| {
            let mut one = RoundOne::new(sum, rounding, sum.expectation.between());
            for ((output, accumulator), result) in (first..).zip(accumulators).zip(results) {
                one.emit(asm, output, accumulator, (result, destination));
            }
        });
    })
}

/// Rounds sums one after the other.
pub(crate) struct RoundOne<'a> {
    sum: &'a Sum<'a>,
    rounding: &'a Rounding,
    /// How many activations are between the least and the greatest.
    between: f64,
    /// Whether [`MASKS`] hold the bits of a lower and of an upper nibble.
    are_masked: [bool; 2],
}

/// Of sums that are rounded where they are.
const MASKS: [Register; 2] = [SUM[2], SUM[3]];

impl<'a> RoundOne<'a> {
    pub(crate) fn new(sum: &'a Sum<'a>, rounding: &'a Rounding, between: f64) -> Self {
        Self {
            sum,
            rounding,
            between,
            are_masked: [false; 2],
        }
    }

    fn requantise(&self, width: usize, output: usize) -> Requantise {
        Requantise {
            width,
            right: self.rounding.right,
            bits: self.sum.activation_bits,
            halfway: self.rounding.halfway[output],
            within: self.between,
        }
    }

    /// Rounds the sum of an output, which may change. The result may be among the registers of the
    /// sum, and of those that were rounded before.
    pub(crate) fn emit(
        &mut self,
        asm: &mut Assembly,
        output: usize,
        accumulator: &[Register],
        (result, destination): (Register, Destination),
    ) {
        let Self { sum, rounding, .. } = *self;
        let requantise = self.requantise(accumulator.len(), output);
        let begins_with_addends = sum.begins_with_addends(rounding.left);
        let is_plain = match destination {
            Destination::InRegisters | Destination::Placed | Destination::Stored => {
                !sum.signed_output()
            }
            Destination::Pushed | Destination::PushedWide => false,
        };
        if let (true, true, &[low, high]) = (is_plain, begins_with_addends, accumulator)
            && requantise.makes_nibbles()
        {
            let is_upper = destination == Destination::Placed && output % 2 == 1;
            let half = usize::from(is_upper);
            if !self.are_masked[half] {
                asm.ldi(MASKS[half], [0x0F, 0xF0][half]);
                self.are_masked[half] = true;
            }
            return requantise.emit_nibble(asm, [low, high], (result, MASKS[half], is_upper));
        }
        if accumulator != &SUM[..accumulator.len()] {
            load_sum(asm, accumulator);
        }
        if !begins_with_addends {
            for _ in 0..rounding.left {
                shift_up(asm, &SUM[..accumulator.len()]);
            }
            add_to_sum(asm, accumulator.len(), rounding.addends[output]);
        }
        if is_plain {
            requantise.emit_into(asm, result);
        } else {
            let value = requantise.emit(asm);
            deliver(asm, sum, value, result, destination);
        }
    }
}

/// Takes the half range of results without activation off, and moves the value.
pub(crate) fn deliver(
    asm: &mut Assembly,
    sum: &Sum<'_>,
    value: Register,
    result: Register,
    destination: Destination,
) {
    if sum.signed_output() {
        let half = 1 << (sum.activation_bits - 1);
        asm.subi(value, half);
        if destination != Destination::PushedWide && sum.activation_bits < 8 {
            asm.andi(value, 0xFF >> (8 - sum.activation_bits));
        }
    }
    match destination {
        Destination::InRegisters | Destination::Stored => asm.mov(result, value),
        Destination::Placed => unreachable!("such sums are rounded where they are"),
        Destination::Pushed | Destination::PushedWide => asm.push(value),
    }
}

/// What makes results of sums.
pub(crate) struct SumShift<'a> {
    /// Bits to shift up.
    pub(crate) left: u32,
    /// One an output; none where sums began with them.
    pub(crate) biases: &'a [i32],
}

/// Sums that are results: shifted up, the biases added, and put in the caller's array
/// from value `first` of the pixel on.
pub(crate) fn exact(
    asm: &mut Assembly,
    shift: &SumShift<'_>,
    accumulators: &SumRegisters,
    first: usize,
    (state, sink): (&LoopState, &OutputSink<'_>),
) {
    let changed = Registers::of_pairs([X, Z]).and(accumulators.iter().flatten().copied());
    asm.changing(changed, |asm| {
        let spare = R30;
        asm.of(Purpose::Store, |asm| {
            sink.put(asm, state, first as u32);
            for (index, accumulator) in accumulators.iter().enumerate() {
                for _ in 0..shift.left {
                    shift_up(asm, accumulator);
                }
                if let Some(&bias) = shift.biases.get(index) {
                    let bytes = bias.to_le_bytes();
                    for (byte, &register) in accumulator.iter().enumerate() {
                        asm.ldi(spare, bytes[byte]);
                        if byte == 0 {
                            asm.add(register, spare);
                        } else {
                            asm.adc(register, spare);
                        }
                    }
                }
                put(asm, accumulator, sink.result_bytes());
            }
        });
    })
}

/// Stores a sum at X, as wide as results are.
pub(crate) fn put(asm: &mut Assembly, sum: &[Register], result_bytes: usize) {
    let spare = R30;
    for &register in sum.iter().take(result_bytes) {
        asm.store(Pointer::X, Mode::PostIncrement, register);
    }
    if sum.len() < result_bytes {
        asm.ldi(spare, 0);
        asm.skip_if_clear(sum[sum.len() - 1], 7);
        asm.com(spare);
        for _ in sum.len()..result_bytes {
            asm.store(Pointer::X, Mode::PostIncrement, spare);
        }
    }
}
