//! A convolution whose weights are instructions.

use super::assembly::Assembly;
use super::convolution::Emitter;
use super::frame;
use super::isa::{Condition, Operation, Roles};
use super::strip::add_constant;
use super::sums::Sums;
use crate::program::zeros_of_the_rest;

impl Emitter<'_> {
    /// By weights that are instructions.
    pub(super) fn add_all(&self, asm: &mut Assembly<'_>, sums: &Sums, table_byte: u32, field: u32) {
        let Self { layer, strip, .. } = self;
        let value = self.roles.value;
        asm.emit(Operation::LoadSlot(value, frame::BIASES));
        add_constant(asm, value, table_byte.into(), self.roles.word);
        sums.begin(asm);
        if sums.keeps_base {
            asm.emit(Operation::LoadSlot(self.roles.base, field));
        }
        if sums.keeps_mask {
            asm.emit(Operation::LoadSlot(self.roles.mask, frame::MASK));
        }
        let kernel_columns = layer.kernel.1;
        for row in 0..self.rows_of_field() {
            for word in 0..strip.words {
                // Of the frame: the word that its register holds as it is.
                let mut held = None;
                for column in 0..kernel_columns {
                    let tap = row * kernel_columns + column;
                    let channels = word * strip.per_word
                        ..layer.input.channels.min((word + 1) * strip.per_word);
                    let uses = |channel: &u32| {
                        let index = tap * layer.input.channels + channel;
                        sums.uses(self.weights(), index as usize)
                    };
                    // Of offset values, a word is never without others.
                    let is_single = channels.len() == 1 && !layer.signed_inputs;
                    let used: Vec<u32> = channels.filter(uses).collect();
                    if used.is_empty() {
                        continue;
                    }
                    let at = (row, column, word);
                    held = self.load_word(asm, sums, at, (field, is_single, held));
                    self.add_word(asm, sums, tap, &used, is_single);
                }
            }
        }
    }

    /// `word` ← the channels of the pixels that a tap reads, one lane an output; a single
    /// channel goes to `value`. `held` is the offset of the word that the register has
    /// already; gives that of the one that it has then.
    fn load_word(
        &self,
        asm: &mut Assembly<'_>,
        sums: &Sums,
        (row, column, word): (u32, u32, u32),
        (field, is_single, held): (u32, bool, Option<u32>),
    ) -> Option<u32> {
        let Self { layer, strip, .. } = self;
        let word_or_multiple = match sums.keeps_word {
            true => self.roles.word,
            false => self.roles.multiple,
        };
        let (to, other) = match is_single {
            true => (self.roles.value, word_or_multiple),
            false => (word_or_multiple, self.roles.value),
        };
        let offset = |pixel: u32| {
            let group = pixel / layer.lanes;
            row * strip.row_bytes() + 4 * (group * strip.words + word)
        };
        let second = column + layer.stride.1;
        let (lane, second_lane) = (column % 2, second % 2);
        let is_there = layer.lanes == 1 || (lane, second_lane) == (0, 1) && second == column + 1;
        let is_held = held == Some(offset(column));
        let base = match sums.keeps_base {
            true => self.roles.base,
            false => {
                if !(is_held && is_there) {
                    asm.emit(Operation::LoadSlot(other, field));
                }
                other
            }
        };
        if !is_held {
            asm.emit(Operation::Load(to, base, offset(column)));
        }
        if !is_there {
            let mut second_offset = offset(second);
            if base == other && second_offset >= 128 {
                asm.emit(Operation::AddImmediate(base, second_offset as i32));
                second_offset = 0;
            }
            asm.emit(Operation::Load(other, base, second_offset));
            match lane {
                0 => {
                    asm.emit(Operation::ShiftLeft(to, to, 16));
                    asm.emit(Operation::ShiftRight(to, to, 16));
                }
                _ => asm.emit(Operation::ShiftRight(to, to, 16)),
            }
            if second_lane == 1 {
                asm.emit(Operation::ShiftRight(other, other, 16));
            }
            asm.emit(Operation::ShiftLeft(other, other, 16));
            asm.emit(Operation::Or(to, other));
        }
        if !sums.keeps_word && !is_single {
            asm.emit(Operation::StoreSlot(to, frame::WORD));
        }
        let stays = is_there && (is_single || sums.keeps_word);
        stays.then(|| offset(column))
    }

    /// Adds the channels of `word`.
    fn add_word(
        &self,
        asm: &mut Assembly<'_>,
        sums: &Sums,
        tap: u32,
        used: &[u32],
        is_single: bool,
    ) {
        let Self { layer, strip, .. } = self;
        let Roles {
            word,
            value,
            multiple,
            mask,
            ..
        } = *self.roles;
        let loaded = if sums.keeps_word { word } else { multiple };
        let expected_zero = |channel: &u32| {
            layer
                .expectation
                .zero_at_once(*channel as usize, layer.lanes)
        };
        let all_zero = asm.label();
        let mut zeros = 0.0;
        if used.len() > 1 {
            zeros = used.iter().map(expected_zero).product();
            asm.branch(Condition::Zero(loaded), zeros, all_zero);
        }
        asm.times(1.0 - zeros, |asm| {
            for (index, &channel) in used.iter().enumerate() {
                let next = asm.label();
                // Where not all of the word is.
                let zero = zeros_of_the_rest(expected_zero(&channel), zeros);
                let by = (channel % strip.per_word * layer.bits) as u8;
                let is_last = layer.lanes == 1 && u32::from(by) + layer.bits == 32;
                if is_single {
                    // It is there.
                } else if !sums.keeps_word {
                    self.take_from_frame(asm, by, index == 0);
                } else if is_last {
                    asm.emit(Operation::ShiftRight(value, word, by));
                } else if sums.keeps_mask {
                    if by == 0 {
                        asm.emit(Operation::Move(value, mask));
                        asm.emit(Operation::And(value, word));
                    } else {
                        asm.emit(Operation::ShiftRight(value, word, by));
                        asm.emit(Operation::And(value, mask));
                    }
                } else {
                    let shifted = if by == 0 { word } else { multiple };
                    if by > 0 {
                        asm.emit(Operation::ShiftRight(multiple, word, by));
                    }
                    asm.emit(Operation::LoadSlot(value, frame::MASK));
                    asm.emit(Operation::And(value, shifted));
                }
                asm.branch(Condition::Zero(value), zero, next);
                asm.times(1.0 - zero, |asm| {
                    let row = tap * layer.input.channels + channel;
                    let mut multiples = self.multiples.borrow_mut();
                    sums.add(asm, &mut multiples, self.weights(), row as usize);
                });
                asm.bind(next);
            }
        });
        asm.bind(all_zero);
    }

    /// `value` ← a channel of the word in the frame; `is_loaded` says that `multiple` has
    /// the word too.
    fn take_from_frame(&self, asm: &mut Assembly<'_>, by: u8, is_loaded: bool) {
        let Roles {
            value, multiple, ..
        } = *self.roles;
        if is_loaded && by == 0 {
            asm.emit(Operation::LoadSlot(value, frame::MASK));
        } else {
            asm.emit(Operation::LoadSlot(value, frame::WORD));
            asm.emit(Operation::ShiftRight(value, value, by));
            asm.emit(Operation::LoadSlot(multiple, frame::MASK));
        }
        asm.emit(Operation::And(value, multiple));
    }
}
