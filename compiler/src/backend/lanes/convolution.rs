//! A convolution: a value is taken out of its word, and where it is not 0, multiples of
//! it are added to the sums of all outputs, each weight being an instruction.
//!
//! In two lanes a value is that of two pixels, `x₀ + x₁·2¹⁶`, and a sum that of two
//! outputs. All of it is linear modulo 2³², so that in the end the lanes are right
//! where both sums fit 16 bits, which is proven.

use super::assembly::{Assembly, Label};
use super::frame;
use super::isa::{Condition, Operation, Register, Roles};
use super::layer::Convolution;
use super::multiples::Multiples;
use super::strip::{Strip, Taking, add_constant, share_of_loops};
use super::sums::{Spares, Sums, arranged};

/// Emits the layer.
pub(crate) fn emit(asm: &mut Assembly<'_>, layer: &Convolution) {
    let roles = asm.isa().roles();
    let strip = Strip::of(layer);
    let mut multiples = Multiples::new(asm.isa());
    let has_mask = layer.input.channels.min(strip.per_word) > 1;
    let (kernel_rows, kernel_columns) = layer.kernel;
    let last_group = (kernel_columns - 1 + (layer.lanes - 1) * layer.stride.1) / layer.lanes;
    let last_byte =
        (kernel_rows - 1) * strip.row_bytes() + 4 * ((last_group + 1) * strip.words - 1);
    let spares = Spares {
        masks: has_mask,
        base: last_byte < 128,
        word: layer.pooled.is_some(),
    };
    let passes = arranged(&roles, &mut multiples, &layer.weights, spares);
    let emitter = Emitter {
        layer,
        strip,
        roles: &roles,
        taking: Taking {
            layer,
            strip,
            roles: &roles,
        },
    };
    emitter.emit(asm, &passes, &mut multiples);
}

pub(crate) struct Emitter<'a> {
    pub(crate) layer: &'a Convolution,
    pub(crate) strip: Strip,
    pub(crate) roles: &'a Roles,
    taking: Taking<'a>,
}

