//! Sums that all take every value, their weights in a table.
//!
//! Four weights are a word, each plus 128. Of the words shifted down by none, one, two and three
//! bytes each is multiplied by the value, and added to a sum of its own, so that no field is taken
//! out of its word: what the fields above have added goes in the end, and so do 128 times the total
//! of all values. All of it is linear modulo 2³².

use super::pieces::{count_down, for_each_pass, for_each_piece};
use super::pixel::{Block, PixelSums};
use super::{frame, rescale};
use crate::backend::lanes::assembly::Assembly;
use crate::backend::lanes::isa::{Condition, InstructionSet, Operation, Register, Roles};

/// Weights of a word.
const PER_WORD: usize = 4;
/// Values of a piece that have code of their own.
const VALUES_OF_A_GROUP: u32 = 4;
/// Sums that are computed at once at most.
const MOST_SUMS: u32 = 16;

/// What a pass keeps in registers.
struct Registers {
    /// Points at the next value.
    source: Register,
    /// Points at its weights.
    weights: Register,
    value: Register,
    word: Register,
    scratch: Register,
    /// Of all values.
    total: Register,
    sums: Vec<Register>,
    /// Words that are doubled, on a core that does not multiply.
    doubled: Vec<Register>,
}

impl Registers {
    fn of(isa: &dyn InstructionSet) -> Self {
        let Roles {
            base,
            word,
            value,
            multiple,
            mask,
            low,
            mut high,
        } = isa.roles();
        let mut doubled = Vec::new();
        let (total, sums) = if isa.multiplies() {
            high.splice(0..0, low);
            let total = high.pop();
            high.truncate(MOST_SUMS as usize);
            (total, high)
        } else {
            doubled = vec![multiple];
            doubled.extend(low);
            let total = high.pop();
            doubled.truncate(PER_WORD);
            high.truncate(PER_WORD);
            (total, high)
        };
        Self {
            source: base,
            weights: mask,
            value,
            word,
            scratch: multiple,
            total: total.unwrap_or(value),
            sums,
            doubled,
        }
    }
}

/// The blocks that outputs are computed in.
pub(super) fn blocks(isa: &dyn InstructionSet, outputs: u32) -> Vec<Block> {
    Block::all(outputs, Registers::of(isa).sums.len() as u32)
}

/// The words of a block.
pub(super) fn words(sums: &PixelSums, block: Block) -> Vec<u32> {
    let field = |row: u32, output: u32| (sums.weight(row, output) + 128) as u32;
    let mut words = Vec::new();
    for pass in block.passes() {
        let outputs: Vec<u32> = pass.collect();
        for row in 0..sums.rows() {
            words.extend(outputs.chunks(PER_WORD).map(|outputs| {
                let fields = outputs.iter().rev();
                fields.fold(0, |word, &output| word << 8 | field(row, output))
            }));
        }
    }
    words
}

/// Emits a block.
pub(super) fn emit(asm: &mut Assembly<'_>, sums: &PixelSums, block: Block, zero: f64) {
    let registers = Registers::of(asm.isa());
    for_each_pass(asm, block, |asm| {
        registers.begin(asm, block);
        for_each_piece(asm, sums, |asm| {
            registers.add_values(asm, (sums.values_of_piece, block.each), zero);
        });
        registers.end(asm, block);
        rescale::emit(asm, &sums.scales, block.each);
    });
}

impl Registers {
    fn begin(&self, asm: &mut Assembly<'_>, block: Block) {
        asm.emit(Operation::LoadSlot(self.weights, frame::WEIGHTS));
        asm.emit(Operation::Immediate(self.value, 0));
        for &sum in self.sums[..block.each as usize].iter().chain([&self.total]) {
            asm.emit(Operation::Move(sum, self.value));
        }
    }

