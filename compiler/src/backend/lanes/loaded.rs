//! Weights that are loaded at run time: packed rows in SRAM, read byte by byte, with shifts that
//! are known only then.

use super::assembly::Assembly;
use super::frame;
use super::isa::{Condition, InstructionSet, Operation, Roles};
use super::stream::Stream;
use super::strip::add_constant;
use super::sums::Located;
use crate::program::{Accumulator, Program, RuntimeParameters, WeightedSum, packed_row_bytes};

/// The farthest bias that a load reaches on every core.
const MOST_BIAS_BYTE: u32 = 2000;

/// Where the parameters of a sum are: those bytes after the first one of the layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loaded {
    /// The byte after the arena that this is.
    first_byte: u32,
    left: u32,
    right: u32,
    skip: Option<u32>,
    first_bias: u32,
    bias_bytes: u32,
    pub(crate) first_weight: u32,
    pub(crate) weight_bits: u32,
    /// Bytes of a row of weights.
    pub(crate) row_bytes: u32,
    /// Whether the values that are multiplied are two's complement.
    pub(crate) signed_values: bool,
    /// Whether those of the map are that is added.
    pub(crate) signed_joined: bool,
    /// Whether sums have 16 bits.
    is_narrow: bool,
}

impl Loaded {
    /// `None` where loads do not reach all biases.
    pub(crate) fn of(
        program: &Program,
        (sum, place): (&WeightedSum, &RuntimeParameters),
        first_byte: u32,
        [signed_values, signed_joined]: [bool; 2],
    ) -> Option<Self> {
        let loaded = Self {
            first_byte: program.arena_bytes + first_byte,
            left: place.left_byte - first_byte,
            right: place.right_byte - first_byte,
            skip: place.skip_byte.map(|byte| byte - first_byte),
            first_bias: place.first_bias_byte - first_byte,
            bias_bytes: place.bias_bytes,
            first_weight: place.first_weight_byte - first_byte,
            weight_bits: program.weight_bits,
            row_bytes: packed_row_bytes(sum.outputs, program.weight_bits),
            signed_values,
            signed_joined,
            is_narrow: match sum.accumulator {
                Accumulator::I16 => true,
                Accumulator::I32 => false,
            },
        };
        (loaded.first_weight <= MOST_BIAS_BYTE).then_some(loaded)
    }

    /// Keeps the address of the parameters where that of a table would be.
    pub(crate) fn begin(&self, asm: &mut Assembly<'_>, roles: &Roles) {
        asm.emit(Operation::LoadSlot(roles.value, frame::ARENA));
        add_constant(asm, roles.value, self.first_byte.into(), roles.word);
        asm.emit(Operation::StoreSlot(roles.value, frame::BIASES));
    }

    /// Puts an output into the stream, whose own rounding does nothing but keep it within range.
    pub(crate) fn put(
        &self,
        asm: &mut Assembly<'_>,
        stream: &mut Stream<'_>,
        roles: &Roles,
        (place, output, signed): (Located, usize, bool),
        joined: Vec<Operation>,
    ) {
        let sum = self.sum(asm.isa(), roles, (place, output), joined);
        let is_zero = (!signed).then_some((Condition::Negative(roles.value), 0.5));
        let round = |asm: &mut Assembly<'_>| self.round(asm, roles);
        stream.put_unless(asm, (&sum, is_zero), round, false);
    }

    /// What brings `t` of an output into `value`, and, if one is added, `joined` the value of a map
    /// into `multiple`. Changes `base`, which then points at the parameters, `multiple` and `mask`.
    pub(crate) fn sum(
        &self,
        isa: &dyn InstructionSet,
        roles: &Roles,
        (place, output): (Located, usize),
        joined: Vec<Operation>,
    ) -> Vec<Operation> {
        use Operation::{Add, LoadByte, LoadSlot, Or, ShiftLeft, ShiftLeftBy, ShiftRightSigned};
        let Roles {
            base,
            value,
            multiple,
            mask,
            ..
        } = *roles;
        let (load, down) = place.load(isa, value, multiple, true);
        let mut operations: Vec<Operation> = load.into_iter().chain(down).collect();
        operations.extend([
            LoadSlot(base, frame::BIASES),
            LoadByte(multiple, base, self.left),
            ShiftLeftBy(value, multiple),
        ]);
        let last_byte = self.first_bias + (output as u32 + 1) * self.bias_bytes - 1;
        operations.extend([
            LoadByte(multiple, base, last_byte),
            ShiftLeft(multiple, multiple, 24),
        ]);
        // No bias here has more than two bytes.
        if self.bias_bytes == 1 {
            operations.push(ShiftRightSigned(multiple, multiple, 24));
        } else {
            operations.extend([
                ShiftRightSigned(multiple, multiple, 16),
                LoadByte(mask, base, last_byte - 1),
                Or(multiple, mask),
            ]);
        }
        operations.push(Add(value, value, multiple));
        if let Some(skip) = self.skip {
            operations.extend(joined);
            operations.extend([
                LoadSlot(base, frame::BIASES),
                LoadByte(mask, base, skip),
                ShiftLeftBy(multiple, mask),
                Add(value, value, multiple),
            ]);
        }
        if self.is_narrow {
            operations.push(Operation::SignExtend(value, value));
        }
        operations
    }

    /// Makes `rhe(t / 2^right)` of `t`, which is in `value`; `base` points at the parameters. Changes
    /// `base`, `multiple` and `mask`.
    fn round(&self, asm: &mut Assembly<'_>, roles: &Roles) {
        use Operation::{
            Add, AddImmediate, And, Immediate, LoadByte, Move, ShiftLeftBy, ShiftRight,
            ShiftRightBy, ShiftRightSignedBy,
        };
        let Roles {
            base: floor,
            value,
            multiple: right,
            mask: bits,
            ..
        } = *roles;
        let done = asm.label();
        asm.emit(LoadByte(right, floor, self.right));
        asm.branch(Condition::Zero(right), 0.1, done);
        asm.times(0.9, |asm| {
            // The rest, half of a step less 1, and the bit that decides a tie are a step or less
            // than one; `t` and half a step may be more than 31 bits.
            asm.emit_all([
                Move(floor, value),
                ShiftRightSignedBy(floor, right),
                Immediate(bits, 1),
                ShiftLeftBy(bits, right),
                AddImmediate(bits, -1),
                And(value, bits),
                ShiftRight(bits, bits, 1),
                Add(value, value, bits),
                Immediate(bits, 1),
                And(bits, floor),
                Add(value, value, bits),
                ShiftRightBy(value, right),
                Add(value, value, floor),
            ]);
        });
        asm.bind(done);
    }
}
