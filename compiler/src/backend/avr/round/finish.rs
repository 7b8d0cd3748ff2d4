//! From the registers of the sums to where the outputs go.

use crate::backend::avr::Kind;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::Mode;
use crate::backend::avr::isa::registers::{Pointer, R30, Register, SUM};
use crate::backend::avr::memory::state::State;
use crate::backend::avr::memory::store::Sink;
use crate::backend::avr::round::requantise::Requantise;
use crate::backend::avr::round::sum::{Rounding, Sum};

/// Where finished values go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// To registers, packed densely from the sums' first one on.
    Registers,
    /// To the map, pass by pass: nothing that a later pass reads is there.
    Stored,
    /// To the stack, the first one first, as they are stored.
    Pushed,
    /// To the stack, the first one first, as a byte of two's complement.
    PushedWide,
}

/// The registers of some sums: each the lowest byte first.
pub(crate) type Accumulators = [Vec<Register>];

/// The registers in which [`Destination::Registers`] leaves values.
pub(crate) fn result_registers(accumulators: &Accumulators) -> Vec<Register> {
    let all = accumulators.iter().flatten();
    all.take(accumulators.len()).copied().collect()
}

/// What constants the sums must begin with for [`rounded`].
pub(crate) fn first_values(sum: &Sum<'_>, rounding: &Rounding) -> Vec<i32> {
    if sum.begins_with_addends(rounding.left) {
        rounding.addends.clone()
    } else {
        vec![0; rounding.addends.len()]
    }
}

/// How a share of the sums is expected to need neither clamp.
fn within(sum: &Sum<'_>) -> f64 {
    if sum.signed_output() { 0.9 } else { 0.5 }
}

/// Rounds every sum; `first`: the number of the first one among the outputs.
/// Changes Z, X and r0.
pub(crate) fn rounded(
    asm: &mut Assembly,
    sum: &Sum<'_>,
    rounding: &Rounding,
    accumulators: &Accumulators,
    first: usize,
    destination: Destination,
) {
    let results = result_registers(accumulators);
    asm.of(Kind::Requantise, |asm| {
        for (index, (accumulator, result)) in accumulators.iter().zip(results).enumerate() {
            load_sum(asm, accumulator);
            if !sum.begins_with_addends(rounding.left) {
                for _ in 0..rounding.left {
                    shift_up(asm, &SUM[..accumulator.len()]);
                }
                add_to_sum(asm, accumulator.len(), rounding.addends[first + index]);
            }
            let value = Requantise {
                width: accumulator.len(),
                right: rounding.right,
                bits: sum.activation_bits,
                halfway: rounding.halfway[first + index],
                within: within(sum),
            }
            .emit(asm);
            deliver(asm, sum, value, result, destination);
        }
    });
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
        Destination::Registers | Destination::Stored => asm.mov(result, value),
        Destination::Pushed | Destination::PushedWide => asm.push(value),
    }
}

/// Copies a sum to [`SUM`].
pub(crate) fn load_sum(asm: &mut Assembly, accumulator: &[Register]) {
    let mut byte = 0;
    while byte < accumulator.len() {
        let (to, from) = (SUM[byte], accumulator[byte]);
        let pair =
            accumulator.get(byte + 1) == Some(&from.next()) && from.is_even() && to.is_even();
        if pair {
            asm.movw(to, from);
            byte += 2;
        } else {
            asm.mov(to, from);
            byte += 1;
        }
    }
}

/// Adds a constant to [`SUM`].
pub(crate) fn add_to_sum(asm: &mut Assembly, width: usize, addend: i32) {
    if addend == 0 {
        return;
    }
    let bytes = addend.wrapping_neg().to_le_bytes();
    asm.subi(SUM[0], bytes[0]);
    for (&register, &byte) in SUM[..width].iter().zip(&bytes).skip(1) {
        asm.sbci(register, byte);
    }
}

/// Doubles.
pub(crate) fn shift_up(asm: &mut Assembly, registers: &[Register]) {
    let Some((&low, upper)) = registers.split_first() else {
        return;
    };
    asm.lsl(low);
    for &register in upper {
        asm.rol(register);
    }
}

/// What makes results of sums.
pub(crate) struct Shift<'a> {
    /// Bits to shift up.
    pub(crate) left: u32,
    /// One an output; none where sums began with them.
    pub(crate) biases: &'a [i16],
}

/// Sums that are results: shifted up, the biases added, and put in the caller's
/// array from value `first` of the pixel on. Changes X and Z.
pub(crate) fn exact(
    asm: &mut Assembly,
    shift: &Shift<'_>,
    accumulators: &Accumulators,
    first: usize,
    (state, sink): (&State, &Sink<'_>),
) {
    let spare = R30;
    asm.of(Kind::Store, |asm| {
        sink.put(asm, state, first as u32);
        for (index, accumulator) in accumulators.iter().enumerate() {
            for _ in 0..shift.left {
                shift_up(asm, accumulator);
            }
            if let Some(&bias) = shift.biases.get(index) {
                let bytes = i32::from(bias).to_le_bytes();
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
