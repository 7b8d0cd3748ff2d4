//! A step of a recurrent cell with hard gates over a row of 8-bit values.
//!
//! First `pre` of each unit, a few units at once, which is kept where the states of the next step
//! have room; then the new state of each unit over the old one (`mixing.rs`).

use super::mixing::{Mixing, clamp};
use super::products::{NIL, Sums, Values, block, shifted_down};
use super::ring_byte;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{Condition, Mode};
use crate::backend::avr::isa::loops::counted;
use crate::backend::avr::isa::registers::{
    NETWORK, Pointer, R18, R19, R20, R21, R22, R24, ROW, Register, X, Y, Z, ZERO,
};
use crate::network::{Element, Feed, Gate, Sequence};
use crate::plan::Sink;
use crate::program::{Program, Recurrence, Stage};
use crate::weights::CellParameters;

const BLOCKS: Register = R22;
/// Where `pre` goes: a pair.
const TO: Register = R24;
/// The bytes of a constant.
const CONSTANT: [Register; 3] = [R18, R19, R20];
/// A state that is handed on, and what it is kept within: pairs.
const STATE: [Register; 2] = [R20, R21];
const MOST: Register = R24;
const LEAST: Register = R22;
const MOST_24_BITS: i64 = (1 << 23) - 1;

pub(super) struct CellCode<'a> {
    cell: &'a CellParameters,
    hidden: u32,
    values: u32,
    steps: u32,
    signed_input: bool,
    /// From the network's address on: the row, the states, what is made of them, and where the
    /// last ones go.
    row_byte: u32,
    states_byte: u32,
    made_byte: u32,
    to_byte: u32,
    /// Bytes of the states' sums.
    state_sum_bytes: u8,
    /// What `pre` is kept within: beyond it, it changes no gate and no update.
    most_pre: i32,
}

impl<'a> CellCode<'a> {
    pub(super) fn of(program: &Program, stage: &Stage, it: &'a Recurrence) -> Option<Self> {
        let kind = it.kind;
        let [cell] = &it.parameters.constant()?[..] else {
            return None;
        };
        let is_plain = kind.feed == Feed::Rows
            && kind.gate == Gate::Hard
            && kind.sequence == Sequence::Last
            && kind.rank.is_none()
            && it.reads == Element::Activation
            && it.map.height == 1
            && stage.plan.takes
            && stage.plan.joined.is_empty()
            && stage.plan.input.height < 0x100
            && cell.input.shift < 24
            && cell.state.shift < 24;
        is_plain.then_some(())?;
        let steps = stage.plan.input.height;
        let states = stage.plan.states()?;
        let states_byte = program.cursor_bytes + states.first_byte;
        let to_byte = match stage.plan.sink {
            Sink::Ring(ring) if ring.pixels == 1 => program.cursor_bytes + ring.first_cell,
            Sink::Ring(_)
            | Sink::Map { .. }
            | Sink::Windows { .. }
            | Sink::Stays
            | Sink::Results(_) => return None,
        };
        let one = 1i64 << cell.fraction;
        let biases = cell.gate_bias.iter().chain(&cell.update_bias);
        let largest_bias = biases.map(|&bias| i64::from(bias).abs()).max()?;
        let most_pre = one + largest_bias;
        let most_value = if it.signed { 128 } else { 255 };
        let largest = |weights: &[i8], columns: u32, value: i64| {
            let rows = weights.chunks(columns as usize);
            let sums = rows.map(|row| row.iter().map(|&it| i64::from(it).abs()).sum::<i64>());
            sums.max().unwrap_or(0) * value
        };
        let values = it.step_values();
        let bias = cell
            .input_bias
            .iter()
            .map(|&it| i64::from(it).abs())
            .max()?;
        let half = |shift: u8| 1i64 << shift >> 1;
        let input = largest(&cell.input.weight, values, most_value) + bias;
        let state = largest(&cell.state.weight, kind.hidden, cell.state_bound(steps));
        let (input, state) = (
            input + half(cell.input.shift),
            state + half(cell.state.shift),
        );
        let pre = (input >> cell.input.shift) + (state >> cell.state.shift) + 2;
        let fits = input <= MOST_24_BITS
            && pre <= MOST_24_BITS
            && state <= i32::MAX.into()
            // A step beyond the last one is kept within bounds afterwards.
            && cell.state_bound(steps + 1) <= i16::MAX.into()
            && most_pre + largest_bias + one < i16::MAX.into()
            && values <= 0xFF
            && values > 0;
        fits.then_some(Self {
            cell,
            hidden: kind.hidden,
            values,
            steps,
            signed_input: it.signed,
            row_byte: ring_byte(program, stage, it.map.pixels())?,
            states_byte,
            made_byte: states_byte + 2 * kind.hidden,
            to_byte,
            state_sum_bytes: if state <= MOST_24_BITS { 3 } else { 4 },
            most_pre: most_pre as i32,
        })
    }

