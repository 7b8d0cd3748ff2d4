//! Windows two columns wide, a row of which is computed at once: the larger one of both sums is
//! rounded, and the activations of a row are compared with those of the rows above, eight at once.
//!
//! Sums are offset by 2^14: none is negative, so that each lane is what it says, and none looks
//! negative as the upper half of a register.

use super::assembly::Assembly;
use super::convolution::Emitter;
use super::frame;
use super::grid_rows::{row_index, zero_if_multiple};
use super::isa::{Condition, Operation, Roles};
use super::layer::{Convolution, Reduction};
use super::pass::Pass;
use super::stage::StoredWindows;
use super::stream::Stream;

/// What makes two sums be non-negative.
const OFFSET: i32 = 1 << 14;

/// Activations of a word, and the most channels whose bytes a store reaches from one address.
const OF_WORD: usize = 8;
const MOST_CHANNELS: u32 = 64;

/// The fields of a word that are the lower ones of their bytes, and the bits above these.
const LOWER: u32 = 0x0F0F_0F0F;
const ABOVE: u32 = 0x1010_1010;

impl Convolution {
    /// The windows, where their sums are those of pairs and are compared as activations.
    pub(crate) fn paired_windows(&self) -> Option<StoredWindows> {
        let windows = self.windows()?;
        let pooled = self.pooled?;
        let is_pair = (pooled.rows, pooled.columns, self.lanes) == (1, 2, 2);
        let is_plain = self.reduction == Reduction::Weighted
            && self.pointwise.is_none()
            && !self.signed_outputs
            && self.bits == 4;
        let begins_at_bytes =
            self.output.pixel_cells.is_multiple_of(2) && self.output.channels <= MOST_CHANNELS;
        let fits = |output: usize| {
            let (least, largest) = self.weights.range(output, self.bits);
            least >= -i64::from(OFFSET) && largest < OFFSET.into()
        };
        let fits_all = (0..self.weights.outputs).all(fits);
        (is_pair && is_plain && begins_at_bytes && fits_all).then_some(windows)
    }

    /// What a sum of both columns of a window begins with.
    pub(crate) fn bias_of_window(&self, output: usize) -> u32 {
        ((self.weights.biases[output] + OFFSET) as u32).wrapping_mul(0x0001_0001)
    }
}

