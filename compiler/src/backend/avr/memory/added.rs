//! A map that is added to sums: its values at the output's place.

use crate::backend::avr::arithmetic::wide::{SumRegisters, shift_up};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition, Mode};
use crate::backend::avr::isa::registers::{
    ACTIVATION, ACTIVATIONS, BASE, Pointer, Register, Registers, TEMPORARY, X, Z, ZERO,
};
use crate::backend::avr::memory::field::MapSource;
use crate::backend::avr::memory::position::by_parity;
use crate::backend::avr::memory::slots::Slots;
use crate::backend::avr::memory::state::{LoopState, Variable};
use crate::plan::Arrival;
use crate::program::{Program, Stage};

const UPPER: Register = TEMPORARY;

/// By how much the two addends of a sum are shifted up before they meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Joining {
    /// The weighted sum.
    pub(crate) sum: u32,
    /// The value of the map that is added.
    pub(crate) joined: u32,
}

/// A joined map, as [`Variable::Joined`] finds its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Added {
    /// Which of the layer's joined maps.
    pub(crate) index: u8,
    /// Whether places count nibbles.
    pub(crate) by_nibble: bool,
    /// Whether its values are two's complement.
    pub(crate) signed: bool,
    /// Bits of a value.
    pub(crate) bits: u32,
    /// Values of a pixel.
    pub(crate) channels: u32,
    /// Where places are found, unless they are there already.
    pub(crate) table: Option<CodeLabel>,
}

impl Added {
    /// Of a map that is stored whole.
    pub(crate) fn of_map(index: u8, source: &MapSource<'_>) -> Self {
        Self {
            index,
            by_nibble: source.by_nibble,
            signed: source.signed,
            bits: source.bits,
            channels: source.map.shape.channels,
            table: source.table(),
        }
    }

    /// Of a stage, which finds the pixel itself.
    pub(crate) fn of_stage(program: &Program, stage: &Stage, index: usize) -> Self {
        let bits = program.activation_bits;
        let output = stage.plan.output.channels;
        let (by_nibble, channels) = match stage.plan.joined[index] {
            Arrival::Ring(reading) => (
                Slots::of_ring(program, reading.ring, None).by_nibble(),
                reading.ring.channels,
            ),
            Arrival::Map(reading) => {
                let map = program.map(reading.value);
                (!map.is_byte_aligned(bits), map.shape.channels)
            }
            Arrival::Window(windows) => (false, windows.channels),
            Arrival::Bytes | Arrival::Values => (false, output),
        };
        Self {
            index: index as u8,
            by_nibble,
            signed: stage.signed_joined[index],
            bits,
            channels,
            table: None,
        }
    }

    /// X ← the pixel; in nibbles where that is how it is found.
    pub(crate) fn point_at(&self, asm: &mut Assembly, state: &LoopState) {
        let changed = Registers::of_pairs([X, Z]);
        asm.changing(changed, |asm| {
            state.fetch(asm, Variable::Joined(self.index));
            if self.table.is_none() {
                return;
            }
            asm.movw(Z, X);
            asm.lpm_near(X);
            asm.lpm_near(X.next());
            for _ in 0..if self.by_nibble { 2 } else { 1 } {
                asm.add(X, BASE);
                asm.adc(X.next(), BASE.next());
            }
        })
    }

