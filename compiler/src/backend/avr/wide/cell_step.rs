//! What of a step of a recurrent cell comes before its gates: `pre` of each unit, a few at once,
//! which is kept where the states of the next step have room.

use super::factor::{Factor, drop_pushed, largest, sum_bytes};
use super::mixing::MostState;
use super::offset::OffsetStates;
use super::products::{NIL, Operands, Sums, block_on, shifted_down, table_reader};
use super::step_input::{StepInput, StepValues};
use super::weights::WeightReader;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{Condition, Mode};
use crate::backend::avr::isa::ports::stack_pointer;
use crate::backend::avr::isa::registers::{
    Pointer, R14, R18, R19, R20, R22, R24, Register, X, Y, Z,
};
use crate::network::{Element, Gate};
use crate::program::Recurrence;
use crate::weights::CellParameters;

const BLOCKS: Register = R22;
/// Where `pre` goes: a pair.
const TO: Register = R24;
/// The bytes of a constant.
const CONSTANT: [Register; 3] = [R18, R19, R20];
/// Where the products of first factors are: a pair.
const PRODUCTS: Register = R14;
const MOST_24_BITS: i64 = (1 << 23) - 1;
const MOST_WIDE: i64 = 1 << 15;

/// Units at once, where their sums may have all registers, and where r14 to r17 are kept.
const MOST_UNITS: u32 = 4;
const MOST_UNITS_BESIDE: u32 = 3;

/// A cell.
pub(super) struct CellStep<'a> {
    pub(super) parameters: &'a CellParameters,
    hidden: u32,
    input: StepInput,
    /// How the weights of the only or last matrix of the input are read, and those of the states.
    weights: [WeightReader; 2],
    /// How those of first factors are.
    first_weights: WeightReader,
    /// The first factors of the input's matrix and of the states'.
    factors: Option<[Factor<'a>; 2]>,
    /// From the network's address on: the states, and what is made of them.
    pub(super) states_byte: u32,
    pub(super) made_byte: u32,
    /// Bytes of the sums of the input and of the states.
    input_sum_bytes: u8,
    state_sum_bytes: u8,
    /// What states are kept within, where they go on after an input's last row or their bound does
    /// not fit 16 bits.
    pub(super) most_state: Option<MostState>,
    /// What `pre` is kept within: beyond it, it changes no gate and no update.
    pre: [i32; 2],
}

impl<'a> CellStep<'a> {
    /// `unpacks`: whether it unpacks its values; `steps`: those over the whole map, and whether more
    /// follow. `None` where sums are wider than what is written here.
    pub(super) fn of(
        (it, unpacks): (&Recurrence, bool),
        parameters: &'a CellParameters,
        (states_byte, made_byte): (u32, u32),
        (steps, goes_on): (u32, bool),
    ) -> Option<Self> {
        let cell = parameters;
        let hidden = it.kind.hidden;
        (cell.input.shift < 24 && cell.state.shift < 24).then_some(())?;
        let gate = it.kind.gate;
        let pre = kept_pre(gate, cell)?;
        let most_value = match (it.reads, it.signed) {
            (Element::Wide, _) => MOST_WIDE,
            (Element::Activation, true) => 128,
            (Element::Activation, false) => 255,
        };
        let count = it.step_values();
        let most_state = i64::from(cell.most_state(gate, steps));
        let factors = match (&cell.input.first, &cell.state.first) {
            (Some(input), Some(state)) => Some([
                Factor::of(input, count, most_value)?,
                Factor::of(state, hidden, most_state)?,
            ]),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return None,
        };
        let [input, state] = match &factors {
            None => [(count, most_value), (hidden, most_state)],
            Some(factors) => [0, 1].map(|index| (factors[index].rank(), MOST_WIDE)),
        };
        let biases = cell.input_bias.iter();
        let bias = biases.map(|&it| i64::from(it).abs()).max()?;
        let half = |shift: u8| 1i64 << shift >> 1;
        let input = largest(&cell.input.weight, input.0, input.1) + bias + half(cell.input.shift);
        let state = largest(&cell.state.weight, state.0, state.1) + half(cell.state.shift);
        let most_pre = (input >> cell.input.shift) + (state >> cell.state.shift) + 2;
        // One step further, before it is kept within.
        let made = cell.state_bound(gate, steps + u32::from(goes_on));
        let made_fits = made <= i16::MAX.into();
        let is_kept = match gate {
            Gate::Hard | Gate::Sigmoid => made_fits.then_some(goes_on)?,
            Gate::Tanh => goes_on || !made_fits,
        };
        let step_input = StepInput::of(it, unpacks)?;
        let columns = match &factors {
            None => [(count, step_input.value_bytes()), (hidden, 2)],
            Some(factors) => [0, 1].map(|index| (factors[index].rank(), 2)),
        };
        let table = table_reader(it.layout.weight_bits);
        let lists = (
            table.as_lists(&cell.input.weight, columns[0]),
            table.as_lists(&cell.state.weight, columns[1]),
        );
        // A unit after the other is not worth it for one of them.
        let weights = match lists {
            (Some(input), Some(state)) => [input, state],
            (_, _) => [table; 2],
        };
        (most_pre <= MOST_24_BITS).then_some(Self {
            parameters,
            hidden,
            input: step_input,
            weights,
            first_weights: table,
            states_byte,
            made_byte,
            most_state: is_kept.then(|| MostState {
                most: cell.most_state(gate, steps),
                is_of_24_bits: !made_fits,
            }),
            factors,
            input_sum_bytes: sum_bytes(input)?,
            state_sum_bytes: sum_bytes(state)?,
            pre,
        })
    }

