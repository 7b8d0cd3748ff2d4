//! A step of a recurrent cell whose parameters are loaded with the network, where
//! `program/recurrent.rs` says: a unit after the other, with sums of 32 bits.
//!
//! `pre` of each unit, of 24 bits, waits on the stack for the gates, which go from the last unit to
//! the first.

use super::factor::drop_pushed;
use super::loaded::{ROUNDED, round_half_up, to_24_bits, to_wide};
use super::loaded_mixing::LoadedMixing;
use super::products::{NIL, Operands, Sums};
use super::step_input::{StepInput, StepValues};
use super::tangent::Gates;
use super::weights::{Memory, ParameterPlace, WeightReader};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{Condition, Mode};
use crate::backend::avr::isa::ports::stack_pointer;
use crate::backend::avr::isa::registers::{
    Pointer, R6, R8, R10, R12, R14, R18, R19, R22, R24, Register, X, Y, Z,
};
use crate::program::{FactorsLayout, Program, Recurrence};

/// Where the next rows are, of the input's matrix and the states', and the next bias: pairs.
const INPUT_ROW: Register = R6;
const STATE_ROW: Register = R8;
const BIAS: Register = R10;
/// What the input adds up to, while states are added up.
const OF_INPUT: [Register; 4] = [R12, R12.next(), R24, R24.next()];
/// Where the products of first factors are: a pair.
const PRODUCTS: Register = R14;
const COUNT: Register = R22;
const BYTE: Register = R18;
const SHIFT: [Register; 2] = [R18, R19];

const SUM: Sums = Sums::new(1, 4);

/// A cell.
pub(super) struct LoadedStep<'a> {
    it: &'a Recurrence,
    input: StepInput,
    /// From the network's address on: the parameters, and the states.
    first_byte: u32,
    states_byte: u32,
    mixing: LoadedMixing<'a>,
}

