//! Where the activations of the input go: to a map, or to where the first streamed
//! layer reads them.

use crate::backend::avr::arithmetic::index::compare;
use crate::backend::avr::arithmetic::multiply::multiply_by_constant;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{CodeLabel, Condition, Mode};
use crate::backend::avr::isa::registers::{
    NETWORK, PRODUCT, Pointer, Register, Registers, TEMPORARY, X, Z, ZERO,
};
use crate::backend::avr::memory::field::MapSource;
use crate::backend::avr::memory::slots::Slots;
use crate::backend::avr::segments::grid;
use crate::plan::Sink;
use crate::program::Program;

/// Where activations go.
enum InputPlace<'a> {
    /// To a map that is stored whole.
    Map(MapSource<'a>),
    /// To where the first streamed layer reads them.
    Slots(Slots),
}

/// Registers that [`Deposit`] works with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DepositRegisters {
    /// An upper pair that may be changed where a pixel is complete.
    pub(crate) pair_of_pixel: Register,
    pub(crate) channel: Register,
    /// An upper one that may be changed while a value is stored.
    pub(crate) spare: Register,
    /// An upper one that may be changed where a pixel is complete.
    pub(crate) spare_of_pixel: Register,
}

/// Stores activations.
pub(crate) struct Deposit<'a> {
    program: &'a Program,
    place: InputPlace<'a>,
    registers: DepositRegisters,
}

impl<'a> Deposit<'a> {
    pub(crate) fn new(
        asm: &mut Assembly,
        program: &'a Program,
        registers: DepositRegisters,
    ) -> Self {
        let place = match program.intake.sink {
            Sink::Ring(ring) => {
                let slots = Slots::of_ring(program, ring, ring.position);
                InputPlace::Slots(slots.sparing(registers.spare_of_pixel))
            }
            Sink::Map { value, position: _ } => {
                InputPlace::Map(MapSource::new(asm, program, program.map(value)))
            }
            Sink::Windows { .. } | Sink::Stays | Sink::Results(_) => {
                unreachable!("the pixels of an input are stored, all or the newest")
            }
        };
        Self {
            program,
            place,
            registers,
        }
    }

    /// Whether the pixel's row and column say where a value goes.
    pub(crate) fn wants_pixel(&self) -> bool {
        match self.place {
            InputPlace::Map(_) => true,
            InputPlace::Slots(_) => false,
        }
    }