    /// Adds values from `first` on to sums, both shifted up first.
    pub(crate) fn add(
        &self,
        asm: &mut Assembly,
        joining: Joining,
        accumulators: &SumRegisters,
        first: usize,
        state: &LoopState,
    ) {
        let changed = Registers::of_pairs([X, Z])
            .and([TEMPORARY])
            .and(accumulators.iter().flatten().copied());
        asm.changing(changed, |asm| {
            for accumulator in accumulators {
                for _ in 0..joining.sum {
                    shift_up(asm, accumulator);
                }
            }
            self.point_at(asm, state);
            let first = first as u32;
            if self.bits == 8 {
                asm.add_to_pair(X, first as i32);
                for accumulator in accumulators {
                    asm.load(ACTIVATION, Pointer::X, Mode::PostIncrement);
                    self.add_value(asm, joining.joined, accumulator, ACTIVATION);
                }
                return;
            }
            let nibbles = &mut |asm: &mut Assembly, odd: bool| {
                let cell = first + u32::from(odd);
                asm.add_to_pair(X, (cell / 2) as i32);
                for (accumulator, cell) in accumulators.iter().zip(cell..) {
                    let is_high = cell % 2 == 1;
                    if !is_high || cell == first + u32::from(odd) {
                        asm.load(ACTIVATIONS, Pointer::X, Mode::PostIncrement);
                    }
                    if is_high {
                        asm.swap(ACTIVATIONS);
                        asm.andi(ACTIVATIONS, 0x0F);
                        self.add_value(asm, joining.joined, accumulator, ACTIVATIONS);
                    } else {
                        asm.mov(ACTIVATION, ACTIVATIONS);
                        asm.andi(ACTIVATION, 0x0F);
                        self.add_value(asm, joining.joined, accumulator, ACTIVATION);
                    }
                }
            };
            if self.by_nibble {
                by_parity(asm, nibbles);
            } else {
                nibbles(asm, false);
            }
        })
    }

    /// Adds a value, which is changed.
    fn add_value(&self, asm: &mut Assembly, shift: u32, accumulator: &[Register], value: Register) {
        let (bytes, bits) = ((shift / 8) as usize, shift % 8);
        if bytes >= accumulator.len() {
            return;
        }
        if self.signed && self.bits == 4 {
            asm.skip_if_clear(value, 3);
            asm.ori(value, 0xF0);
        }
        let stays_a_byte = !self.signed && self.bits + bits <= 8;
        let upper = if stays_a_byte || !self.signed && bits == 0 {
            ZERO
        } else {
            asm.clr(UPPER);
            if self.signed {
                asm.skip_if_clear(value, 7);
                asm.com(UPPER);
            }
            UPPER
        };
        for _ in 0..bits {
            asm.lsl(value);
            if !stays_a_byte {
                asm.rol(upper);
            }
        }
        let mut to = accumulator[bytes..].iter();
        if let Some(&low) = to.next() {
            asm.add(low, value);
        }
        if let Some(&high) = to.next() {
            asm.adc(high, upper);
        }
        if to.len() == 0 {
            return;
        }
        let mut sign = ZERO;
        if self.signed {
            // None of these changes the carry.
            asm.clr(value);
            asm.skip_if_clear(upper, 7);
            asm.dec(value);
            sign = value;
        }
        for &register in to {
            asm.adc(register, sign);
        }
    }

    /// `to`, lowest byte first and the first two of which are r30 and r31, ← the
    /// value of that channel.
    pub(crate) fn load(
        &self,
        asm: &mut Assembly,
        channel: u32,
        to: &[Register],
        state: &LoopState,
    ) {
        let changed = Registers::of_pairs([X, Z]).and(to.iter().copied());
        asm.changing(changed, |asm| {
            self.point_at(asm, state);
            let value = to[0];
            if self.bits == 8 {
                asm.add_to_pair(X, channel as i32);
                asm.load(value, Pointer::X, Mode::Plain);
            } else {
                let loaded = asm.label();
                if self.by_nibble {
                    asm.add_to_pair(X, channel as i32);
                    asm.lsr(X.next());
                    asm.ror(X);
                    asm.load(value, Pointer::X, Mode::Plain);
                    asm.branch(Condition::SameOrHigher, loaded, 0.5);
                    asm.swap(value);
                    asm.bind(loaded);
                } else {
                    asm.add_to_pair(X, (channel / 2) as i32);
                    asm.load(value, Pointer::X, Mode::Plain);
                    if channel % 2 == 1 {
                        asm.swap(value);
                    }
                }
                asm.andi(value, 0x0F);
                if self.signed {
                    asm.skip_if_clear(value, 3);
                    asm.ori(value, 0xF0);
                }
            }
            for &register in &to[1..] {
                asm.ldi(register, 0);
                if self.signed {
                    asm.skip_if_clear(value, 7);
                    asm.ldi(register, 0xFF);
                }
            }
        })
    }
}