    /// Columns of the only or last matrix of the input, and of the states.
    fn columns(&self) -> [u32; 2] {
        match &self.factors {
            None => [self.input.count, self.hidden],
            Some(factors) => [0, 1].map(|index| factors[index].rank()),
        }
    }

    /// Of each block of units: what their input's sums begin with, their weights for each value,
    /// and for each state.
    fn table(&self, size: u32, offset: Option<OffsetStates>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let cell = self.parameters;
        let half = 1i32 << cell.input.shift >> 1;
        for first in (0..self.hidden).step_by(size as usize) {
            let block = first..first + size;
            for unit in block.clone() {
                let begin = cell.input_bias[unit as usize] + half;
                bytes.extend(&begin.to_le_bytes()[..self.input_sum_bytes.into()]);
            }
            let [of_input, of_states] = self.columns();
            let by_column = |weights: &[i8], columns: u32| {
                let places = (0..columns).flat_map(|column| {
                    let units = block.clone();
                    units.map(move |unit| unit * columns + column)
                });
                let weights = places.map(|place| weights[place as usize]);
                weights.collect::<Vec<i8>>()
            };
            let of_input = by_column(&cell.input.weight, of_input);
            bytes.extend(self.weights[0].row(&of_input));
            let by_state = by_column(&cell.state.weight, of_states);
            match offset {
                None => bytes.extend(self.weights[1].row(&by_state)),
                Some(_) => {
                    let half = 1i32 << cell.state.shift >> 1;
                    let units = cell.state.weight.chunks(of_states as usize);
                    for weights in units.skip(first as usize).take(size as usize) {
                        let begin = OffsetStates::begin(weights, half).to_le_bytes();
                        bytes.extend(&begin[..self.state_sum_bytes.into()]);
                    }
                    bytes.extend(by_state.into_iter().map(OffsetStates::weight));
                }
            }
        }
        bytes
    }

    /// `pre` of each unit, Y being the network's address, before and after it.
    pub(super) fn sums(&self, asm: &mut Assembly, from: StepValues) {
        let (from, pushed) = self.input.unpack(asm, from);
        self.sums_of(asm, from);
        drop_pushed(asm, pushed);
    }

