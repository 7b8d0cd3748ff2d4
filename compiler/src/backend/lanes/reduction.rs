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
    /// Of a pixel's words, theirs, and which of its channels the first one is.
    word: u32,
    place: u32,
    /// The joined map that has them, if not the running one.
    joined: Option<usize>,
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

/// All channels, those of joined maps after those of the running one.
pub(crate) fn passes(roles: &Roles, layer: &Convolution, strip: &Strip) -> Vec<Pass> {
    let joined = (0..).zip(&layer.joined);
    let joined = joined.map(|(index, map)| (Some(index), map.input.channels));
    let mut first = 0;
    let maps = [(None, layer.input.channels)].into_iter().chain(joined);
    let passes = maps.flat_map(|(joined, channels)| {
        let passes = passes_of(roles, strip, (joined, first, channels as usize));
        first += channels as usize;
        passes
    });
    passes.collect()
}

/// Those of a map, whose channels are the outputs from the first one on.
fn passes_of(
    roles: &Roles,
    strip: &Strip,
    (joined, first_output, channels): (Option<usize>, usize, usize),
) -> Vec<Pass> {
    let mut registers = roles.low.clone();
    registers.push(roles.mask);
    // Each begins at a byte of a pixel, and ends in its word.
    let per_word = strip.per_word as usize;
    let each = [8, 4, 2].into_iter().find(|it| *it <= registers.len());
    let each = each.unwrap_or(1).min(per_word);
    let firsts = (0..channels).step_by(each);
    firsts
        .map(|first| Pass {
            outputs: first_output + first..first_output + channels.min(first + each),
            registers: registers.clone(),
            word: (first / per_word) as u32,
            place: (first % per_word) as u32,
            joined,
        })
        .collect()
}

impl Emitter<'_> {
    /// Reduces the field that the pointer in the frame points at.
    pub(crate) fn reduce(&self, asm: &mut Assembly<'_>, pass: &Pass, field: u32) {
        let Self { layer, strip, .. } = self;
        let Roles {
            base, word, value, ..
        } = *self.roles;
        let field = pass
            .joined
            .map_or(field, |index| self.joined[index].field_slot);
        asm.emit(Operation::LoadSlot(base, field));
        add_constant(asm, base, i64::from(4 * pass.word), value);
        let (rows, columns) = layer.kernel;
        if rows * columns == 1 {
            asm.emit(Operation::Load(word, base, 0));
            for output in pass.outputs.clone() {
                self.take_channel(asm, pass, (pass.place(output).register, output));
            }
            return;
        }
        for output in pass.outputs.clone() {
            asm.emit(Operation::Immediate(pass.place(output).register, 0));
        }
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
        let Self { layer, roles, .. } = self;
        let Roles {
            base, word, value, ..
        } = **roles;
        asm.emit(Operation::Load(word, base, offset));
        for output in pass.outputs.clone() {
            let sum = pass.place(output).register;
            self.take_channel(asm, pass, (value, output));
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

    /// `to` ← the channel of the word that becomes that output.
    fn take_channel(&self, asm: &mut Assembly<'_>, pass: &Pass, (to, output): (Register, usize)) {
        let (word, bits) = (self.roles.word, self.layer.bits);
        let by = (pass.place + (output - pass.outputs.start) as u32) * bits;
        let above = 32 - bits - by;
        let mut from = word;
        if above > 0 {
            asm.emit(Operation::ShiftLeft(to, word, above as u8));
            from = to;
        }
        asm.emit(Operation::ShiftRight(to, from, (32 - bits) as u8));
    }
}
