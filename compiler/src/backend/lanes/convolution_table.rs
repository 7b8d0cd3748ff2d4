//! A convolution by weights in a table: loops over the rows of a field, over the words of
//! a row, which lie beside one another in the strip, and over the values of a word.

use super::assembly::Assembly;
use super::convolution::Emitter;
use super::frame;
use super::isa::{Condition, Operation};
use super::strip::add_constant;
use super::table::{Pass, Registers, Table};
use crate::program::{Expectation, zeros_of_the_rest};

/// Words of a row of a field up to which each has code of its own, if it is a value.
const MOST_INLINE: u32 = 5;

impl Emitter<'_> {
    /// The sums of a pixel.
    pub(crate) fn add_by_table(
        &self,
        asm: &mut Assembly<'_>,
        table: &Table<'_>,
        pass: &Pass,
        field: u32,
    ) {
        let Self { layer, strip, .. } = self;
        let Registers {
            weights,
            value,
            scratch,
            source,
            ..
        } = *table.registers();
        asm.emit(Operation::LoadSlot(value, frame::BIASES));
        add_constant(asm, value, pass.biases_byte.into(), scratch[0]);
        table.begin(asm, pass);
        asm.emit(Operation::LoadSlot(weights, frame::BIASES));
        add_constant(asm, weights, pass.weights_byte.into(), value);
        asm.emit(Operation::LoadSlot(value, field));
        source.put(asm, value);
        let (kernel_rows, kernel_columns) = layer.kernel;
        let words = kernel_columns * strip.words;
        let is_inline = strip.per_word == 1 && words <= MOST_INLINE;
        self.repeat(asm, kernel_rows, frame::KERNEL_ROWS, |asm| {
            if is_inline {
                self.add_words_of_one(asm, table, pass, words);
                let pointer = source.get(asm, scratch[0]);
                add_constant(asm, pointer, strip.row_bytes().into(), value);
                source.put(asm, pointer);
                return;
            }
            self.repeat(asm, words, frame::KERNEL_WORDS, |asm| {
                self.add_word_by_table(asm, table, pass);
            });
            let gap = i64::from(strip.row_bytes()) - i64::from(4 * words);
            if kernel_rows > 1 && gap != 0 {
                let pointer = source.get(asm, scratch[0]);
                add_constant(asm, pointer, gap, value);
                source.put(asm, pointer);
            }
        });
        table.end(asm, pass);
    }

    /// The products of the next words, each of which is a value.
    fn add_words_of_one(&self, asm: &mut Assembly<'_>, table: &Table<'_>, pass: &Pass, words: u32) {
        let Registers {
            weights,
            value,
            scratch,
            source,
            ..
        } = *table.registers();
        for word in 0..words {
            let zero = asm.label();
            let pointer = source.get(asm, scratch[0]);
            asm.emit(Operation::Load(value, pointer, 4 * word));
            table.take(asm, value, Some(0), zero);
            asm.times(1.0 - self.layer.expectation.mean_zero(), |asm| {
                table.add(asm, pass, word * pass.row_bytes);
            });
            asm.bind(zero);
        }
        add_constant(asm, weights, (words * pass.row_bytes).into(), value);
    }

    /// Runs `body` that often, counting in the frame.
    pub(crate) fn repeat(
        &self,
        asm: &mut Assembly<'_>,
        times: u32,
        counter: u32,
        body: impl FnOnce(&mut Assembly<'_>),
    ) {
        let value = self.roles.value;
        if times > 1 {
            asm.emit(Operation::Immediate(value, times as i32));
            asm.emit(Operation::StoreSlot(value, counter));
        }
        let next = asm.here();
        asm.times(times.into(), |asm| {
            body(asm);
            if times > 1 {
                self.count_down(asm, counter, times, next);
            }
        });
    }

    /// The products of the values of the next word.
    fn add_word_by_table(&self, asm: &mut Assembly<'_>, table: &Table<'_>, pass: &Pass) {
        let Self { layer, strip, .. } = self;
        let Registers {
            weights,
            value,
            scratch,
            source,
            word,
            start,
            ..
        } = *table.registers();
        let all_zero = asm.label();
        let pointer = source.get(asm, scratch[0]);
        let loaded = word.get_register(scratch[1]);
        asm.emit(Operation::Load(loaded, pointer, 0));
        asm.emit(Operation::AddImmediate(pointer, 4));
        source.put(asm, pointer);
        let values = strip.per_word;
        let row = i64::from(pass.row_bytes);
        let zero = layer.expectation.mean_zero();
        if values == 1 {
            table.take(asm, loaded, Some(0), all_zero);
            asm.times(1.0 - zero, |asm| table.add(asm, pass, 0));
            asm.bind(all_zero);
            add_constant(asm, weights, row, value);
            return;
        }
        let zeros = layer.expectation.mean_zeros(values);
        // Where not all of the word is.
        let not_zero = 1.0 - zeros_of_the_rest(zero, zeros);
        asm.branch(Condition::Zero(loaded), zeros, all_zero);
        asm.times(1.0 - zeros, |asm| {
            word.put(asm, loaded);
            if table.by_words {
                for place in 0..values {
                    let zero = asm.label();
                    let mut from = loaded;
                    if place > 0 {
                        from = word.get(asm, scratch[1]);
                        asm.emit(Operation::ShiftRight(from, from, layer.bits as u8));
                        if place + 1 < values {
                            word.put(asm, from);
                        }
                    }
                    let last_from = (place + 1 == values).then_some(0);
                    table.take(asm, from, last_from, zero);
                    asm.times(not_zero, |asm| table.add(asm, pass, place * pass.row_bytes));
                    asm.bind(zero);
                }
                return;
            }
            start.put(asm, weights);
            let next = asm.here();
            let turns = turns(&layer.expectation, values);
            asm.times(turns, |asm| {
                let zero = asm.label();
                let from = word.get(asm, scratch[1]);
                table.take(asm, from, None, zero);
                let share = f64::from(values) * not_zero / turns;
                asm.times(share, |asm| table.add(asm, pass, 0));
                asm.bind(zero);
                add_constant(asm, weights, row, value);
                let left = word.get(asm, scratch[1]);
                asm.emit(Operation::ShiftRight(left, left, layer.bits as u8));
                word.put(asm, left);
                asm.branch(Condition::NotZero(left), 1.0 - 1.0 / turns, next);
            });
            let first = start.get(asm, value);
            asm.emit(Operation::Move(weights, first));
        });
        asm.bind(all_zero);
        add_constant(asm, weights, row * i64::from(values), value);
    }
}

/// How many values of a word, of which not all are 0, are looked at before all that are left are 0.
fn turns(expectation: &Expectation, values: u32) -> f64 {
    let is_any = |values| 1.0 - expectation.mean_zeros(values);
    let all = is_any(values);
    match all > 0.0 {
        true => (1..=values).map(is_any).sum::<f64>() / all,
        false => values.into(),
    }
}
