//! Sums that take the values of their own channel alone. Each weight is used once, and is taken
//! out of its word as it is.

use super::pieces::{for_each_pass, for_each_piece};
use super::pixel::{Block, PixelSums};
use super::{frame, rescale};
use crate::backend::lanes::assembly::Assembly;
use crate::backend::lanes::isa::{InstructionSet, Operation, Register, Roles};
use crate::backend::lanes::product;

/// Weights of a word.
const PER_WORD: u32 = 4;
/// Sums that are computed at once at most.
const MOST_SUMS: u32 = 8;

/// Registers of sums.
fn registers(isa: &dyn InstructionSet) -> Vec<Register> {
    let Roles { low, high, .. } = isa.roles();
    // Of those that are only added to, a product without a multiplier takes two.
    let mut registers = match isa.multiplies() {
        true => [low, high].concat(),
        false => [&low, &high[2..]].concat(),
    };
    registers.truncate(MOST_SUMS as usize);
    registers
}

/// The blocks that outputs are computed in.
pub(super) fn blocks(isa: &dyn InstructionSet, outputs: u32) -> Vec<Block> {
    Block::all(outputs, registers(isa).len() as u32)
}

/// The words of a block.
pub(super) fn words(sums: &PixelSums, block: Block) -> Vec<u32> {
    let mut words = Vec::new();
    for pass in block.passes() {
        let outputs: Vec<u32> = pass.collect();
        for row in 0..sums.rows() {
            words.extend(outputs.chunks(PER_WORD as usize).map(|outputs| {
                let weights = outputs.iter().rev().map(|&it| sums.weight(row, it));
                weights.fold(0, |word, weight| word << 8 | u32::from(weight as u8))
            }));
        }
    }
    words
}

/// Before the first block.
pub(super) fn begin(asm: &mut Assembly<'_>) {
    let value = asm.isa().roles().value;
    asm.emit(Operation::Immediate(value, 0));
    asm.emit(Operation::StoreSlot(value, frame::CHANNEL));
}

/// Emits a block. Where products take no multiplier values are `x + 128`, else `x`.
pub(super) fn emit(asm: &mut Assembly<'_>, sums: &PixelSums, block: Block) {
    let Roles {
        base: source,
        value,
        multiple: scratch,
        mask: weights,
        ..
    } = asm.isa().roles();
    let registers = registers(asm.isa());
    let registers = &registers[..block.each as usize];
    for_each_pass(asm, block, |asm| {
        asm.emit(Operation::LoadSlot(weights, frame::WEIGHTS));
        asm.emit(Operation::Immediate(value, 0));
        for &sum in registers {
            asm.emit(Operation::Move(sum, value));
        }
        for_each_piece(asm, sums, |asm| {
            asm.emit(Operation::LoadSlot(scratch, frame::CHANNEL));
            asm.emit(Operation::Add(source, source, scratch));
            add_values(asm, registers);
        });
        asm.emit(Operation::StoreSlot(weights, frame::WEIGHTS));
        asm.emit(Operation::LoadSlot(value, frame::CHANNEL));
        asm.emit(Operation::AddImmediate(value, block.each as i32));
        asm.emit(Operation::StoreSlot(value, frame::CHANNEL));
        for (place, &sum) in (0..).zip(registers) {
            asm.emit(Operation::Move(value, sum));
            asm.emit(Operation::StoreSlot(value, frame::SUMS + 4 * place));
        }
        rescale::emit(asm, &sums.scales, block.each);
    });
}

/// What the sums of an output start with is less than the scales say, where values are `x`.
pub(super) fn start(isa: &dyn InstructionSet, sums: &PixelSums, output: u32) -> i32 {
    let start = sums.scales.start(output as usize);
    if !isa.multiplies() {
        return start;
    }
    let weights = (0..sums.rows()).map(|row| sums.weight(row, output));
    start.wrapping_sub(128 * weights.sum::<i32>())
}

/// Adds the values of a piece, which `base` points at.
fn add_values(asm: &mut Assembly<'_>, registers: &[Register]) {
    let Roles {
        base: source,
        word,
        value,
        multiple: weight,
        mask: weights,
        ..
    } = asm.isa().roles();
    for (place, &sum) in (0..).zip(registers) {
        let in_word = place % PER_WORD;
        if in_word == 0 {
            asm.emit(Operation::Load(word, weights, place));
        }
        match in_word {
            3 => asm.emit(Operation::ShiftRightSigned(weight, word, 24)),
            _ => {
                let up = 24 - 8 * in_word;
                asm.emit(Operation::ShiftLeft(weight, word, up as u8));
                asm.emit(Operation::ShiftRightSigned(weight, weight, 24));
            }
        }
        asm.emit(Operation::LoadSignedByte(value, source, place));
        if !asm.isa().multiplies() {
            asm.emit(Operation::AddImmediate(value, 128));
        }
        product::add_product(asm, sum, (value, weight));
    }
    let words = (registers.len() as u32).div_ceil(PER_WORD);
    asm.emit(Operation::AddImmediate(weights, (4 * words) as i32));
}