impl Emitter<'_> {
    /// Looks once for a row of windows whether it is their first one.
    pub(crate) fn begin_paired_windows(&self, asm: &mut Assembly<'_>, windows: &StoredWindows) {
        if windows.rows == 1 {
            return;
        }
        let value = self.roles.value;
        row_index(asm, self.roles, windows.timing);
        zero_if_multiple(asm, self.roles, windows.rows);
        asm.emit(Operation::StoreSlot(value, frame::ROW_OF_WINDOW));
    }

    /// Rounds the larger sum of each output, and stores what is the largest activation so far.
    pub(crate) fn store_largest(
        &self,
        asm: &mut Assembly<'_>,
        pass: &Pass,
        windows: &StoredWindows,
    ) {
        let outputs = pass.outputs();
        let words: Vec<u32> = (outputs.clone().step_by(OF_WORD))
            .map(|output| self.maximum(output))
            .collect();
        self.round_largest(asm, pass, words[0]);
        let Roles {
            word, value, base, ..
        } = *self.roles;
        asm.emit(Operation::LoadSlot(base, frame::OUTPUT));
        let bytes_before = outputs.start as u32 / 2;
        let bytes = outputs.len().div_ceil(2) as u32;
        let bytes_of =
            |index: u32| bytes_before + 4 * index..bytes_before + bytes.min(4 * index + 4);
        if windows.rows > 1 {
            let is_first = asm.label();
            let share = 1.0 / f64::from(windows.rows);
            asm.emit(Operation::LoadSlot(value, frame::ROW_OF_WINDOW));
            asm.branch(Condition::Zero(value), share, is_first);
            asm.times(1.0 - share, |asm| {
                let [lower, above] = [self.roles.low[1], self.roles.low[2]];
                asm.emit(Operation::Immediate(lower, LOWER as i32));
                asm.emit(Operation::Immediate(above, ABOVE as i32));
                for (index, &slot) in (0..).zip(&words) {
                    self.load_bytes(asm, bytes_of(index));
                    asm.emit(Operation::LoadSlot(word, slot));
                    self.largest_of_words(asm);
                    asm.emit(Operation::StoreSlot(word, slot));
                }
            });
            asm.bind(is_first);
        }
        for (index, &slot) in (0..).zip(&words) {
            asm.emit(Operation::LoadSlot(word, slot));
            let bytes = bytes_of(index);
            let first = bytes.start;
            for byte in bytes {
                if byte > first {
                    asm.emit(Operation::ShiftRight(word, word, 8));
                }
                asm.emit(Operation::StoreByte(word, base, byte));
            }
        }
    }

    /// The activations of the larger sums, as words of the frame from the slot on.
    fn round_largest(&self, asm: &mut Assembly<'_>, pass: &Pass, first_slot: u32) {
        let layer = self.layer;
        let Roles {
            word,
            value,
            multiple,
            base,
            mask,
            ..
        } = *self.roles;
        // These registers are needed; the slot of an output is free when its word is complete.
        let needed = [word, base, mask];
        let waits = |output: usize| needed.contains(&pass.place(output, None).register);
        for output in pass.outputs().filter(|&output| waits(output)) {
            let register = pass.place(output, None).register;
            asm.emit(Operation::StoreSlot(register, self.maximum(output)));
        }
        asm.emit(Operation::Immediate(base, OFFSET << 16));
        // Of a sum that is not negative.
        asm.emit(Operation::Immediate(mask, OFFSET << 16 | OFFSET));
        let mut stream = Stream::in_frame(asm, self.roles, layer.rounding(), first_slot);
        for output in pass.outputs() {
            let place = pass.place(output, None);
            let sum = match (waits(output), place.is_low) {
                (true, _) => {
                    asm.emit(Operation::LoadSlot(multiple, self.maximum(output)));
                    multiple
                }
                (false, true) => place.register,
                (false, false) => {
                    asm.emit(Operation::Move(multiple, place.register));
                    multiple
                }
            };
            let load = [Operation::Move(value, sum), Operation::And(value, mask)];
            let expected = layer.expectation_of_outputs.as_ref();
            let zero = expected.map_or(0.25, |it| it.zero_at_once(output, 2));
            let is_zero = Some((Condition::Zero(value), zero));
            let larger = |asm: &mut Assembly<'_>| {
                // What is below the upper half decides nothing.
                let zero_if_multiple = asm.label();
                asm.emit(Operation::ShiftLeft(value, sum, 16));
                asm.branch(Condition::Less(sum, value), 0.5, zero_if_multiple);
                asm.times(0.5, |asm| asm.emit(Operation::Move(value, sum)));
                asm.bind(zero_if_multiple);
                asm.emit(Operation::Subtract(value, value, base));
                asm.emit(Operation::ShiftRight(value, value, 16));
            };
            let ties = layer.weights.ties[output];
            stream.put_unless(asm, (&load, is_zero), larger, ties);
        }
        stream.end(asm);
    }

    /// `value` ← bytes from `base` on.
    fn load_bytes(&self, asm: &mut Assembly<'_>, bytes: std::ops::Range<u32>) {
        let Roles {
            value,
            multiple,
            base,
            ..
        } = *self.roles;
        for (place, byte) in bytes.enumerate() {
            let to = if place == 0 { value } else { multiple };
            asm.emit(Operation::LoadByte(to, base, byte));
            if place > 0 {
                asm.emit(Operation::ShiftLeft(to, to, 8 * place as u8));
                asm.emit(Operation::Or(value, to));
            }
        }
    }

    /// Each field of four bits of `word` ← the larger one of it and of that of `value`.
    fn largest_of_words(&self, asm: &mut Assembly<'_>) {
        use Operation::{And, Move, Or, ShiftLeft, ShiftRight, Subtract, Xor};
        let Roles {
            word,
            value,
            multiple,
            mask,
            ref low,
            ..
        } = *self.roles;
        let [scratch, lower, above] = [low[0], low[1], low[2]];
        // The bit above a field stays where nothing is taken from it; less than itself it is a
        // mask of the field.
        let compare = [
            And(multiple, lower),
            Or(multiple, above),
            And(scratch, lower),
            Subtract(multiple, multiple, scratch),
            And(multiple, above),
            ShiftRight(scratch, multiple, 4),
            Subtract(multiple, multiple, scratch),
        ];
        asm.emit_all([Move(multiple, value), Move(scratch, word)]);
        asm.emit_all(compare);
        asm.emit(Move(mask, multiple));
        asm.emit_all([ShiftRight(multiple, value, 4), ShiftRight(scratch, word, 4)]);
        asm.emit_all(compare);
        asm.emit_all([
            ShiftLeft(multiple, multiple, 4),
            Or(mask, multiple),
            Xor(value, word),
            And(value, mask),
            Xor(word, value),
        ]);
    }
}
