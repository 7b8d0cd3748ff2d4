//! A projection of a map that is stored whole.

use super::is_in_order;
use super::products::{NIL, Operands, Sums, Values, block_on, table_reader};
use super::projected::ProjectedSums;
use super::saturate::{ROUNDED, to_wide};
use super::weights::WeightReader;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::{Condition, Mode};
use crate::backend::avr::isa::item::Purpose;
use crate::backend::avr::isa::registers::{
    NETWORK, Pointer, R15, R18, R24, Register, X, Y, Z, ZERO,
};
use crate::backend::avr::memory::position::position_in_network;
use crate::program::{Map, Program, Step, WeightedSum};

const BLOCKS: Register = R15;
/// Where values go: a pair.
const TO: Register = R24;
/// As many sums leave a register to count blocks with.
const MOST_OF_A_BLOCK: u32 = 3;

pub(super) struct StoredProjection<'a> {
    sums: ProjectedSums<'a>,
    weights: WeightReader,
    /// Values of the map.
    count: u32,
    /// Where it begins, and where values go, from the network's address on.
    from_byte: u32,
    to_byte: u32,
}

impl<'a> StoredProjection<'a> {
    pub(super) fn of(program: &Program, step: &Step, sum: &'a WeightedSum) -> Option<Self> {
        let map = program.map(step.input);
        let sums = ProjectedSums::of(sum, map.signed)?;
        let to = program.map(step.writes);
        let is_plain = step.stores
            && step.joined.is_empty()
            && map.shape.values() == sum.rows
            && [map, to].into_iter().all(is_in_order)
            && Sums::counts(sum.rows);
        let byte = |map: &Map| {
            let bits = program.activation_bits;
            position_in_network(map.first_cell, bits, false, program.cursor_bytes)
        };
        is_plain.then(|| Self {
            sums,
            weights: table_reader(program.weight_bits),
            count: sum.rows,
            from_byte: byte(map),
            to_byte: byte(to),
        })
    }

    /// Of each block of outputs their biases, then their weights for each value.
    fn table(&self, size: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let outputs = self.sums.outputs as usize;
        let each = self.sums.bytes() as usize;
        for first in (0..outputs).step_by(size as usize) {
            let block = first..first + size as usize;
            for bias in &self.sums.biases[block.clone()] {
                bytes.extend(&bias.to_le_bytes()[..each]);
            }
            let rows = self.sums.rows();
            let weights: Vec<i8> = rows.flat_map(|row| &row[block.clone()]).copied().collect();
            bytes.extend(self.weights.row(&weights));
        }
        bytes
    }

    pub(super) fn emit(&self, asm: &mut Assembly) {
        let size = block_on(asm.core(), self.weights, self.sums.outputs, MOST_OF_A_BLOCK);
        let blocks = self.sums.outputs / size;
        let sums = Sums::new(size as u8, self.sums.bytes() as u8);
        let values = match self.sums.signed {
            true => Values::Signed,
            false => Values::Unsigned,
        };
        let table = asm.near_table(self.table(size));
        asm.movw(Y, NETWORK);
        asm.add_to_pair(Y, self.from_byte as i32);
        asm.add_to_pair(TO, (self.to_byte + 2 * size) as i32);
        asm.ldi_address(Z, (table, 0), 0);
        asm.ldi_address(Z.next(), (table, 0), 1);
        asm.ldi(NIL, 0);
        asm.ldi(R18, blocks as u8);
        asm.mov(BLOCKS, R18);
        let next = asm.here();
        asm.times(blocks.into(), |asm| {
            asm.of(Purpose::MultiplyAccumulate, |asm| {
                for register in (0..sums.outputs).flat_map(|output| sums.registers(output)) {
                    asm.lpm_near(register);
                }
                asm.movw(X, Y);
                let operands =
                    Operands::in_a_row(values).of_weights(self.sums.weights, self.weights);
                sums.add(asm, operands, self.count);
            });
            asm.movw(X, TO);
            for output in (0..sums.outputs).rev() {
                asm.of(Purpose::Requantise, |asm| {
                    let to = ROUNDED.run(sums.bytes);
                    for (to, from) in to.zip(sums.registers(output)) {
                        asm.mov(to, from);
                    }
                    let [low, high] = to_wide(asm, sums.bytes.into(), self.sums.right);
                    asm.store(Pointer::X, Mode::PreDecrement, high);
                    asm.store(Pointer::X, Mode::PreDecrement, low);
                });
            }
            asm.add_to_pair(TO, 2 * size as i32);
            asm.dec(BLOCKS);
            asm.loop_back(Condition::NotEqual, next, blocks.into());
        });
        asm.clr(ZERO);
        asm.ret();
    }
}