    /// Of each block of units: what their input's sums begin with, their weights for each value,
    /// and for each state.
    fn table(&self, size: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let half = 1i32 << self.cell.input.shift >> 1;
        for first in (0..self.hidden).step_by(size as usize) {
            let block = first..first + size;
            for unit in block.clone() {
                let begin = self.cell.input_bias[unit as usize] + half;
                bytes.extend(&begin.to_le_bytes()[..3]);
            }
            let matrices = [
                (&self.cell.input.weight, self.values),
                (&self.cell.state.weight, self.hidden),
            ];
            for (weights, columns) in matrices {
                for column in 0..columns {
                    let of_units = block.clone().map(|unit| unit * columns + column);
                    bytes.extend(of_units.map(|index| weights[index as usize] as u8));
                }
            }
        }
        bytes
    }

    pub(super) fn emit(&self, asm: &mut Assembly) {
        let size = block(self.hidden, 4);
        let table = asm.near_table(self.table(size));
        asm.times(self.steps.into(), |asm| {
            asm.push(ROW);
            asm.movw(Y, NETWORK);
            self.begin(asm);
            asm.ldi(NIL, 0);
            self.sums(asm, (size, table));
            let mixing = Mixing {
                cell: self.cell,
                hidden: self.hidden,
                states_byte: self.states_byte,
                made_byte: self.made_byte,
            };
            mixing.emit(asm);
            asm.clr(ZERO);
            self.hand_on(asm);
            asm.ret();
        });
    }

    /// At the first row, states are 0.
    fn begin(&self, asm: &mut Assembly) {
        let begun = asm.label();
        let share = 1.0 / f64::from(self.steps);
        asm.tst(ROW);
        asm.branch(Condition::NotEqual, begun, 1.0 - share);
        asm.times(share, |asm| {
            asm.movw(X, Y);
            asm.add_to_pair(X, self.states_byte as i32);
            counted(asm, 2 * self.hidden, R18, |asm| {
                asm.store(Pointer::X, Mode::PostIncrement, ZERO);
            });
        });
        asm.bind(begun);
    }

    /// `pre` of each unit.
    fn sums(
        &self,
        asm: &mut Assembly,
        (size, table): (u32, crate::backend::avr::isa::instruction::CodeLabel),
    ) {
        let blocks = self.hidden / size;
        let of_input = Sums {
            outputs: size as u8,
            bytes: 3,
        };
        let of_states = Sums {
            outputs: size as u8,
            bytes: self.state_sum_bytes,
        };
        asm.ldi_address(Z, (table, 0), 0);
        asm.ldi_address(Z.next(), (table, 0), 1);
        asm.movw(TO, Y);
        asm.add_to_pair(TO, (self.made_byte + 2 * size) as i32);
        asm.ldi(BLOCKS, blocks as u8);
        let next = asm.here();
        asm.times(blocks.into(), |asm| {
            for unit in 0..of_input.outputs {
                for register in of_input.registers(unit) {
                    asm.lpm_near(register);
                }
            }
            asm.movw(X, Y);
            asm.add_to_pair(X, self.row_byte as i32);
            let values = match self.signed_input {
                true => Values::Signed,
                false => Values::Unsigned,
            };
            of_input.add(asm, values, self.values);
            for unit in 0..of_input.outputs {
                let shift = self.cell.input.shift.into();
                for register in shifted_down(asm, &of_input.registers(unit), shift) {
                    asm.push(register);
                }
            }
            self.begin_states(asm, of_states);
            asm.movw(X, Y);
            asm.add_to_pair(X, self.states_byte as i32);
            of_states.add(asm, Values::Wide, self.hidden);
            asm.movw(X, TO);
            for unit in (0..of_states.outputs).rev() {
                let shift = self.cell.state.shift.into();
                let pre = shifted_down(asm, &of_states.registers(unit), shift);
                for &register in CONSTANT.iter().rev() {
                    asm.pop(register);
                }
                asm.add(pre[0], CONSTANT[0]);
                asm.adc(pre[1], CONSTANT[1]);
                asm.adc(pre[2], CONSTANT[2]);
                self.clamp(asm, &pre);
                asm.store(Pointer::X, Mode::PreDecrement, pre[1]);
                asm.store(Pointer::X, Mode::PreDecrement, pre[0]);
            }
            asm.add_to_pair(TO, 2 * size as i32);
            asm.dec(BLOCKS);
            asm.loop_back(Condition::NotEqual, next, blocks.into());
        });
    }

