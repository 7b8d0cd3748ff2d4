//! From the sums of two pixels to words of their activations, both lanes at once.
//!
//! Sums are offset by 2^15, so that none is negative and each lane is what it says. They begin
//! with what rounding adds, too; the bit that decides a tie is the same as before where it
//! matters, for whatever is at most half a step was not carried on.

use super::assembly::{Assembly, Label};
use super::convolution::Emitter;
use super::frame;
use super::isa::{Condition, Operation, Register, Roles};
use super::layer::{Convolution, Reduction};
use super::pairs::PairedRows;
use super::pass::Pass;

/// 1 in each lane.
const ONES: u32 = 0x0001_0001;

/// What makes two sums be non-negative.
const OFFSET: i32 = 1 << 15;

/// How the sums of two pixels become activations at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PairRounding {
    pub(crate) right: u8,
    pub(crate) bits: u32,
    /// Bits of both lanes that are those of an activation that is too large; none if no sum is.
    pub(crate) too_large: u32,
}

impl Convolution {
    /// Whether [`Self::rounding_of_pairs`] is right: no lane is carried into another.
    pub(crate) fn rounds_pairs(&self) -> bool {
        self.rounding_of_pairs().is_some()
    }

    /// Of sums in two lanes which become activations that are not negative.
    pub(crate) fn rounding_of_pairs(&self) -> Option<PairRounding> {
        if self.lanes != 2 || self.signed_outputs || self.reduction != Reduction::Weighted {
            return None;
        }
        // Those of a map that is added are not among what sums are proven to be here.
        if !self.joined.is_empty() {
            return None;
        }
        let (right, bits) = (self.weights.right, self.bits);
        let lowest = u32::from(right) + bits;
        // Else bits of the upper lane would be among those of the lower one's activation.
        if lowest > 16 {
            return None;
        }
        let mut most = 0;
        for output in 0..self.weights.outputs {
            let (least, largest) = self.weights.range(output, bits);
            let added = i64::from(self.added_by_rounding(output));
            if least < -i64::from(OFFSET) || largest + added >= OFFSET.into() {
                return None;
            }
            most = most.max(largest + added + 1);
        }
        let is_too_large = lowest < 16 && most >> lowest > 0;
        let lane = 0xFFFF << lowest & 0xFFFF;
        Some(PairRounding {
            right,
            bits,
            too_large: if is_too_large { lane * ONES } else { 0 },
        })
    }

    /// What is added before a sum is shifted, but for a bit that decides a tie.
    fn added_by_rounding(&self, output: usize) -> i32 {
        match self.weights.right {
            0 => 0,
            right => (1 << (right - 1)) - i32::from(self.weights.ties[output]),
        }
    }

    /// What a sum begins with that becomes an activation of a pair.
    pub(crate) fn bias_of_pair(&self, output: usize) -> u32 {
        let bias = self.weights.biases[output] + self.added_by_rounding(output) + OFFSET;
        (bias as u32).wrapping_mul(ONES)
    }
}

/// A sum of which a lane is too large.
struct TooLarge {
    found: Label,
    back: Label,
}

