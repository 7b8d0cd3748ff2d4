//! A maximum over sums of a convolution, before they are rounded: the largest of some sums
//! rounds to the largest of their activations.

use super::assembly::Assembly;
use super::convolution::Emitter;
use super::frame;
use super::isa::{Condition, Operation, Register, Roles};
use super::pass::Pass;
use super::strip::add_constant;
use super::sums::{Located, fastest};

impl Emitter<'_> {
    /// The largest sums of a window, into the frame; at least 0, unless activations may be
    /// negative.
    pub(crate) fn pool(&self, asm: &mut Assembly<'_>, pass: &Pass, table_byte: u32) {
        let Self { layer, strip, .. } = self;
        let Some(pooled) = layer.pooled else { return };
        if layer.paired_windows().is_some() {
            self.accumulate(asm, pass, table_byte, frame::FIELD);
            return;
        }
        if layer.pools_two_pairs() {
            self.pool_two_pairs(asm, pass, table_byte);
            return;
        }
        let value = self.roles.value;
        self.begin_maxima(asm, pass);
        // What is computed at once is next to one another.
        let steps = pooled.columns / layer.lanes;
        if (pooled.rows, steps) == (1, 1) {
            self.accumulate(asm, pass, table_byte, frame::FIELD);
            self.keep_largest(asm, pass);
            return;
        }
        asm.emit(Operation::Immediate(value, pooled.rows as i32));
        asm.emit(Operation::StoreSlot(value, frame::POOLED_ROWS));
        asm.emit(Operation::LoadSlot(value, frame::FIELD));
        asm.emit(Operation::StoreSlot(value, frame::POOLED_FIELD));
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

    /// The least sums, or those of what a window has of rows above.
    fn begin_maxima(&self, asm: &mut Assembly<'_>, pass: &Pass) {
        let value = self.roles.value;
        let begun = asm.label();
        let least_share = self.begin_from_window(asm, pass, begun);
        let least = if self.layer.signed_outputs {
            i32::MIN
        } else {
            0
        };
        asm.times(least_share, |asm| {
            asm.emit(Operation::Immediate(value, least));
            for output in pass.outputs() {
                asm.emit(Operation::StoreSlot(value, self.maximum(output)));
            }
        });
        asm.bind(begun);
    }

    /// The same of windows of 2 × 2. Of sums that are all negative the largest is kept too.
    fn pool_two_pairs(&self, asm: &mut Assembly<'_>, pass: &Pass, table_byte: u32) {
        let is_at_once = match pass {
            Pass::TwoRows(_) => true,
            Pass::Unrolled(_) | Pass::Table(_) | Pass::Reduced(_) => false,
        };
        if is_at_once {
            self.accumulate(asm, pass, table_byte, frame::FIELD);
        } else {
            self.first_row_waits(asm, pass, table_byte);
        }
        let word = self.roles.word;
        let count = pass.outputs().len();
        // The ones in `word` first, which the others need.
        let is_in_word = |output: usize| pass.place(output, None).register == word;
        let mut outputs: Vec<usize> = pass.outputs().collect();
        outputs.sort_by_key(|&output| {
            !(is_in_word(output) || is_at_once && is_in_word(output + count))
        });
        for output in outputs {
            let second = pass.place(if is_at_once { output + count } else { output }, None);
            let first = match is_at_once {
                true => pass.place(output, None),
                false => {
                    let register = self.other_than(second.register);
                    asm.emit(Operation::LoadSlot(register, self.maximum(output)));
                    Located {
                        register,
                        is_low: true,
                        lane: None,
                    }
                }
            };
            self.largest_of_four(asm, first, second);
            asm.emit(Operation::StoreSlot(self.roles.value, self.maximum(output)));
        }
    }

    /// `word`, unless that is the register.
    fn other_than(&self, register: Register) -> Register {
        match register == self.roles.word {
            true => self.roles.multiple,
            false => self.roles.word,
        }
    }

    /// The sums of the second row; those of the first one wait in the frame as they are.
    fn first_row_waits(&self, asm: &mut Assembly<'_>, pass: &Pass, table_byte: u32) {
        let (value, multiple) = (self.roles.value, self.roles.multiple);
        asm.emit(Operation::Immediate(value, 1));
        asm.emit(Operation::StoreSlot(value, frame::POOLED_ROWS));
        asm.emit(Operation::LoadSlot(value, frame::FIELD));
        asm.emit(Operation::StoreSlot(value, frame::POOLED_FIELD));
        let (next, is_second) = (asm.here(), asm.label());
        asm.times(2.0, |asm| {
            self.accumulate(asm, pass, table_byte, frame::POOLED_FIELD);
            asm.emit(Operation::LoadSlot(value, frame::POOLED_ROWS));
            asm.branch(Condition::Zero(value), 0.5, is_second);
        });
        for output in pass.outputs() {
            let place = pass.place(output, None);
            let sum = match place.is_low {
                true => place.register,
                false => {
                    asm.emit(Operation::Move(multiple, place.register));
                    multiple
                }
            };
            asm.emit(Operation::StoreSlot(sum, self.maximum(output)));
        }
        asm.emit(Operation::Immediate(value, 0));
        asm.emit(Operation::StoreSlot(value, frame::POOLED_ROWS));
        let row = i64::from(self.layer.stride.0 * self.strip.row_bytes());
        self.advance_field(asm, row);
        asm.jump(next);
        asm.bind(is_second);
    }

    /// The upper half of `value` ← the largest of the sums of two pairs. Two halves are compared
    /// with what is below them, which decides nothing: of two equal ones either will do.
    fn largest_of_four(&self, asm: &mut Assembly<'_>, first: Located, second: Located) {
        let Roles {
            value, multiple, ..
        } = *self.roles;
        let isa = asm.isa();
        let other = self.other_than(second.register);
        asm.emit_all(first.load_high(isa, value, multiple, 1));
        for (pair, lane) in [(first, 0), (second, 1), (second, 0)] {
            asm.emit_all(pair.load_high(isa, other, multiple, lane));
            let is_smaller = asm.label();
            asm.branch(Condition::Less(other, value), 0.5, is_smaller);
            asm.emit(Operation::Move(value, other));
            asm.bind(is_smaller);
        }
    }

    /// Where the largest sum of an output is.
    pub(crate) fn maximum(&self, output: usize) -> u32 {
        self.strip.kept_byte + 4 * output as u32
    }

    fn advance_field(&self, asm: &mut Assembly<'_>, bytes: i64) {
        let value = self.roles.value;
        asm.emit(Operation::LoadSlot(value, frame::POOLED_FIELD));
        add_constant(asm, value, bytes, self.roles.word);
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
                let place = pass.place(output, None);
                let (load, down) = place.load(asm.isa(), value, multiple, true);
                asm.emit_all(load.into_iter().chain(down));
            }
            asm.emit(Operation::LoadSlot(word, self.maximum(output)));
            asm.branch(Condition::Less(value, word), 0.6, is_smaller);
            asm.emit(Operation::StoreSlot(value, self.maximum(output)));
            asm.bind(is_smaller);
        }
    }

    /// The upper half of `value` ← the larger one of the sums of two pixels. What is below
    /// decides nothing: 0 with the left one, and of two equal ones either will do.
    fn larger_of_pair(&self, asm: &mut Assembly<'_>, pass: &Pass, output: usize) {
        let Roles {
            value,
            word,
            multiple,
            ..
        } = *self.roles;
        let isa = asm.isa();
        let place = pass.place(output, None);
        // `word` last: it may be the sum.
        let halves = |place: Located| {
            let right = place.load_high(isa, value, multiple, 1);
            let left = place.load_high(isa, word, multiple, 0);
            right.into_iter().chain(left)
        };
        let mut halves_of_copy = vec![Operation::Move(multiple, place.register)];
        halves_of_copy.extend(halves(Located {
            register: multiple,
            is_low: true,
            ..place
        }));
        asm.emit_all(fastest(isa, [halves(place).collect(), halves_of_copy]));
        let right_is_larger = asm.label();
        asm.branch(Condition::Less(word, value), 0.5, right_is_larger);
        asm.emit(Operation::Move(value, word));
        asm.bind(right_is_larger);
    }
}
