//! What a step of a recurrent cell reads. Activations of 4 bits are unpacked first, to bytes on the
//! stack: those of a row, or where the whole map is taken in at once, those of a step.

use super::products::{Operands, Values};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{Condition, Mode};
use crate::backend::avr::isa::loops::counted;
use crate::backend::avr::isa::ports::stack_pointer;
use crate::backend::avr::isa::registers::{Pointer, R14, R18, R20, R22, Register, X, Y, Z};
use crate::network::Element;
use crate::program::Recurrence;

const VALUE: Register = R18;
/// Where a ring begins: a pair.
const FIRST: Register = R20;
const COUNT: Register = R22;
/// Where unpacked values are: a pair.
pub(super) const UNPACKED: Register = R14;

/// Where a step finds its values: in bytes, or in nibbles where it unpacks them.
#[derive(Clone, Copy)]
pub(super) enum StepValues {
    /// From that place of the network's value on.
    Place(u32),
    /// That many bytes from the top of the stack.
    Pushed(u32),
    /// At the place in that pair.
    At(Register),
}

impl StepValues {
    /// X ← the place, Y being the network's address.
    pub(super) fn point_at(self, asm: &mut Assembly) {
        match self {
            Self::Place(byte) => {
                asm.movw(X, Y);
                asm.add_to_pair(X, byte as i32);
            }
            Self::Pushed(byte) => {
                stack_pointer(asm, Pointer::X);
                asm.add_to_pair(X, byte as i32 + 1);
            }
            Self::At(pair) => asm.movw(X, pair),
        }
    }
}

/// The values of a step.
pub(super) struct StepInput {
    pub(super) count: u32,
    /// How they are multiplied, when they are unpacked.
    pub(super) operands: Operands,
    packed: Option<Packed>,
}

impl StepInput {
    /// `unpacks`: whether a step unpacks its values. `None` where a byte does not count them.
    pub(super) fn of(it: &Recurrence, unpacks: bool) -> Option<Self> {
        let count = it.step_values();
        let (values, value_bytes) = match (it.reads, it.signed) {
            (Element::Wide, _) => (Values::Wide, 2),
            (Element::Activation, true) => (Values::Signed, 1),
            (Element::Activation, false) => (Values::Unsigned, 1),
        };
        let packed = unpacks.then(|| Packed {
            count,
            stride: it.stride(),
            signed: it.signed,
            around: None,
        });
        let gap_bytes = match packed {
            Some(_) => 0,
            None => (it.stride() - 1) * value_bytes,
        };
        (1..0x100).contains(&count).then_some(Self {
            count,
            operands: Operands {
                gap_bytes,
                ..Operands::in_a_row(values)
            },
            packed,
        })
    }

    /// Bytes from a value to the next, when they are unpacked.
    pub(super) fn value_bytes(&self) -> u32 {
        let own = match self.operands.values {
            Values::Unsigned | Values::Signed => 1,
            Values::Wide | Values::Offset => 2,
        };
        own + self.operands.gap_bytes
    }

    /// Unpacks what is packed; where values are then, and how many bytes were pushed. Y is the
    /// network's address; changes r14 and r15, r18, r20 to r22, X and Z.
    pub(super) fn unpack(&self, asm: &mut Assembly, from: StepValues) -> (StepValues, u32) {
        let from = match (self.packed, from) {
            (None, StepValues::Place(_) | StepValues::At(_)) => return (from, 0),
            (None, StepValues::Pushed(_)) => from,
            (Some(packed), _) => {
                match from {
                    StepValues::Place(place) => point_at_nibble(asm, place),
                    StepValues::Pushed(_) | StepValues::At(_) => from.point_at(asm),
                }
                packed.push(asm);
                StepValues::Pushed(0)
            }
        };
        from.point_at(asm);
        asm.movw(UNPACKED, X);
        let pushed = self.packed.map_or(0, |packed| packed.count);
        (StepValues::At(UNPACKED), pushed)
    }
}

/// X ← a place in nibbles of the network at the address in Y.
pub(super) fn point_at_nibble(asm: &mut Assembly, place: u32) {
    asm.movw(X, Y);
    asm.lsl(X);
    asm.rol(X.next());
    asm.add_to_pair(X, place as i32);
}

/// Values of 4 bits, two to a byte.
#[derive(Clone, Copy)]
pub(super) struct Packed {
    pub(super) count: u32,
    /// Nibbles from one to the next.
    pub(super) stride: u32,
    pub(super) signed: bool,
    /// The ring that they may go around: its first place in the network's value, and its nibbles.
    pub(super) around: Option<(u32, u32)>,
}

impl Packed {
    /// Pushes them as bytes, so that the first one, whose place is in X, has the lowest address. Y is
    /// the network's address; changes r18, r20 to r22, X and Z.
    pub(super) fn push(self, asm: &mut Assembly) {
        let to_last = ((self.count - 1) * self.stride) as i32;
        asm.movw(Z, X);
        match self.around {
            None => asm.add_to_pair(Z, to_last),
            Some((place, cells)) => {
                point_at_nibble(asm, place);
                asm.movw(FIRST, X);
                // The last one is once around from there, or here.
                asm.add_to_pair(Z, to_last - cells as i32);
                self.go_around(asm, cells);
            }
        }
        let written = counted(asm, self.count, COUNT, |asm| {
            let even = asm.label();
            asm.movw(X, Z);
            asm.lsr(X.next());
            asm.ror(X);
            asm.load(VALUE, Pointer::X, Mode::Plain);
            asm.branch(Condition::SameOrHigher, even, 0.5);
            asm.times(0.5, |asm| asm.swap(VALUE));
            asm.bind(even);
            asm.andi(VALUE, 0x0F);
            if self.signed {
                asm.skip_if_clear(VALUE, 3);
                asm.ori(VALUE, 0xF0);
            }
            asm.push(VALUE);
            asm.add_to_pair(Z, -(self.stride as i32));
            if let Some((_, cells)) = self.around {
                self.go_around(asm, cells);
            }
        });
        asm.stack_changes(i64::from(self.count) - i64::from(written));
    }

    /// Brings Z back into the ring, where it is before its first place.
    fn go_around(self, asm: &mut Assembly, cells: u32) {
        let within = asm.label();
        asm.cp(Z, FIRST);
        asm.cpc(Z.next(), FIRST.next());
        asm.branch(Condition::SameOrHigher, within, 0.9);
        asm.times(0.1, |asm| asm.add_to_pair(Z, cells as i32));
        asm.bind(within);
    }
}