impl Emitter<'_> {
    /// Rounds and stores the sums of a pair.
    pub(crate) fn store_pairs(&self, asm: &mut Assembly<'_>, pass: &Pass, rows: &PairedRows) {
        let Some(rounding) = self.layer.rounding_of_pairs() else {
            return;
        };
        let Roles {
            word,
            value,
            multiple,
            base,
            ..
        } = *self.roles;
        let most_channels = 16 / rounding.bits as usize;
        let mut too_large = Vec::new();
        asm.emit(Operation::Immediate(base, ONES as i32));
        let outputs: Vec<usize> = pass.outputs().collect();
        for (index, of_word) in (0..).zip(outputs.chunks(most_channels)) {
            asm.emit(Operation::Immediate(word, 0));
            for (channel, &output) in (0..).zip(of_word) {
                too_large.extend(self.round_pair(asm, pass, (output, channel), rounding));
            }
            if of_word.len() == most_channels {
                asm.emit(Operation::LoadSlot(multiple, frame::OUTPUT));
                asm.emit(Operation::Store(word, multiple, 4 * index));
                continue;
            }
            let bits = of_word.len() as u8 * rounding.bits as u8;
            if bits <= 8 {
                // What is below goes away.
                asm.emit(Operation::ShiftRight(value, word, 16 - bits));
            } else {
                asm.emit(Operation::ShiftRight(value, word, 16));
                asm.emit(Operation::ShiftLeft(value, value, bits));
                asm.emit(Operation::ShiftLeft(word, word, 16));
                asm.emit(Operation::ShiftRight(word, word, 16));
            }
            asm.emit(Operation::Or(word, value));
            asm.emit(Operation::LoadSlot(multiple, frame::OUTPUT_REST));
            for byte in 0..rows.rest_bytes() {
                if byte > 0 {
                    asm.emit(Operation::ShiftRight(word, word, 8));
                }
                asm.emit(Operation::StoreByte(word, multiple, byte));
            }
        }
        if too_large.is_empty() {
            return;
        }
        let over = asm.label();
        asm.jump(over);
        for TooLarge { found, back } in too_large {
            asm.bind(found);
            asm.times(0.05, |asm| {
                self.clamp_pair(asm, rounding);
                asm.jump(back);
            });
        }
        asm.bind(over);
    }

    /// Adds the activations of a sum to `word`; where a lane may be too large, gives the place
    /// where it is.
    fn round_pair(
        &self,
        asm: &mut Assembly<'_>,
        pass: &Pass,
        (output, channel): (usize, u32),
        rounding: PairRounding,
    ) -> Option<TooLarge> {
        use Operation::{And, Move, ShiftLeft, ShiftRight, Subtract};
        let Roles {
            value,
            multiple,
            base: ones,
            ..
        } = *self.roles;
        let place = pass.place(output, None);
        let is_direct = place.is_low;
        // All ones where a lane is not negative, but for the bit that says so.
        if is_direct {
            asm.emit(ShiftRight(value, place.register, 15));
        } else {
            asm.emit(Move(value, place.register));
            asm.emit(ShiftRight(value, value, 15));
        }
        asm.emit(And(value, ones));
        let both_zero = asm.label();
        let expected = self.layer.expectation_of_outputs.as_ref();
        let zero = expected.map_or(0.0, |it| it.zero_at_once(output, 2));
        asm.branch(Condition::Zero(value), zero, both_zero);
        let mut too_large = None;
        asm.times(1.0 - zero, |asm| {
            asm.emit(ShiftLeft(multiple, value, 15));
            asm.emit(Subtract(multiple, multiple, value));
            let sum: Register = match is_direct {
                true => place.register,
                false => {
                    asm.emit(Move(value, place.register));
                    value
                }
            };
            asm.emit(And(multiple, sum));
            too_large = self.finish_pair(asm, (output, channel), rounding);
        });
        asm.bind(both_zero);
        too_large
    }

    /// Rounds the lanes of `multiple`, which are not negative.
    fn finish_pair(
        &self,
        asm: &mut Assembly<'_>,
        (output, channel): (usize, u32),
        rounding: PairRounding,
    ) -> Option<TooLarge> {
        use Operation::{And, Or, ShiftLeft, ShiftRight};
        let Roles {
            word,
            value,
            multiple,
            base: ones,
            mask,
            ..
        } = *self.roles;
        if self.layer.weights.ties[output] && rounding.right > 0 {
            asm.emit(ShiftRight(value, multiple, rounding.right));
            asm.emit(And(value, ones));
            asm.emit(Operation::Add(multiple, multiple, value));
        }
        let too_large = (rounding.too_large != 0).then(|| {
            let found = asm.label();
            asm.emit(Operation::LoadSlot(value, frame::TOO_LARGE));
            asm.emit(And(value, multiple));
            asm.branch(Condition::NotZero(value), 0.05, found);
            TooLarge {
                found,
                back: asm.here(),
            }
        });
        if rounding.right > 0 {
            asm.emit(ShiftRight(multiple, multiple, rounding.right));
        }
        asm.emit(And(multiple, mask));
        let by = channel * rounding.bits;
        if by > 0 {
            asm.emit(ShiftLeft(multiple, multiple, by as u8));
        }
        asm.emit(Or(word, multiple));
        too_large
    }

    /// Sets all bits of the activation of each lane of `multiple` that is too large.
    fn clamp_pair(&self, asm: &mut Assembly<'_>, rounding: PairRounding) {
        let (value, multiple) = (self.roles.value, self.roles.multiple);
        let lowest = rounding.right + rounding.bits as u8;
        let most = ((1 << rounding.bits) - 1) << rounding.right;
        let (is_right, done) = (asm.label(), asm.label());
        asm.emit(Operation::ShiftLeft(value, multiple, 16));
        asm.emit(Operation::ShiftRight(value, value, 16 + lowest));
        asm.branch(Condition::Zero(value), 0.5, is_right);
        asm.emit(Operation::Immediate(value, most));
        asm.emit(Operation::Or(multiple, value));
        asm.bind(is_right);
        asm.emit(Operation::ShiftRight(value, multiple, 16 + lowest));
        asm.branch(Condition::Zero(value), 0.5, done);
        asm.emit(Operation::Immediate(value, most << 16));
        asm.emit(Operation::Or(multiple, value));
        asm.bind(done);
    }
}
