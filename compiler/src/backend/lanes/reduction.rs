//! A pooling: the largest value or the total of each channel of a field, some channels at
//! once.

use super::assembly::Assembly;
use super::convolution::Emitter;
use super::frame;
use super::isa::{Condition, Operation, Register, Roles};
use super::layer::{Convolution, Reduction};
use super::strip::{Strip, add_constant};
use super::sums::Located;
use std::ops::Range;

/// Taps up to which each has code of its own.
const MOST_TAPS: u32 = 9;

/// Channels that are reduced at once: some of those of a word.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    pub(crate) outputs: Range<usize>,
    registers: Vec<Register>,
    /// Of a pixel's words, theirs.
    word: u32,
}

impl Pass {
    pub(crate) fn place(&self, output: usize) -> Located {
        Located {
            register: self.registers[output - self.outputs.start],
            is_low: true,
            lane: None,
        }
    }
}

/// All channels.
pub(crate) fn passes(roles: &Roles, layer: &Convolution, strip: &Strip) -> Vec<Pass> {
    let mut registers = roles.low.clone();
    registers.push(roles.mask);
    // Each begins at a byte of a pixel, and ends in its word.
    let per_word = strip.per_word as usize;
    let each = [8, 4, 2].into_iter().find(|it| *it <= registers.len());
    let each = each.unwrap_or(1).min(per_word);
    let all = layer.input.channels as usize;
    let firsts = (0..all).step_by(each);
    firsts
        .map(|first| Pass {
            outputs: first..all.min(first + each),
            registers: registers.clone(),
            word: (first / per_word) as u32,
        })
        .collect()
}

impl Emitter<'_> {
    /// Reduces the field that the pointer in the frame points at.
    pub(crate) fn reduce(&self, asm: &mut Assembly<'_>, pass: &Pass, field: u32) {
        let Self { layer, strip, .. } = self;
        let Roles { base, value, .. } = *self.roles;
        for output in pass.outputs.clone() {
            asm.emit(Operation::Immediate(pass.place(output).register, 0));
        }
        asm.emit(Operation::LoadSlot(base, field));
        add_constant(asm, base, i64::from(4 * pass.word), value);
        let (rows, columns) = layer.kernel;
        let pixel_bytes = 4 * strip.words;
        if rows * columns <= MOST_TAPS {
            for row in 0..rows {
                for column in 0..columns {
                    let offset = column * pixel_bytes;
                    self.reduce_word(asm, pass, offset);
                }
                if row + 1 < rows {
                    add_constant(asm, base, strip.row_bytes().into(), value);
                }
            }
            return;
        }
        self.repeat(asm, rows, frame::KERNEL_ROWS, |asm| {
            self.repeat(asm, columns, frame::KERNEL_WORDS, |asm| {
                self.reduce_word(asm, pass, 0);
                add_constant(asm, base, pixel_bytes.into(), value);
            });
            let gap = i64::from(strip.row_bytes()) - i64::from(columns * pixel_bytes);
            add_constant(asm, base, gap, value);
        });
    }

    /// Takes the channels of a word in.
    fn reduce_word(&self, asm: &mut Assembly<'_>, pass: &Pass, offset: u32) {
        let Self { layer, strip, .. } = self;
        let Roles {
            base, word, value, ..
        } = *self.roles;
        asm.emit(Operation::Load(word, base, offset));
        for output in pass.outputs.clone() {
            let sum = pass.place(output).register;
            let by = output as u32 % strip.per_word * layer.bits;
            let above = 32 - layer.bits - by;
            let mut from = word;
            if above > 0 {
                asm.emit(Operation::ShiftLeft(value, word, above as u8));
                from = value;
            }
            asm.emit(Operation::ShiftRight(value, from, (32 - layer.bits) as u8));
            match layer.reduction {
                Reduction::Maximum => {
                    let is_smaller = asm.label();
                    asm.branch(Condition::Less(value, sum), 0.5, is_smaller);
                    asm.emit(Operation::Move(sum, value));
                    asm.bind(is_smaller);
                }
                Reduction::Total { .. } | Reduction::Weighted => {
                    asm.emit(Operation::Add(sum, sum, value));
                }
            }
        }
    }
}
