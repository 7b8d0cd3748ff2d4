//! A maximum over sums of a convolution, before they are rounded: the largest of some sums
//! rounds to the largest of their activations.

use super::assembly::Assembly;
use super::convolution::{Emitter, Pass};
use super::frame;
use super::isa::{Condition, Operation, Register, Roles};
use super::strip::add_constant;

impl Emitter<'_> {
    /// The largest sums of a window, into the frame; at least 0, unless activations may be
    /// negative.
    pub(crate) fn pool(&self, asm: &mut Assembly<'_>, pass: &Pass, table_byte: u32) {
        let Self { layer, strip, .. } = self;
        let Some(pooled) = layer.pooled else { return };
        let value = self.roles.value;
        let least = if layer.signed_outputs { i32::MIN } else { 0 };
        asm.emit(Operation::Immediate(value, least));
        for output in pass.outputs() {
            asm.emit(Operation::StoreSlot(value, maximum(output)));
        }
        asm.emit(Operation::Immediate(value, pooled.rows as i32));
        asm.emit(Operation::StoreSlot(value, frame::POOLED_ROWS));
        asm.emit(Operation::LoadSlot(value, frame::FIELD));
        asm.emit(Operation::StoreSlot(value, frame::POOLED_FIELD));
        // What is computed at once is next to one another.
        let steps = pooled.columns / layer.lanes;
        let next = asm.here();
        asm.times(pooled.rows.into(), |asm| {
            if steps > 1 {
                asm.emit(Operation::Immediate(value, steps as i32));
                asm.emit(Operation::StoreSlot(value, frame::POOLED_COLUMNS));
            }
            let next_column = asm.here();
            let column = i64::from(layer.stride.1 * 4 * strip.words);
            asm.times(steps.into(), |asm| {
                self.accumulate(asm, pass, table_byte, frame::POOLED_FIELD);
                self.keep_largest(asm, pass);
                if steps > 1 {
                    self.advance_field(asm, column);
                    self.count_down(asm, frame::POOLED_COLUMNS, steps, next_column);
                }
            });
            let row = i64::from(layer.stride.0 * strip.row_bytes());
            let back = if steps > 1 {
                i64::from(steps) * column
            } else {
                0
            };
            self.advance_field(asm, row - back);
            self.count_down(asm, frame::POOLED_ROWS, pooled.rows, next);
        });
    }

    fn advance_field(&self, asm: &mut Assembly<'_>, bytes: i64) {
        let (value, word) = (self.roles.value, self.roles.word);
        asm.emit(Operation::LoadSlot(value, frame::POOLED_FIELD));
        add_constant(asm, value, bytes, word);
        asm.emit(Operation::StoreSlot(value, frame::POOLED_FIELD));
    }

    /// Compares the sums with the largest ones so far.
    fn keep_largest(&self, asm: &mut Assembly<'_>, pass: &Pass) {
        let Roles {
            value,
            word,
            multiple,
            ..
        } = *self.roles;
        // The one in `word` first, which the others need.
        let mut outputs: Vec<usize> = pass.outputs().collect();
        outputs.sort_by_key(|&output| pass.place(output, None).register != word);
        for output in outputs {
            let is_smaller = asm.label();
            if self.layer.lanes == 2 {
                self.larger_of_pair(asm, pass, output);
            } else {
                let (load, down) = pass.place(output, None).load(value, multiple, true);
                asm.emit_all(load.into_iter().chain(down));
            }
            asm.emit(Operation::LoadSlot(word, maximum(output)));
            asm.branch(Condition::Less(value, word), 0.6, is_smaller);
            asm.emit(Operation::StoreSlot(value, maximum(output)));
            asm.bind(is_smaller);
        }
    }

    /// `value` ← the larger one of the sums of two pixels.
    fn larger_of_pair(&self, asm: &mut Assembly<'_>, pass: &Pass, output: usize) {
        let Roles {
            value,
            word,
            multiple,
            ..
        } = *self.roles;
        let place = pass.place(output, None);
        let sum: Register = match place.is_low {
            true => place.register,
            false => {
                asm.emit(Operation::Move(multiple, place.register));
                multiple
            }
        };
        let left_is_larger = asm.label();
        asm.emit(Operation::SignExtend(value, sum));
        asm.emit(Operation::Subtract(word, sum, value));
        asm.emit(Operation::ShiftRightSigned(word, word, 16));
        asm.branch(Condition::Less(word, value), 0.5, left_is_larger);
        asm.emit(Operation::Move(value, word));
        asm.bind(left_is_larger);
    }
}

/// Where the largest sum of an output is.
fn maximum(output: usize) -> u32 {
    frame::STRIP + 4 * output as u32
}
