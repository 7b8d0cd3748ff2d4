//! A dense layer that reads states step by step, or whose weights are loaded with the network: the
//! states of a step add to sums that are kept, which become results after the last one.

use super::dense::DensePlace;
use super::loaded_dense::LoadedDense;
use super::multiply::add_multiple;
use super::products::{NIL, Operands, Sums, block_on, table_reader};
use super::weights::{Memory, ParameterPlace};
use crate::backend::avr::arithmetic::wide::shift_up;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{Condition, Mode};
use crate::backend::avr::isa::loops::counted;
use crate::backend::avr::isa::registers::{
    NETWORK, Pointer, R2, R10, R14, R16, R17, R18, ROW, Register, X, Y, ZERO,
};
use crate::program::ConstantParameters;

const BLOCKS: Register = R17;
const BYTE: Register = R18;
/// Where sums are kept: a pair.
const TO: Register = R14;
/// Bits to shift up by that are loaded.
const LEFT: Register = R10;
const COUNT: Register = R16;
/// As many sums leave a register to count blocks with.
const MOST_OF_A_BLOCK: u32 = 3;

pub(super) struct DenseSteps<'a> {
    pub(super) place: DensePlace,
    pub(super) weights: StepWeights<'a>,
}

pub(super) enum StepWeights<'a> {
    /// Of that many bits, in the code.
    Constant(&'a ConstantParameters, u32),
    Loaded(LoadedDense),
}

