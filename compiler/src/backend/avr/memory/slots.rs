//! Where the pixels of a map go, or are, that arrive one after the other: the
//! next place in a ring, in a map that is stored whole, or among the results.
//!
//! While places are found, Z is the network's address.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{Condition, Mode};
use crate::backend::avr::isa::registers::{
    NETWORK, Pointer, Register, Registers, SCRATCH, SPARE, X, Z,
};
use crate::backend::avr::memory::position::{position_in_network, position_of_cells};
use crate::network::{Element, Shape, ValueId};
use crate::plan::{Ring, SumArray};
use crate::program::{Addressing, Map, Program};
use std::ops::Range;

/// The last byte that `ldd` reaches.
pub(crate) const FARTHEST: u32 = 63;
const NEXT: Register = SCRATCH;

/// Places that are taken in turn; after the last one comes the first again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slots {
    /// The first one, from the network's address on: in nibbles where pixels may
    /// begin in the middle of a byte, else in bytes.
    first: u32,
    by_nibble: bool,
    /// Between neighbours.
    step: u32,
    /// From the first to after the last.
    length: u32,
    /// Where in the network's value the next one's distance from the first is
    /// kept, where there are several.
    position_byte: Option<u32>,
    /// An upper register that may be changed.
    spare: Register,
}

/// The map of which a ring holds the newest pixels, as a kernel reads it: as if
/// all of it lay where the ring does.
pub(crate) fn map_of_ring(ring: Ring, shape: Shape, signed: bool) -> Map {
    Map {
        shape,
        signed,
        element: Element::Activation,
        addressing: Addressing::Affine,
        first_cell: ring.first_cell,
        pixels_before_wrap: shape.pixels(),
    }
}

/// The byte of the network's value in which a position begins.
pub(crate) fn position_byte(program: &Program, position: u32) -> u32 {
    program.cursor_pixel_bytes + 2 * position
}

/// By what `ldd` finds the two bytes of a position, which Z is brought into reach
/// of; after them, [`leave`] brings it back.
pub(crate) fn reach(asm: &mut Assembly, byte: u32) -> u8 {
    if byte < FARTHEST {
        return byte as u8;
    }
    asm.add_to_pair(Z, byte as i32);
    0
}

/// Z is the network's address again. The flags stay as they are.
pub(crate) fn leave(asm: &mut Assembly, byte: u32) {
    if byte >= FARTHEST {
        asm.movw(Z, NETWORK);
    }
}

impl Slots {
    /// Of a ring.
    pub(crate) fn of_ring(program: &Program, ring: Ring, position: Option<u32>) -> Self {
        let bits = program.activation_bits;
        let by_nibble = bits == 4 && ring.channels % 2 == 1 && ring.pixels > 1;
        let step = position_of_cells(ring.channels, bits, by_nibble);
        Self {
            first: position_in_network(ring.first_cell, bits, by_nibble, program.cursor_bytes),
            by_nibble,
            step,
            length: ring.pixels * step,
            position_byte: position.map(|position| position_byte(program, position)),
            spare: SPARE,
        }
    }

    /// Of a map that is stored row by row.
    pub(crate) fn of_map(program: &Program, value: ValueId, position: Option<u32>) -> Self {
        let map = program.map(value);
        let bits = program.activation_bits;
        let by_nibble = !map.is_byte_aligned(bits);
        let step = position_of_cells(map.shape.channels, bits, by_nibble);
        let several = map.shape.pixels() > 1;
        Self {
            first: position_in_network(map.first_cell, bits, by_nibble, program.cursor_bytes),
            by_nibble,
            step,
            length: map.shape.pixels() * step,
            position_byte: position
                .filter(|_| several)
                .map(|position| position_byte(program, position)),
            spare: SPARE,
        }
    }

    /// Of the addresses of a map's pixels, two bytes each.
    pub(crate) fn of_addresses(program: &Program, value: ValueId, position: Option<u32>) -> Self {
        Self {
            first: 0,
            by_nibble: false,
            step: 2,
            length: 2 * program.map(value).shape.pixels(),
            position_byte: position.map(|position| position_byte(program, position)),
            spare: SPARE,
        }
    }

    /// Of results, a pixel of `outputs` each.
    pub(crate) fn of_results(
        program: &Program,
        sums: SumArray,
        outputs: u32,
        position: Option<u32>,
    ) -> Self {
        Self {
            first: program.cursor_bytes + sums.first_byte,
            by_nibble: false,
            step: outputs * sums.bytes_each,
            length: sums.bytes(),
            position_byte: position.map(|position| position_byte(program, position)),
            spare: SPARE,
        }
    }

    /// Of the rows of weights that the pixels of a dense layer's input use.
    pub(crate) fn of_rows(
        program: &Program,
        bytes_per_pixel: u32,
        pixels: u32,
        position: Option<u32>,
    ) -> Self {
        Self {
            first: 0,
            by_nibble: false,
            step: bytes_per_pixel,
            length: bytes_per_pixel * pixels,
            position_byte: position.map(|position| position_byte(program, position)),
            spare: SPARE,
        }
    }

    /// The same with another spare register than r21.
    pub(crate) fn sparing(self, spare: Register) -> Self {
        Self { spare, ..self }
    }