    /// The map that pixels of one nibble go to, if each row of it begins at a byte.
    pub(crate) fn rows_of_whole_bytes(&self) -> Option<&MapSource<'a>> {
        match &self.place {
            InputPlace::Map(source) => {
                let is_even = |number: u32| number.is_multiple_of(2);
                let begins_at_bytes =
                    is_even(source.map.first_cell) && is_even(source.map.shape.width);
                let is_row_major = source.by_nibble && !source.has_table();
                (is_row_major && self.channels() == 1 && begins_at_bytes).then_some(source)
            }
            InputPlace::Slots(_) => None,
        }
    }

    fn channels(&self) -> u32 {
        self.program.input.channels
    }

    /// Stores a value, whose register it changes. `number`: X ← the number of its
    /// pixel in a map of that width, which may change Z.
    pub(crate) fn store(
        &self,
        asm: &mut Assembly,
        value: Register,
        number: impl FnOnce(&mut Assembly, u32),
    ) {
        let changed = Registers::of_pairs([X, Z])
            .and([value, self.registers.spare])
            .and(PRODUCT);
        asm.changing(changed, |asm| match &self.place {
            InputPlace::Map(source) => {
                number(asm, source.map.shape.width);
                self.point_into_map(asm, source);
                self.put(asm, value, (source.by_nibble, true));
            }
            InputPlace::Slots(slots) => {
                asm.movw(Z, NETWORK);
                slots.point_at_next(asm);
                let bits = self.program.activation_bits;
                self.add_channel(asm, bits == 8 || slots.by_nibble());
                self.put(asm, value, (slots.by_nibble(), false));
            }
        })
    }

    /// X, a pixel's number, becomes the place of the value, from the network's address
    /// on, which is still to be added.
    fn point_into_map(&self, asm: &mut Assembly, source: &MapSource<'_>) {
        let by_byte = source.bits == 8 || source.by_nibble;
        if source.has_table() {
            asm.lsl(X);
            asm.rol(X.next());
            source.look_up(asm, X);
            self.add_channel(asm, by_byte);
        } else {
            multiply_by_constant(asm, X, source.pixel_step());
            self.add_channel(asm, by_byte);
            let first = source.position_in_network(source.map.first_cell);
            asm.add_to_pair(X, first as i32);
        }
    }

    /// Adds the channel to X, in bytes or nibbles, or halved where two share a byte.
    fn add_channel(&self, asm: &mut Assembly, whole: bool) {
        if self.channels() == 1 {
            return;
        }
        asm.mov(TEMPORARY, self.registers.channel);
        if !whole {
            asm.lsr(TEMPORARY);
        }
        asm.add(X, TEMPORARY);
        asm.adc(X.next(), ZERO);
    }

    /// Stores the value at X: a place in nibbles or not, to which the network's address
    /// is still to be added or not. The channel says which half of a byte it is where
    /// two channels share one.
    fn put(&self, asm: &mut Assembly, value: Register, (by_nibble, adds_network): (bool, bool)) {
        let DepositRegisters {
            channel,
            spare,
            pair_of_pixel: _,
            spare_of_pixel: _,
        } = self.registers;
        let add_network = |asm: &mut Assembly| {
            if adds_network {
                asm.add(X, NETWORK);
                asm.adc(X.next(), NETWORK.next());
            }
        };
        let (high, stored) = (asm.label(), asm.label());
        if self.program.activation_bits == 8 {
            add_network(asm);
            asm.store(Pointer::X, Mode::Plain, value);
            return;
        }
        if by_nibble {
            asm.lsr(X.next());
            asm.ror(X);
            asm.branch(Condition::Lower, high, 0.5);
        } else if self.channels() > 1 {
            asm.mov(TEMPORARY, channel);
            asm.lsr(TEMPORARY);
            asm.branch(Condition::Lower, high, 0.5);
        }
        let half = |asm: &mut Assembly, upper: bool| {
            add_network(asm);
            asm.load(spare, Pointer::X, Mode::Plain);
            if upper {
                asm.swap(value);
            }
            asm.andi(spare, if upper { 0x0F } else { 0xF0 });
            asm.or(spare, value);
            asm.store(Pointer::X, Mode::Plain, spare);
        };
        asm.times(0.5, |asm| {
            half(asm, false);
            asm.jump(stored);
        });
        asm.bind(high);
        asm.times(0.5, |asm| half(asm, true));
        asm.bind(stored);
    }

    /// Branches where more channels of the pixel are to come; the share of its values
    /// after which none is.
    pub(crate) fn unless_last(&self, asm: &mut Assembly, incomplete: CodeLabel) -> f64 {
        let channels = self.channels();
        let share = 1.0 / f64::from(channels);
        if channels > 1 {
            asm.cpi(self.registers.channel, (channels - 1) as u8);
            asm.branch(Condition::NotEqual, incomplete, 1.0 - share);
        }
        share
    }

    /// Goes to the place of the next pixel.
    pub(crate) fn advance(&self, asm: &mut Assembly) {
        let changed = Registers::of_pairs([X, Z, self.registers.pair_of_pixel])
            .and([self.registers.spare_of_pixel]);
        asm.changing(changed, |asm| match &self.place {
            InputPlace::Slots(slots) if slots.has_several() => {
                asm.movw(Z, NETWORK);
                slots.load_distance(asm);
                slots.advance_by_way_of(asm, self.registers.pair_of_pixel);
            }
            InputPlace::Slots(_) | InputPlace::Map(_) => {}
        })
    }
}

/// A row or column of the input, and of those how many are read: from the first one
/// on, out of all.
pub(crate) struct Used<'r> {
    pub(crate) at: &'r [Register],
    pub(crate) used: u32,
    pub(crate) all: u32,
}

/// Branches where the byte is of a row or column that nobody reads; the share of bytes that are read.
pub(crate) fn unless_used(
    asm: &mut Assembly,
    sides: [Used<'_>; 2],
    unused: CodeLabel,
    scratch: Register,
) -> f64 {
    let changed = Registers::of([scratch]);
    asm.changing(changed, |asm| {
        let mut share = 1.0;
        for Used { at, used, all } in sides {
            if used < all {
                let read = f64::from(used) / f64::from(all);
                asm.times(share, |asm| {
                    compare(asm, at, used, scratch);
                    asm.branch(Condition::SameOrHigher, unused, 1.0 - read);
                });
                share *= read;
            }
        }
        share
    })
}

/// Returns after the last byte of the input, whose cursor is at its start again.
pub(crate) fn return_complete(asm: &mut Assembly, program: &Program) {
    grid::reset_after_input(asm, program);
    asm.ldi(NETWORK, 1);
    asm.ret();
}

/// Returns after any other byte.
pub(crate) fn return_incomplete(asm: &mut Assembly) {
    asm.ldi(NETWORK, 0);
    asm.ret();
}