impl Emitter<'_> {
    fn emit(&self, asm: &mut Assembly<'_>, passes: &[Sums], multiples: &mut Multiples<'_>) {
        let Self { layer, strip, .. } = self;
        let (value, word) = (self.roles.value, self.roles.word);
        let (table, start) = (asm.label(), asm.label());
        asm.address(value, table);
        asm.emit(Operation::StoreSlot(value, frame::BIASES));
        asm.jump(start);
        let words = passes.iter().flat_map(|sums| {
            sums.table(|output| {
                let bias = layer.weights.biases[output] as u32;
                match layer.lanes {
                    1 => bias,
                    _ => (bias << 16).wrapping_add(bias),
                }
            })
        });
        asm.table(table, words);
        asm.bind(start);
        asm.emit(Operation::Immediate(value, self.mask() as i32));
        asm.emit(Operation::StoreSlot(value, frame::MASK));
        self.begin_outputs(asm);
        asm.emit(Operation::Immediate(value, strip.steps as i32));
        asm.emit(Operation::StoreSlot(value, frame::ROWS));
        self.taking.begin(asm);
        let (next_row, done) = (asm.label(), asm.label());
        asm.bind(next_row);
        asm.times(strip.steps.into(), |asm| {
            self.taking.advance(asm);
            if strip.steps > strip.steps_with_outputs {
                let (compute, after) = (asm.label(), asm.label());
                asm.emit(Operation::LoadSlot(value, frame::ROWS));
                add_constant(asm, value, -i64::from(strip.steps_with_outputs) - 1, word);
                let share = f64::from(strip.steps_with_outputs) / f64::from(strip.steps);
                asm.branch(Condition::Negative(value), share, compute);
                asm.times(1.0 - share, |asm| asm.jump(after));
                asm.bind(compute);
                asm.times(share, |asm| self.row(asm, passes, multiples));
                asm.bind(after);
            } else {
                self.row(asm, passes, multiples);
            }
            self.count_down(asm, frame::ROWS, strip.steps, next_row);
        });
        asm.bind(done);
    }

    /// Goes back to `next` until the counter is 0.
    fn count_down(&self, asm: &mut Assembly<'_>, counter: u32, times: u32, next: Label) {
        let value = self.roles.value;
        asm.emit(Operation::LoadSlot(value, counter));
        asm.emit(Operation::AddImmediate(value, -1));
        asm.emit(Operation::StoreSlot(value, counter));
        asm.branch(Condition::NotZero(value), share_of_loops(times), next);
    }

    fn mask(&self) -> u32 {
        let channel = (1 << self.layer.bits) - 1;
        match self.layer.lanes {
            1 => channel,
            _ => channel << 16 | channel,
        }
    }

    /// A row of outputs.
    fn row(&self, asm: &mut Assembly<'_>, passes: &[Sums], multiples: &mut Multiples<'_>) {
        let Self { layer, strip, .. } = self;
        let (value, word) = (self.roles.value, self.roles.word);
        let group_bytes = layer.stride.1 * 4 * strip.words;
        let last = (strip.output_groups - 1) * group_bytes;
        let first = strip.first_byte + if layer.backward { last } else { 0 };
        asm.emit(Operation::SlotAddress(value, first));
        asm.emit(Operation::StoreSlot(value, frame::FIELD));
        asm.emit(Operation::Immediate(value, strip.output_groups as i32));
        asm.emit(Operation::StoreSlot(value, frame::GROUPS));
        let next_group = asm.here();
        asm.times(strip.output_groups.into(), |asm| {
            let mut table_byte = 0;
            for sums in passes {
                match layer.pooled {
                    None => {
                        self.accumulate(asm, sums, multiples, table_byte, frame::FIELD);
                        self.store(asm, sums);
                    }
                    Some((_, rows)) => {
                        self.pool(asm, sums, multiples, table_byte, rows);
                        self.store(asm, sums);
                    }
                }
                table_byte += 4 * sums.outputs.len() as u32;
            }
            self.advance_outputs(asm, self.group_cells().into());
            asm.emit(Operation::LoadSlot(value, frame::FIELD));
            let step = i64::from(group_bytes);
            let step = if layer.backward { -step } else { step };
            add_constant(asm, value, step, word);
            asm.emit(Operation::StoreSlot(value, frame::FIELD));
            self.count_down(asm, frame::GROUPS, strip.output_groups, next_group);
        });
        // Groups of a row hold as many pixels as there are, or one more: the next row
        // begins where its first group does.
        let (row, groups) = (
            i64::from(layer.output.row_cells()),
            i64::from(strip.output_groups * self.group_cells()),
        );
        self.advance_outputs(asm, row - groups);
    }

    /// The largest sums of a window, into the frame.
    fn pool(
        &self,
        asm: &mut Assembly<'_>,
        sums: &Sums,
        multiples: &mut Multiples<'_>,
        table_byte: u32,
        rows: u32,
    ) {
        let Self { layer, strip, .. } = self;
        let Roles {
            value,
            word,
            multiple,
            ..
        } = *self.roles;
        let place = |output: usize| frame::STRIP + 4 * output as u32;
        asm.emit(Operation::Immediate(value, 0));
        for output in sums.outputs.clone() {
            asm.emit(Operation::StoreSlot(value, place(output)));
        }
        asm.emit(Operation::Immediate(value, rows as i32));
        asm.emit(Operation::StoreSlot(value, frame::POOLED_ROWS));
        asm.emit(Operation::LoadSlot(value, frame::FIELD));
        asm.emit(Operation::StoreSlot(value, frame::POOLED_FIELD));
        let next = asm.here();
        asm.times(rows.into(), |asm| {
            self.accumulate(asm, sums, multiples, table_byte, frame::POOLED_FIELD);
            // The one in `word` first, which the others need.
            let mut outputs: Vec<usize> = sums.outputs.clone().collect();
            outputs.sort_by_key(|&output| sums.place(output).0 != word);
            for output in outputs {
                let sum = self.in_low(asm, sums.place(output), multiple);
                let (left_is_larger, is_smaller) = (asm.label(), asm.label());
                asm.emit(Operation::SignExtend(value, sum));
                asm.emit(Operation::Subtract(word, sum, value));
                asm.emit(Operation::ShiftRightSigned(word, word, 16));
                asm.branch(Condition::Less(word, value), 0.5, left_is_larger);
                asm.emit(Operation::Move(value, word));
                asm.bind(left_is_larger);
                asm.emit(Operation::LoadSlot(word, place(output)));
                asm.branch(Condition::Less(value, word), 0.6, is_smaller);
                asm.emit(Operation::StoreSlot(value, place(output)));
                asm.bind(is_smaller);
            }
            asm.emit(Operation::LoadSlot(value, frame::POOLED_FIELD));
            let step = i64::from(layer.stride.0 * strip.row_bytes());
            add_constant(asm, value, step, word);
            asm.emit(Operation::StoreSlot(value, frame::POOLED_FIELD));
            self.count_down(asm, frame::POOLED_ROWS, rows, next);
        });
    }

    /// A sum in a register that all operations take.
    fn in_low(
        &self,
        asm: &mut Assembly<'_>,
        (sum, is_low): (Register, bool),
        scratch: Register,
    ) -> Register {
        if is_low {
            return sum;
        }
        asm.emit(Operation::Move(scratch, sum));
        scratch
    }

    /// The sums of a group.
    fn accumulate(
        &self,
        asm: &mut Assembly<'_>,
        sums: &Sums,
        multiples: &mut Multiples<'_>,
        table_byte: u32,
        field: u32,
    ) {
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
        let (kernel_rows, kernel_columns) = layer.kernel;
        for row in 0..kernel_rows {
            for word in 0..strip.words {
                for column in 0..kernel_columns {
                    let tap = row * kernel_columns + column;
                    let channels = word * strip.per_word
                        ..layer.input.channels.min((word + 1) * strip.per_word);
                    let uses = |channel: &u32| {
                        let index = tap * layer.input.channels + channel;
                        sums.uses(&layer.weights, index as usize)
                    };
                    let is_single = channels.len() == 1;
                    let used: Vec<u32> = channels.filter(uses).collect();
                    if used.is_empty() {
                        continue;
                    }
                    self.load_word(asm, sums, (row, column, word), field);
                    self.add_word(asm, sums, multiples, tap, &used, is_single);
                }
            }
        }
    }

    /// `word` ← the channels of the pixels that a tap reads, one lane an output.
    fn load_word(
        &self,
        asm: &mut Assembly<'_>,
        sums: &Sums,
        (row, column, word): (u32, u32, u32),
        field: u32,
    ) {
        let Self { layer, strip, .. } = self;
        let to = match sums.keeps_word {
            true => self.roles.word,
            false => self.roles.multiple,
        };
        let other = self.roles.value;
        let offset = |pixel: u32| {
            let group = pixel / layer.lanes;
            row * strip.row_bytes() + 4 * (group * strip.words + word)
        };
        let base = match sums.keeps_base {
            true => self.roles.base,
            false => {
                asm.emit(Operation::LoadSlot(other, field));
                other
            }
        };
        asm.emit(Operation::Load(to, base, offset(column)));
        let second = column + layer.stride.1;
        let (lane, second_lane) = (column % 2, second % 2);
        let is_there =
            layer.lanes == 1 || (lane, second_lane) == (0, 1) && second == column + 1;
        if !is_there {
            asm.emit(Operation::Load(other, base, offset(second)));
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
        if !sums.keeps_word {
            asm.emit(Operation::StoreSlot(to, frame::WORD));
        }
    }

    /// Adds the channels of `word`.
    fn add_word(
        &self,
        asm: &mut Assembly<'_>,
        sums: &Sums,
        multiples: &mut Multiples<'_>,
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
        let zero = 0.5f64.powi(layer.lanes as i32);
        let all_zero = asm.label();
        let mut share = 1.0;
        if used.len() > 1 {
            let zeros = zero.powi(used.len() as i32);
            asm.branch(Condition::Zero(loaded), zeros, all_zero);
            share = 1.0 - zeros;
        }
        asm.times(share, |asm| {
            for (index, &channel) in used.iter().enumerate() {
                let next = asm.label();
                let by = (channel % strip.per_word * layer.bits) as u8;
                let is_last = layer.lanes == 1 && u32::from(by) + layer.bits == 32;
                if !sums.keeps_word {
                    self.take_from_frame(asm, by, is_single, index == 0);
                } else if is_single {
                    asm.emit(Operation::Move(value, word));
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
                    sums.add(asm, multiples, &layer.weights, row as usize);
                });
                asm.bind(next);
            }
        });
        asm.bind(all_zero);
    }

    /// `value` ← a channel of the word in the frame; `is_loaded` says that `multiple` has
    /// the word too.
    fn take_from_frame(&self, asm: &mut Assembly<'_>, by: u8, is_single: bool, is_loaded: bool) {
        let Roles {
            value, multiple, ..
        } = *self.roles;
        if is_loaded && is_single {
            asm.emit(Operation::Move(value, multiple));
        } else if is_loaded && by == 0 {
            asm.emit(Operation::LoadSlot(value, frame::MASK));
            asm.emit(Operation::And(value, multiple));
        } else {
            asm.emit(Operation::LoadSlot(value, frame::WORD));
            asm.emit(Operation::ShiftRight(value, value, by));
            asm.emit(Operation::LoadSlot(multiple, frame::MASK));
            asm.emit(Operation::And(value, multiple));
        }
    }
}