impl<'a> LoadedStep<'a> {
    /// Of parameters from that byte of those that are loaded on. `unpacks`: whether a step
    /// unpacks its values; `steps`: those over the whole map, and whether more follow.
    pub(super) fn of(
        program: &Program,
        (it, unpacks): (&'a Recurrence, bool),
        first_byte: u32,
        states_byte: u32,
        steps: (u32, bool),
    ) -> Option<Self> {
        let first_byte = program.cursor_bytes + program.arena_bytes + first_byte;
        Some(Self {
            it,
            input: StepInput::of(it, unpacks)?,
            first_byte,
            states_byte,
            mixing: LoadedMixing {
                it,
                first_byte,
                states_byte,
                steps,
            },
        })
    }

    /// Y is the network's address, before and after it.
    pub(super) fn emit(&self, asm: &mut Assembly, from: StepValues, gates: Gates) {
        let (from, mut pushed) = self.input.unpack(asm, from);
        let point_at_states = |asm: &mut Assembly| {
            asm.movw(X, Y);
            asm.add_to_pair(X, self.states_byte as i32);
        };
        let point_at_values = |asm: &mut Assembly| from.point_at(asm);
        let layout = &self.it.layout;
        if layout.input.first.is_some() {
            let of_states =
                self.push_products(asm, &layout.state, Operands::STATES, point_at_states);
            let operands = self.input.operands;
            let of_input = self.push_products(asm, &layout.input, operands, point_at_values);
            stack_pointer(asm, Pointer::X);
            asm.add_to_pair(X, 1);
            asm.movw(PRODUCTS, X);
            let point_at = |bytes: u32| {
                move |asm: &mut Assembly| {
                    asm.movw(X, PRODUCTS);
                    asm.add_to_pair(X, bytes as i32);
                }
            };
            self.units(asm, (Operands::STATES, point_at(0), point_at(of_input)));
            pushed += of_input + of_states;
        } else {
            let reads = (self.input.operands, point_at_values, point_at_states);
            self.units(asm, reads);
        }
        self.mixing.emit(asm, gates);
        drop_pushed(asm, pushed);
    }

    fn point_at(&self, asm: &mut Assembly, byte: u32) {
        ParameterPlace::Sram(self.first_byte).point_at(asm, byte, Y);
    }

    fn reader(&self) -> WeightReader {
        WeightReader::packed(Memory::Sram, self.it.layout.weight_bits)
    }

    /// Pushes the products of a first factor, so that the first one has the lowest address; how many
    /// bytes.
    fn push_products(
        &self,
        asm: &mut Assembly,
        layout: &FactorsLayout,
        operands: Operands,
        point_at: impl Fn(&mut Assembly),
    ) -> u32 {
        let Some((matrix, shift_byte)) = layout.first else {
            return 0;
        };
        let last_byte = matrix.first_byte + (matrix.rows - 1) * matrix.row_bytes;
        self.point_at(asm, last_byte);
        asm.ldi(COUNT, matrix.rows as u8);
        let next = asm.here();
        asm.times(matrix.rows.into(), |asm| {
            self.clear(asm);
            point_at(asm);
            SUM.add(asm, operands.read_by(self.reader()), matrix.columns);
            asm.movw(INPUT_ROW, Z);
            self.round(asm, shift_byte);
            let [low, high] = to_wide(asm);
            asm.push(high);
            asm.push(low);
            asm.movw(Z, INPUT_ROW);
            asm.add_to_pair(Z, -2 * matrix.row_bytes as i32);
            asm.dec(COUNT);
            asm.loop_back(Condition::NotEqual, next, matrix.rows.into());
        });
        asm.stack_changes((2 * (matrix.rows - 1)).into());
        2 * matrix.rows
    }

    fn clear(&self, asm: &mut Assembly) {
        for register in ROUNDED {
            asm.mov(register, NIL);
        }
    }

    /// Shifts the sum down by as many bits as that byte says. Changes Z.
    fn round(&self, asm: &mut Assembly, shift_byte: u32) {
        let [count, out] = SHIFT;
        self.point_at(asm, shift_byte);
        asm.load(count, Pointer::Z, Mode::Plain);
        round_half_up(asm, ROUNDED, (count, out));
    }

    /// Pushes `pre` of each unit, of what X is brought to: what the input's matrix reads, and what
    /// the states' does.
    fn units(
        &self,
        asm: &mut Assembly,
        (operands, point_at_input, point_at_states): (
            Operands,
            impl Fn(&mut Assembly),
            impl Fn(&mut Assembly),
        ),
    ) {
        let layout = &self.it.layout;
        let hidden = self.it.kind.hidden;
        let places = [
            (INPUT_ROW, layout.input.last.first_byte),
            (STATE_ROW, layout.state.last.first_byte),
            (BIAS, layout.input_bias_byte),
        ];
        for (pair, byte) in places {
            self.point_at(asm, byte);
            asm.movw(pair, Z);
        }
        asm.ldi(COUNT, hidden as u8);
        let next = asm.here();
        asm.times(hidden.into(), |asm| {
            self.clear(asm);
            point_at_input(asm);
            asm.movw(Z, INPUT_ROW);
            let operands = operands.read_by(self.reader());
            SUM.add(asm, operands, layout.input.last.columns);
            asm.movw(INPUT_ROW, Z);
            asm.movw(Z, BIAS);
            for (index, register) in ROUNDED.into_iter().enumerate() {
                asm.load(BYTE, Pointer::Z, Mode::PostIncrement);
                match index {
                    0 => asm.add(register, BYTE),
                    _ => asm.adc(register, BYTE),
                }
            }
            asm.movw(BIAS, Z);
            self.round(asm, layout.input.shift_byte);
            asm.movw(OF_INPUT[0], ROUNDED[0]);
            asm.movw(OF_INPUT[2], ROUNDED[2]);
            self.clear(asm);
            point_at_states(asm);
            asm.movw(Z, STATE_ROW);
            let operands = Operands::STATES.read_by(self.reader());
            SUM.add(asm, operands, layout.state.last.columns);
            asm.movw(STATE_ROW, Z);
            self.round(asm, layout.state.shift_byte);
            for (index, (to, what)) in ROUNDED.into_iter().zip(OF_INPUT).enumerate() {
                match index {
                    0 => asm.add(to, what),
                    _ => asm.adc(to, what),
                }
            }
            to_24_bits(asm);
            for &register in ROUNDED[..3].iter().rev() {
                asm.push(register);
            }
            asm.dec(COUNT);
            match hidden {
                1 => {}
                _ => asm.loop_back(Condition::NotEqual, next, hidden.into()),
            }
        });
        asm.stack_changes((3 * (hidden - 1)).into());
    }
}