    fn sums_of(&self, asm: &mut Assembly, from: StepValues) {
        let point_at_values = |asm: &mut Assembly| from.point_at(asm);
        let point_at_states = |asm: &mut Assembly| {
            asm.movw(X, Y);
            asm.add_to_pair(X, self.states_byte as i32);
        };
        let Some([of_input, of_states]) = &self.factors else {
            let most_units = match from {
                StepValues::Place(_) | StepValues::Pushed(_) => MOST_UNITS,
                StepValues::At(_) => MOST_UNITS_BESIDE,
            };
            let reads = (self.input.operands, point_at_values, point_at_states);
            let bytes = (self.states_byte, self.made_byte);
            let units = Sums::new(
                block_on(asm.core(), self.weights[0], self.hidden, most_units) as u8,
                self.state_sum_bytes,
            );
            let offset = OffsetStates::of(self.hidden, units, bytes);
            let offset = offset.filter(|_| asm.core().multiplies);
            self.blocks(asm, (most_units, offset), reads);
            return;
        };
        of_states.push(
            asm,
            Operands::STATES.read_by(self.first_weights),
            point_at_states,
        );
        of_input.push(
            asm,
            self.input.operands.read_by(self.first_weights),
            point_at_values,
        );
        stack_pointer(asm, Pointer::X);
        asm.add_to_pair(X, 1);
        asm.movw(PRODUCTS, X);
        let input_bytes = 2 * of_input.rank();
        let point_at = |bytes: u32| {
            move |asm: &mut Assembly| {
                asm.movw(X, PRODUCTS);
                asm.add_to_pair(X, bytes as i32);
            }
        };
        let reads = (Operands::STATES, point_at(0), point_at(input_bytes));
        self.blocks(asm, (MOST_UNITS_BESIDE, None), reads);
        drop_pushed(asm, input_bytes + 2 * of_states.rank());
    }

    /// The same, of what X is brought to: what the input's matrix reads, and what the states' does.
    fn blocks(
        &self,
        asm: &mut Assembly,
        (most_units, offset): (u32, Option<OffsetStates>),
        (operands, point_at_input, point_at_states): (
            Operands,
            impl Fn(&mut Assembly),
            impl Fn(&mut Assembly),
        ),
    ) {
        let size = block_on(asm.core(), self.weights[0], self.hidden, most_units);
        let table = asm.near_table(self.table(size, offset));
        let [input_columns, state_columns] = self.columns();
        let blocks = self.hidden / size;
        let of_input = Sums::new(size as u8, self.input_sum_bytes);
        let of_states = Sums::new(size as u8, self.state_sum_bytes);
        if let Some(offset) = offset {
            offset.prepare(asm);
        }
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
            point_at_input(asm);
            let operands = operands.of_weights(&self.parameters.input.weight, self.weights[0]);
            of_input.add(asm, operands, input_columns);
            for unit in 0..of_input.outputs {
                let shift = self.parameters.input.shift.into();
                for register in shifted_down(asm, &of_input.registers(unit), shift) {
                    asm.push(register);
                }
            }
            let operands = match offset {
                None => {
                    self.begin_states(asm, of_states);
                    Operands::STATES
                }
                Some(offset) => {
                    offset.begin_sums(asm, of_states);
                    Operands::OFFSET_STATES
                }
            };
            point_at_states(asm);
            let operands = operands.of_weights(&self.parameters.state.weight, self.weights[1]);
            of_states.add(asm, operands, state_columns);
            asm.movw(X, TO);
            for unit in (0..of_states.outputs).rev() {
                let shift = self.parameters.state.shift.into();
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
        let half = (1u32 << self.parameters.state.shift >> 1).to_le_bytes();
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
        let [least, most] = self.pre;
        let ends = [(most, Condition::Less), (least, Condition::GreaterOrEqual)];
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
}

/// Where every gate and every update is at one of its ends, and from where on they are at the other.
/// `None` where what is added to a number in between does not fit 16 bits. Gates that are not hard
/// are made of 16 bits.
fn kept_pre(gate: Gate, cell: &CellParameters) -> Option<[i32; 2]> {
    match gate {
        Gate::Hard => {}
        Gate::Sigmoid | Gate::Tanh => return Some([i16::MIN.into(), i16::MAX.into()]),
    }
    let one = 1i32 << cell.fraction;
    let ends = |biases: &[i16]| {
        let least = biases.iter().min()?;
        let most = biases.iter().max()?;
        Some([i32::from(*least), i32::from(*most)])
    };
    let (gates, updates) = (ends(&cell.gate_bias)?, ends(&cell.update_bias)?);
    let least = -one - gates[1].max(updates[1]);
    let most = one - gates[0].min(updates[0]);
    // What rounds the gate's half is added with its 1.
    let sums = [
        least,
        least + gates[0],
        least + updates[0],
        most,
        gates[1] + one + 1,
        most + gates[1] + one + 1,
        most + updates[1],
    ];
    let fits = sums.iter().all(|&sum| i16::try_from(sum).is_ok());
    fits.then_some([least, most])
}