    /// Adds the values of a piece, which `source` points at.
    fn add_values(&self, asm: &mut Assembly<'_>, (values, sums): (u32, u32), zero: f64) {
        let of_a_group = match asm.isa().multiplies() {
            true => VALUES_OF_A_GROUP,
            false => 1,
        };
        let row_bytes = 4 * sums.div_ceil(PER_WORD as u32);
        let of_group = |asm: &mut Assembly<'_>, count: u32| {
            for place in 0..count {
                self.add_value(asm, (place, place * row_bytes), sums as usize, zero);
            }
            asm.emit(Operation::AddImmediate(
                self.weights,
                (count * row_bytes) as i32,
            ));
        };
        let (groups, rest) = (values / of_a_group, values % of_a_group);
        if groups > 0 {
            count_down(asm, (frame::GROUPS, groups), |asm| {
                of_group(asm, of_a_group);
                if groups > 1 || rest > 0 {
                    asm.emit(Operation::AddImmediate(self.source, of_a_group as i32));
                }
            });
        }
        if rest > 0 {
            of_group(asm, rest);
        }
    }

    /// Adds the value `place` bytes from here, whose weights are that many bytes from here.
    fn add_value(
        &self,
        asm: &mut Assembly<'_>,
        (place, weights_byte): (u32, u32),
        sums: usize,
        zero: f64,
    ) {
        let value = self.value;
        let is_zero = asm.label();
        asm.emit(Operation::LoadSignedByte(value, self.source, place));
        asm.emit(Operation::AddImmediate(value, 128));
        asm.branch(Condition::Zero(value), zero, is_zero);
        asm.times(1.0 - zero, |asm| {
            asm.emit(Operation::Add(self.total, self.total, value));
            for (word, sums) in (0..).zip(self.sums[..sums].chunks(PER_WORD)) {
                let word_byte = weights_byte + 4 * word;
                match asm.isa().multiplies() {
                    true => self.multiply(asm, word_byte, sums),
                    false => self.double(asm, word_byte, sums),
                }
            }
        });
        asm.bind(is_zero);
    }

    fn multiply(&self, asm: &mut Assembly<'_>, word_byte: u32, sums: &[Register]) {
        let (word, scratch) = (self.word, self.scratch);
        asm.emit(Operation::Load(word, self.weights, word_byte));
        for (place, &sum) in (0..).zip(sums).skip(1) {
            asm.emit(Operation::ShiftRight(scratch, word, 8 * place));
            asm.emit(Operation::Multiply(scratch, self.value));
            asm.emit(Operation::Add(sum, sum, scratch));
        }
        asm.emit(Operation::Multiply(word, self.value));
        asm.emit(Operation::Add(sums[0], sums[0], word));
    }

    /// One bit of the value after the other.
    fn double(&self, asm: &mut Assembly<'_>, word_byte: u32, sums: &[Register]) {
        let (value, bit) = (self.value, self.word);
        let doubled = &self.doubled[..sums.len()];
        asm.emit(Operation::Load(doubled[0], self.weights, word_byte));
        for (place, &word) in (0..).zip(doubled).skip(1) {
            asm.emit(Operation::ShiftRight(word, doubled[0], 8 * place));
        }
        let done = asm.label();
        for value_bit in 0..8 {
            let is_last = value_bit == 7;
            let is_zero = asm.label();
            // Where the last bit is reached, it is set.
            if !is_last {
                asm.emit(Operation::ShiftLeft(bit, value, 31));
                asm.branch(Condition::Zero(bit), 0.5, is_zero);
            }
            asm.times(if is_last { 1.0 } else { 0.5 }, |asm| {
                for (&sum, &word) in sums.iter().zip(doubled) {
                    asm.emit(Operation::Add(sum, sum, word));
                }
            });
            asm.bind(is_zero);
            if !is_last {
                asm.emit(Operation::ShiftRight(value, value, 1));
                asm.branch(Condition::Zero(value), 1.0 / 8.0, done);
                for &word in doubled {
                    asm.emit(Operation::Add(word, word, word));
                }
            }
        }
        asm.bind(done);
    }

    /// After the last value: puts into the frame what the sums should be.
    fn end(&self, asm: &mut Assembly<'_>, block: Block) {
        asm.emit(Operation::StoreSlot(self.weights, frame::WEIGHTS));
        let (value, of_total, above) = (self.value, self.word, self.scratch);
        asm.emit(Operation::Move(of_total, self.total));
        asm.emit(Operation::ShiftLeft(of_total, of_total, 7));
        let mut slot = frame::SUMS;
        for sums in self.sums[..block.each as usize].chunks(PER_WORD) {
            for (place, &sum) in sums.iter().enumerate() {
                asm.emit(Operation::Move(value, sum));
                asm.emit(Operation::Subtract(value, value, of_total));
                if let Some(&next) = sums.get(place + 1) {
                    asm.emit(Operation::Move(above, next));
                    asm.emit(Operation::ShiftLeft(above, above, 8));
                    asm.emit(Operation::Subtract(value, value, above));
                }
                asm.emit(Operation::StoreSlot(value, slot));
                slot += 4;
            }
        }
    }
}