impl DenseSteps<'_> {
    /// Whether an address reaches all of a table.
    pub(super) fn spans(&self) -> bool {
        match &self.weights {
            StepWeights::Constant(constants, _) => constants.weights.len() <= usize::from(u16::MAX),
            StepWeights::Loaded(_) => true,
        }
    }

    pub(super) fn emit(&self, asm: &mut Assembly) {
        let steps = self.place.steps;
        let last = asm.label();
        asm.times(steps.into(), |asm| {
            self.begin(asm);
            match &self.weights {
                StepWeights::Constant(constants, bits) => self.add(asm, constants, *bits),
                StepWeights::Loaded(loaded) => loaded.add(asm, &self.place),
            }
            if steps > 1 {
                asm.clr(ZERO);
                asm.cpi(ROW, (steps - 1) as u8);
                asm.branch(Condition::Equal, last, 1.0 / f64::from(steps));
                asm.ret();
            }
        });
        asm.bind(last);
        self.finish(asm);
        asm.clr(ZERO);
        asm.ret();
    }

    /// At the first step, sums are 0.
    fn begin(&self, asm: &mut Assembly) {
        let steps = self.place.steps;
        let begun = asm.label();
        let share = 1.0 / f64::from(steps);
        if steps > 1 {
            asm.tst(ROW);
            asm.branch(Condition::NotEqual, begun, 1.0 - share);
        }
        asm.times(share, |asm| {
            asm.movw(X, NETWORK);
            asm.add_to_pair(X, self.place.to_byte as i32);
            let bytes = self.place.outputs * u32::from(self.place.bytes);
            counted(asm, bytes, BYTE, |asm| {
                asm.store(Pointer::X, Mode::PostIncrement, ZERO);
            });
        });
        asm.bind(begun);
    }

    /// Of each step, of each block of outputs their weights for each value.
    fn table(&self, constants: &ConstantParameters, (size, bits): (u32, u32)) -> Vec<u8> {
        let outputs = self.place.outputs as usize;
        let reader = table_reader(bits);
        let rows = self.place.rows as usize * outputs;
        let mut bytes = Vec::new();
        for step in constants.weights.chunks(rows) {
            for first in (0..outputs).step_by(size as usize) {
                let rows = step.chunks(outputs);
                let block = rows.flat_map(|row| &row[first..first + size as usize]);
                bytes.extend(reader.row(&block.copied().collect::<Vec<i8>>()));
            }
        }
        bytes
    }

    /// Adds the products of a step.
    fn add(&self, asm: &mut Assembly, constants: &ConstantParameters, bits: u32) {
        let DensePlace {
            from_byte,
            to_byte,
            outputs,
            rows,
            steps,
            bytes,
        } = self.place;
        let reader = table_reader(bits);
        let size = block_on(asm.core(), reader, outputs, MOST_OF_A_BLOCK);
        let blocks = outputs / size;
        let sums = Sums::new(size as u8, bytes.max(3));
        let table = self.table(constants, (size, bits));
        let step_bytes = table.len() as u32 / steps;
        let table = ParameterPlace::Flash(asm.near_table(table));
        table.point_at(asm, 0, NETWORK);
        if steps > 1 {
            add_multiple(asm, ROW, BYTE, step_bytes);
        }
        asm.ldi(NIL, 0);
        asm.movw(X, NETWORK);
        asm.add_to_pair(X, to_byte as i32);
        asm.movw(TO, X);
        asm.movw(Y, NETWORK);
        asm.add_to_pair(Y, from_byte as i32);
        asm.ldi(BLOCKS, blocks as u8);
        let next = asm.here();
        asm.times(blocks.into(), |asm| {
            asm.movw(X, TO);
            for output in 0..sums.outputs {
                for (index, register) in (0..).zip(sums.registers(output)) {
                    match index < bytes {
                        true => asm.load(register, Pointer::X, Mode::PostIncrement),
                        false => asm.mov(register, NIL),
                    }
                }
            }
            asm.movw(X, Y);
            let operands = Operands::STATES.of_weights(&constants.weights, reader);
            sums.add(asm, operands, rows);
            asm.movw(X, TO);
            for output in 0..sums.outputs {
                for register in sums.registers(output).into_iter().take(bytes.into()) {
                    asm.store(Pointer::X, Mode::PostIncrement, register);
                }
            }
            asm.movw(TO, X);
            asm.dec(BLOCKS);
            asm.loop_back(Condition::NotEqual, next, blocks.into());
        });
    }

    /// Shifts the sums up, and adds the biases.
    fn finish(&self, asm: &mut Assembly) {
        let DensePlace {
            to_byte,
            outputs,
            bytes,
            ..
        } = self.place;
        let memory = match &self.weights {
            StepWeights::Constant(constants, _) => {
                let biases = constants.biases.iter();
                let biases =
                    biases.flat_map(|bias| bias.to_le_bytes().into_iter().take(bytes.into()));
                let table = ParameterPlace::Flash(asm.near_table(biases.collect()));
                table.point_at(asm, 0, NETWORK);
                Memory::Flash
            }
            StepWeights::Loaded(loaded) => {
                loaded.point_at_biases(asm, LEFT);
                Memory::Sram
            }
        };
        let sum: Vec<Register> = R2.run(bytes).collect();
        asm.movw(Y, NETWORK);
        asm.add_to_pair(Y, to_byte as i32);
        counted(asm, outputs, BLOCKS, |asm| {
            for (place, &register) in (0..).zip(&sum) {
                asm.load(register, Pointer::Y, Mode::Displacement(place));
            }
            match &self.weights {
                StepWeights::Constant(constants, _) => {
                    for _ in 0..constants.left {
                        shift_up(asm, &sum);
                    }
                }
                StepWeights::Loaded(_) => shift_up_by(asm, &sum, LEFT),
            }
            for (index, &register) in sum.iter().enumerate() {
                memory.load(asm, BYTE);
                match index {
                    0 => asm.add(register, BYTE),
                    _ => asm.adc(register, BYTE),
                }
            }
            for &register in &sum {
                asm.store(Pointer::Y, Mode::PostIncrement, register);
            }
        });
    }
}

/// Shifts up by as many bits as a register says.
fn shift_up_by(asm: &mut Assembly, sum: &[Register], bits: Register) {
    let shifted = asm.label();
    asm.mov(COUNT, bits);
    let next = asm.here();
    asm.times(2.0, |asm| {
        asm.subi(COUNT, 1);
        asm.branch(Condition::Lower, shifted, 0.5);
    });
    shift_up(asm, sum);
    asm.jump(next);
    asm.bind(shifted);
}
