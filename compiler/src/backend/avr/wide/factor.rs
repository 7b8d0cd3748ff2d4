//! The first of the two factors of a matrix: its products, as values of 16 bits on the stack.

use super::products::{NIL, Operands, Sums, block_on};
use super::saturate::{ROUNDED, to_wide};
use super::weights::WeightReader;
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::Condition;
use crate::backend::avr::isa::loops::counted;
use crate::backend::avr::isa::registers::{R18, R19, R24, Register, Z};

const BLOCKS: Register = R24;
/// As many sums leave r14 and r15, where the address of values may be.
const MOST_OF_A_BLOCK: u32 = 3;

pub(super) struct Factor<'a> {
    /// A row a product.
    weights: &'a [i8],
    columns: u32,
    /// Bits that products are shifted down by.
    shift: u8,
    /// Bytes of a sum.
    bytes: u8,
}

impl<'a> Factor<'a> {
    /// Of values of that size at the most. `None` where sums pass 32 bits.
    pub(super) fn of(
        (weights, shift): &'a (Vec<i8>, u8),
        columns: u32,
        most_value: i64,
    ) -> Option<Self> {
        let bytes = sum_bytes(largest(weights, columns, most_value))?;
        Some(Self {
            weights,
            columns,
            shift: *shift,
            bytes,
        })
    }

    pub(super) fn rank(&self) -> u32 {
        self.weights.len() as u32 / self.columns
    }

    /// The rows of the last block first, its weights for each value beside one another.
    fn table(&self, size: u32, reader: WeightReader) -> Vec<u8> {
        let columns = self.columns as usize;
        let blocks = self.weights.chunks(size as usize * columns).rev();
        let of_block = |block: &[i8]| {
            let by_column = (0..columns).flat_map(|column| {
                let rows = block.chunks(columns);
                rows.map(move |row| row[column])
            });
            reader.row(&by_column.collect::<Vec<i8>>())
        };
        blocks.flat_map(of_block).collect()
    }

    /// Pushes the products, so that the first one has the lowest address; `point_at` lets X be
    /// where the values are.
    pub(super) fn push(
        &self,
        asm: &mut Assembly,
        operands: Operands,
        point_at: impl Fn(&mut Assembly),
    ) {
        let reader = operands.weights;
        let size = block_on(asm.core(), reader, self.rank(), MOST_OF_A_BLOCK);
        let operands = operands.of_weights(self.weights, reader);
        let blocks = self.rank() / size;
        let sums = Sums::new(size as u8, self.bytes);
        let table = asm.near_table(self.table(size, reader));
        asm.ldi_address(Z, (table, 0), 0);
        asm.ldi_address(Z.next(), (table, 0), 1);
        asm.ldi(BLOCKS, blocks as u8);
        let next = asm.here();
        asm.times(blocks.into(), |asm| {
            for register in (0..sums.outputs).flat_map(|output| sums.registers(output)) {
                asm.mov(register, NIL);
            }
            point_at(asm);
            sums.add(asm, operands, self.columns);
            for output in (0..sums.outputs).rev() {
                let to = ROUNDED.run(sums.bytes);
                for (to, from) in to.zip(sums.registers(output)) {
                    asm.mov(to, from);
                }
                let [low, high] = to_wide(asm, sums.bytes.into(), self.shift.into());
                asm.push(high);
                asm.push(low);
            }
            asm.dec(BLOCKS);
            asm.loop_back(Condition::NotEqual, next, blocks.into());
        });
        asm.stack_changes((2 * (self.rank() - size)).into());
    }
}

/// Takes `bytes` bytes off the stack.
pub(super) fn drop_pushed(asm: &mut Assembly, bytes: u32) {
    let written = counted(asm, bytes, R19, |asm| asm.pop(R18));
    asm.stack_changes(i64::from(written) - i64::from(bytes));
}

/// The most that a row adds up to, of values of that size at the most.
pub(super) fn largest(weights: &[i8], columns: u32, most_value: i64) -> i64 {
    let rows = weights.chunks(columns as usize);
    let sums = rows.map(|row| row.iter().map(|&it| i64::from(it).abs()).sum::<i64>());
    sums.max().unwrap_or(0) * most_value
}

/// Bytes of a sum of that size at the most, three or four.
pub(super) fn sum_bytes(most: i64) -> Option<u8> {
    match most {
        0..0x80_0000 => Some(3),
        0x80_0000..0x8000_0000 => Some(4),
        _ => None,
    }
}
