//! A dense layer whose sums are results, of a single pixel of states.

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

pub(super) struct WideDense<'a> {
    sum: &'a WeightedSum,
    weight_bits: u32,
    parameters: DenseParameters<'a>,
    /// Where the states are, from the network's address on.
    from_byte: u32,
    /// Where the sums are kept.
    to_byte: u32,
    bytes: u8,
}

enum DenseParameters<'a> {
    Constant(&'a ConstantParameters),
    Loaded(LoadedDense),
}

impl<'a> WideDense<'a> {
    pub(super) fn of(program: &Program, stage: &Stage, sum: &'a WeightedSum) -> Option<Self> {
        let parameters = match &sum.parameters {
            SumParameters::Constant(constants) if constants.left < 32 => {
                DenseParameters::Constant(constants)
            }
            SumParameters::Constant(_) => return None,
            SumParameters::Runtime(place) => {
                DenseParameters::Loaded(LoadedDense::of(program, sum, *place))
            }
        };
        let kept = stage.plan.sums()?;
        let is_plain = sum.reads == Element::Wide
            && sum.finish == Finish::Exact
            && Sums::counts(sum.rows)
            && !sum.adds
            && stage.plan.takes
            && stage.plan.joined.is_empty()
            && stage.plan.input.pixels() == 1
            && kept.count == sum.outputs
            && sum.outputs < 0x100;
        is_plain.then_some(())?;
        Some(Self {
            sum,
            weight_bits: program.weight_bits,
            parameters,
            from_byte: taken_byte(program, stage, 1)?,
            to_byte: program.cursor_bytes + kept.first_byte,
            bytes: kept.bytes_each as u8,
        })
    }

    /// Bytes of a sum while it is made, which products of 16 bits add to.
    fn sum_bytes(&self) -> u8 {
        self.bytes.max(3)
    }

    /// Of each block of outputs their weights for each value, then their biases.
    fn table(&self, constants: &ConstantParameters, size: u32, reader: WeightReader) -> Vec<u8> {
        let outputs = self.sum.outputs as usize;
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

    pub(super) fn emit(&self, asm: &mut Assembly) {
        match &self.parameters {
            DenseParameters::Constant(constants) => self.emit_table(asm, constants),
            DenseParameters::Loaded(loaded) => {
                loaded.emit(asm, (self.from_byte, self.to_byte), self.bytes);
            }
        }
    }

    fn emit_table(&self, asm: &mut Assembly, constants: &ConstantParameters) {
        let reader = table_reader(self.weight_bits);
        let size = block_on(asm.core(), reader, self.sum.outputs, 4);
        let operands = Operands::STATES.of_weights(&constants.weights, reader);
        let blocks = self.sum.outputs / size;
        let sums = Sums::new(size as u8, self.sum_bytes());
        let table = asm.near_table(self.table(constants, size, reader));
        asm.movw(Y, NETWORK);
        asm.add_to_pair(Y, self.from_byte as i32);
        asm.add_to_pair(TO, self.to_byte as i32);
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
            sums.add(asm, operands, self.sum.rows);
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
                for register in kept.take(self.bytes.into()) {
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