    /// Between neighbours.
    pub(crate) fn step(&self) -> u32 {
        self.step
    }

    /// From the first to after the last.
    pub(crate) fn length(&self) -> u32 {
        self.length
    }

    /// Whether places count nibbles.
    pub(crate) fn by_nibble(&self) -> bool {
        self.by_nibble
    }

    /// Whether there are several.
    pub(crate) fn has_several(&self) -> bool {
        self.position_byte.is_some()
    }

    /// Whether a byte holds every distance.
    pub(crate) fn is_small(&self) -> bool {
        self.length < 0x100
    }

    /// The bytes of the network's value in which the next one's distance from the first is kept.
    pub(crate) fn position_bytes(&self) -> Range<u32> {
        let bytes = if self.is_small() { 1 } else { 2 };
        self.position_byte
            .map_or(0..0, |first| first..first + bytes)
    }

    /// X ← the distance of the next place from the first.
    pub(crate) fn load_distance(&self, asm: &mut Assembly) {
        let changed = Registers::of_pairs([X, Z]);
        asm.changing(changed, |asm| match self.position_byte {
            Some(byte) => {
                let displacement = reach(asm, byte);
                asm.load(X, Pointer::Z, Mode::Displacement(displacement));
                if self.is_small() {
                    asm.clr(X.next());
                } else {
                    asm.load(X.next(), Pointer::Z, Mode::Displacement(displacement + 1));
                }
                leave(asm, byte);
            }
            None => {
                asm.clr(X);
                asm.clr(X.next());
            }
        })
    }

    /// X, a distance, becomes the place: an address, doubled where it counts
    /// nibbles.
    pub(crate) fn make_place(&self, asm: &mut Assembly) {
        let changed = Registers::of_pairs([X]);
        asm.changing(changed, |asm| {
            for _ in 0..if self.by_nibble { 2 } else { 1 } {
                asm.add(X, NETWORK);
                asm.adc(X.next(), NETWORK.next());
            }
            asm.add_to_pair(X, self.first as i32);
        })
    }

    /// X ← the next place.
    pub(crate) fn point_at_next(&self, asm: &mut Assembly) {
        let changed = Registers::of_pairs([X, Z]);
        asm.changing(changed, |asm| {
            if self.position_byte.is_some() {
                self.load_distance(asm);
                self.make_place(asm);
            } else {
                asm.movw(X, NETWORK);
                if self.by_nibble {
                    asm.lsl(X);
                    asm.rol(X.next());
                }
                asm.add_to_pair(X, self.first as i32);
            }
        })
    }

    /// Goes to the place after the one whose distance is in X: the zero flag says
    /// that it was the last.
    pub(crate) fn advance(&self, asm: &mut Assembly) {
        let changed = Registers::of_pairs([NEXT, Z]).and([self.spare]);
        asm.changing(changed, |asm| {
            self.advance_by_way_of(asm, NEXT);
        })
    }

    /// The same through another pair than r19:r18.
    pub(crate) fn advance_by_way_of(&self, asm: &mut Assembly, next: Register) {
        let changed = Registers::of_pairs([next, Z]).and([self.spare]);
        asm.changing(changed, |asm| {
            let Some(byte) = self.position_byte else {
                return;
            };
            let same = asm.label();
            let displacement = reach(asm, byte);
            asm.movw(next, X);
            let [low, high, ..] = self.length.to_le_bytes();
            if self.is_small() {
                asm.subi(next, (self.step as u8).wrapping_neg());
                asm.cpi(next, low);
            } else {
                asm.add_to_pair(next, self.step as i32);
                asm.ldi(self.spare, high);
                asm.cpi(next, low);
                asm.cpc(next.next(), self.spare);
            }
            asm.branch(Condition::NotEqual, same, 0.95);
            asm.times(0.05, |asm| {
                // The zero flag stays as it is up to the end.
                asm.ldi(next, 0);
                if !self.is_small() {
                    asm.ldi(next.next(), 0);
                }
            });
            asm.bind(same);
            asm.store(Pointer::Z, Mode::Displacement(displacement), next);
            if !self.is_small() {
                let displacement = displacement + 1;
                asm.store(Pointer::Z, Mode::Displacement(displacement), next.next());
            }
            leave(asm, byte);
        })
    }

    /// Moves the distance in X on by that many places, around the end.
    pub(crate) fn skip(&self, asm: &mut Assembly, places: u32) {
        let changed = Registers::of_pairs([X]).and([self.spare]);
        asm.changing(changed, |asm| {
            if places == 0 {
                return;
            }
            let inside = asm.label();
            let [low, high, ..] = self.length.to_le_bytes();
            let distance = places * self.step;
            if self.length + distance < 0x100 {
                // X's high byte is 0, and stays so.
                asm.subi(X, (distance as u8).wrapping_neg());
                asm.cpi(X, low);
                asm.branch(Condition::Lower, inside, 0.9);
                asm.subi(X, low);
            } else {
                asm.add_to_pair(X, distance as i32);
                asm.ldi(self.spare, high);
                asm.cpi(X, low);
                asm.cpc(X.next(), self.spare);
                asm.branch(Condition::Lower, inside, 0.9);
                asm.subi(X, low);
                asm.sbci(X.next(), high);
            }
            asm.bind(inside);
        })
    }
}
