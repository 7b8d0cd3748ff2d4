//! A dense layer whose sums are results, of states.

use super::dense_steps::{DenseSteps, StepWeights};
use super::loaded_dense::LoadedDense;
use super::products::{NIL, Operands, Sums, block_on, table_reader};
use super::taken_byte;
use super::weights::WeightReader;
use crate::backend::avr::arithmetic::wide::shift_up;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{Condition, Mode};
use crate::backend::avr::isa::registers::{
    NETWORK, Pointer, R18, R22, R24, Register, X, Y, Z, ZERO,
};
use crate::network::Element;
use crate::program::{ConstantParameters, Finish, Program, Stage, SumParameters, WeightedSum};

const BLOCKS: Register = R22;
const BIAS: Register = R18;
/// Where sums go: a pair.
const TO: Register = R24;

/// What it reads, and its sums.
#[derive(Clone, Copy)]
pub(super) struct DensePlace {
    /// Where the states of a step are, from the network's address on.
    pub(super) from_byte: u32,
    /// Where the sums are kept.
    pub(super) to_byte: u32,
    pub(super) outputs: u32,
    /// States of a step.
    pub(super) rows: u32,
    pub(super) steps: u32,
    /// Bytes of a sum that is kept.
    pub(super) bytes: u8,
}

pub(super) enum WideDense<'a> {
    /// Of one step, with weights of that many bits in the code.
    OneStep(OneStep<'a>),
    Steps(DenseSteps<'a>),
}

impl<'a> WideDense<'a> {
    pub(super) fn of(program: &Program, stage: &Stage, sum: &'a WeightedSum) -> Option<Self> {
        let kept = stage.plan.sums()?;
        let steps = stage.plan.input.height;
        let place = DensePlace {
            from_byte: taken_byte(program, stage, 1)?,
            to_byte: program.cursor_bytes + kept.first_byte,
            outputs: sum.outputs,
            rows: sum.rows / steps,
            steps,
            bytes: kept.bytes_each as u8,
        };
        let is_plain = sum.reads == Element::Wide
            && sum.finish == Finish::Exact
            && Sums::counts(place.rows)
            && !sum.adds
            && stage.plan.takes
            && stage.plan.joined.is_empty()
            && stage.plan.input.width == 1
            && steps < 0x100
            && kept.count == sum.outputs
            && sum.outputs < 0x100;
        is_plain.then_some(())?;
        let bits = program.weight_bits;
        match &sum.parameters {
            SumParameters::Constant(constants) => {
                let weights = StepWeights::Constant(constants, bits);
                let code = DenseSteps { place, weights };
                (constants.left < 32 && code.spans()).then_some(match steps {
                    1 => Self::OneStep(OneStep {
                        place,
                        constants,
                        weight_bits: bits,
                    }),
                    _ => Self::Steps(code),
                })
            }
            SumParameters::Runtime(layout) => {
                let weights = StepWeights::Loaded(LoadedDense::of(program, *layout));
                let holds = u32::from(place.bytes) == layout.bias_bytes;
                holds.then_some(Self::Steps(DenseSteps { place, weights }))
            }
        }
    }

    pub(super) fn emit(&self, asm: &mut Assembly) {
        match self {
            Self::OneStep(code) => code.emit(asm),
            Self::Steps(code) => code.emit(asm),
        }
    }
}

pub(super) struct OneStep<'a> {
    place: DensePlace,
    constants: &'a ConstantParameters,
    weight_bits: u32,
}

impl OneStep<'_> {
    /// Bytes of a sum while it is made, which products of 16 bits add to.
    fn sum_bytes(&self) -> u8 {
        self.place.bytes.max(3)
    }

    /// Of each block of outputs their weights for each value, then their biases.
    fn table(&self, size: u32, reader: WeightReader) -> Vec<u8> {
        let constants = self.constants;
        let outputs = self.place.outputs as usize;
        let mut bytes = Vec::new();
        for first in (0..outputs).step_by(size as usize) {
            let block = first..first + size as usize;
            let rows = constants.weights.chunks(outputs);
            let weights: Vec<i8> = rows.flat_map(|row| &row[block.clone()]).copied().collect();
            bytes.extend(reader.row(&weights));
            for bias in &constants.biases[block] {
                bytes.extend(&bias.to_le_bytes()[..self.sum_bytes().into()]);
            }
        }
        bytes
    }

    fn emit(&self, asm: &mut Assembly) {
        let DensePlace {
            from_byte,
            to_byte,
            outputs,
            rows,
            ..
        } = self.place;
        let constants = self.constants;
        let reader = table_reader(self.weight_bits);
        let size = block_on(asm.core(), reader, outputs, 4);
        let operands = Operands::STATES.of_weights(&constants.weights, reader);
        let blocks = outputs / size;
        let sums = Sums::new(size as u8, self.sum_bytes());
        let table = asm.near_table(self.table(size, reader));
        asm.movw(Y, NETWORK);
        asm.add_to_pair(Y, from_byte as i32);
        asm.add_to_pair(TO, to_byte as i32);
        asm.ldi_address(Z, (table, 0), 0);
        asm.ldi_address(Z.next(), (table, 0), 1);
        asm.ldi(NIL, 0);
        asm.ldi(BLOCKS, blocks as u8);
        let next = asm.here();
        asm.times(blocks.into(), |asm| {
            for register in (0..sums.outputs).flat_map(|output| sums.registers(output)) {
                asm.mov(register, NIL);
            }
            asm.movw(X, Y);
            sums.add(asm, operands, rows);
            for output in 0..sums.outputs {
                let sum = sums.registers(output);
                for _ in 0..constants.left {
                    shift_up(asm, &sum);
                }
                for (byte, &register) in sum.iter().enumerate() {
                    asm.lpm_near(BIAS);
                    match byte {
                        0 => asm.add(register, BIAS),
                        _ => asm.adc(register, BIAS),
                    }
                }
            }
            asm.movw(X, TO);
            for output in 0..sums.outputs {
                let kept = sums.registers(output).into_iter();
                for register in kept.take(self.place.bytes.into()) {
                    asm.store(Pointer::X, Mode::PostIncrement, register);
                }
            }
            asm.movw(TO, X);
            asm.dec(BLOCKS);
            asm.loop_back(Condition::NotEqual, next, blocks.into());
        });
        asm.clr(ZERO);
        asm.ret();
    }
}