    /// Lets the states' sums begin with a half of what they are shifted down by.
    fn begin_states(&self, asm: &mut Assembly, sums: Sums) {
        let half = (1u32 << self.cell.state.shift >> 1).to_le_bytes();
        for (byte, &value) in half.iter().enumerate() {
            let registers = (0..sums.outputs).filter_map(|unit| {
                let registers = sums.registers(unit);
                registers.get(byte).copied()
            });
            let registers: Vec<Register> = registers.collect();
            if value != 0 && !registers.is_empty() {
                asm.ldi(CONSTANT[0], value);
            }
            for register in registers {
                match value {
                    0 => asm.mov(register, NIL),
                    _ => asm.mov(register, CONSTANT[0]),
                }
            }
        }
    }

    /// Keeps 24 bits within what matters.
    fn clamp(&self, asm: &mut Assembly, pre: &[Register]) {
        let ends = [
            (self.most_pre, Condition::Less),
            (-self.most_pre, Condition::GreaterOrEqual),
        ];
        for (end, inside) in ends {
            let within = asm.label();
            for (register, byte) in CONSTANT.into_iter().zip(end.to_le_bytes()) {
                asm.ldi(register, byte);
            }
            asm.cp(pre[0], CONSTANT[0]);
            asm.cpc(pre[1], CONSTANT[1]);
            asm.cpc(pre[2], CONSTANT[2]);
            asm.branch(inside, within, 0.9);
            asm.times(0.1, |asm| {
                asm.mov(pre[0], CONSTANT[0]);
                asm.mov(pre[1], CONSTANT[1]);
                asm.mov(pre[2], CONSTANT[2]);
            });
            asm.bind(within);
        }
    }

    /// After the last row, the states go to where they are read. A network that goes on from there
    /// reads each further row as the last one: only here states can pass their bound, within which
    /// they are kept. Y is the network's address.
    fn hand_on(&self, asm: &mut Assembly) {
        let done = asm.label();
        let share = 1.0 / f64::from(self.steps);
        asm.pop(R18);
        asm.cpi(R18, (self.steps - 1) as u8);
        asm.branch(Condition::NotEqual, done, 1.0 - share);
        asm.times(share, |asm| {
            asm.movw(X, Y);
            asm.add_to_pair(X, self.states_byte as i32);
            asm.movw(Z, Y);
            asm.add_to_pair(Z, self.to_byte as i32);
            let most = self.cell.most_state(self.steps);
            for (pair, end) in [(MOST, most), (LEAST, -most)] {
                asm.ldi_pair(pair, end as u16);
            }
            counted(asm, self.hidden, R18, |asm| {
                asm.load(STATE[0], Pointer::X, Mode::PostIncrement);
                asm.load(STATE[1], Pointer::X, Mode::PostIncrement);
                clamp(asm, STATE, (LEAST, LEAST.next()), MOST);
                asm.store(Pointer::X, Mode::PreDecrement, STATE[1]);
                asm.store(Pointer::X, Mode::PreDecrement, STATE[0]);
                asm.add_to_pair(X, 2);
                for register in STATE {
                    asm.store(Pointer::Z, Mode::PostIncrement, register);
                }
            });
        });
        asm.bind(done);
    }
}
