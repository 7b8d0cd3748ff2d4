//! The strip: the rows of a map that the field of a row of outputs reads, on the stack.
//!
//! A map is stored without a gap, so that a pixel may begin in the middle of a byte. In
//! the strip pixels are taken apart: a group of as many pixels as a register has lanes
//! takes whole words, each of which holds some channels of all of them, lane by lane.
//! What is around the map are zeros there, so that the kernel knows nothing of edges.
//! Each row is taken in once, before any output is stored over it.

use super::assembly::Assembly;
use super::form::Form;
use super::frame;
use super::isa::{Condition, Operation, Register, Roles};
use super::joined;
use super::layer::{Convolution, Reduction};

/// The shape of a strip.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strip {
    /// Channels of a word.
    pub(crate) per_word: u32,
    /// Words of a group.
    pub(crate) words: u32,
    /// Groups of a row.
    pub(crate) groups: u32,
    pub(crate) rows: u32,
    /// Rows by which it moves on.
    pub(crate) advance: u32,
    /// Groups of outputs of a row.
    pub(crate) output_groups: u32,
    /// Steps by which it moves on, of which those with outputs are the last.
    pub(crate) steps: u32,
    pub(crate) steps_with_outputs: u32,
    /// Of the frame: where it begins.
    pub(crate) first_byte: u32,
    /// Where the largest sums of a pooling are, or the values of a pixel between two kernels.
    pub(crate) kept_byte: u32,
    /// After these: the slots of maps that are joined, then rows of these.
    pub(crate) joined_slots: u32,
    pub(crate) joined_byte: u32,
    pub(super) kept_bytes: u32,
    /// Where the byte, or cell, is that the next row begins at.
    pub(super) input_slot: u32,
}

impl Strip {
    pub(crate) fn of(layer: &Convolution) -> Self {
        let lanes = layer.lanes;
        let channels = layer.input.channels;
        let most = 32 / lanes / layer.bits;
        let words = channels.div_ceil(most);
        let per_word = match (layer.form, layer.weights.loaded) {
            _ if layer.reduction == Reduction::OwnWeights => most,
            (Form::UnrolledByTwoRows | Form::Unrolled, _) => most,
            // Rows of weights that are loaded are there of channels alone.
            (Form::TableByWords | Form::TableByValues, Some(_)) => {
                let mut counts = (1..=most).rev();
                counts.find(|&it| channels.is_multiple_of(it)).unwrap_or(1)
            }
            // As many in each, for all words are alike.
            (Form::TableByWords | Form::TableByValues, None) => channels.div_ceil(words),
        };
        let words = channels.div_ceil(per_word);
        let (row_stride, column_stride) = layer.stride;
        let (kernel_rows, kernel_columns) = layer.kernel;
        let (rows, columns) = layer.computed;
        let group_columns = layer.group_columns();
        let output_groups = columns.div_ceil(group_columns);
        let last_column = column_stride * (group_columns * output_groups - 1) + kernel_columns - 1;
        let pooled_rows = layer.pooled.map_or(1, |pooled| pooled.rows);
        let strip_rows = kernel_rows + (pooled_rows - 1) * row_stride;
        let advance = pooled_rows * row_stride;
        let (strip_rows, advance, steps_with_outputs) = match layer.is_by_parts {
            true => (1, 1, rows * kernel_rows),
            false => (strip_rows, advance, rows / pooled_rows),
        };
        let maxima_bytes = match layer.pooled {
            Some(_) => 4 * layer.output.channels,
            None if layer.is_by_parts => 4 * layer.output.channels * output_groups,
            None => 0,
        };
        let pixel_bytes = match &layer.pointwise {
            Some(pointwise) => 4 * pointwise.input.channels.div_ceil(32 / layer.bits),
            None => 0,
        };
        let joined_slots = frame::STRIP + maxima_bytes + pixel_bytes;
        let joined_byte = joined_slots + joined::slots_bytes(layer);
        let first_byte = joined_byte + joined::rows_bytes(layer);
        Self {
            per_word,
            words,
            groups: last_column / lanes + 1,
            rows: strip_rows,
            advance,
            output_groups,
            steps: steps_with_outputs + strip_rows.saturating_sub(advance).div_ceil(advance),
            steps_with_outputs,
            first_byte,
            kept_byte: frame::STRIP,
            joined_slots,
            joined_byte,
            kept_bytes: maxima_bytes + pixel_bytes,
            input_slot: frame::INPUT,
        }
    }

    /// Bytes of the frame of `infer`.
    pub(crate) fn infer_bytes(&self) -> u32 {
        self.first_byte + self.bytes()
    }

    /// Bytes of it up to the last slot.
    pub(crate) fn slots_bytes(&self, layer: &Convolution) -> u32 {
        match layer.is_by_parts {
            true => frame::STRIP,
            false => self.joined_slots + joined::slots_bytes(layer),
        }
    }

    /// The same, beginning at that byte of the frame, before what is kept.
    pub(crate) fn at(self, first_byte: u32) -> Self {
        Self {
            first_byte,
            kept_byte: first_byte + self.bytes(),
            ..self
        }
    }

    /// The same, of a map whose next row begins where that slot says.
    pub(crate) fn reading_from(self, input_slot: u32) -> Self {
        Self { input_slot, ..self }
    }

    /// Bytes of the frame up to the end of it and of what is kept.
    pub(crate) fn end_byte(&self) -> u32 {
        let end = self.first_byte + self.bytes();
        end.max(self.kept_byte + self.kept_bytes)
    }

    pub(crate) fn row_bytes(&self) -> u32 {
        4 * self.groups * self.words
    }

    /// Cells from a pixel to the next one, of single pixels.
    pub(crate) fn pixel_cells(&self) -> u32 {
        self.words * self.per_word
    }

    /// Of a single pixel, whose values are beside one another.
    pub(crate) fn of_pixel(&self, layer: &Convolution) -> Self {
        let per_word = 32 / layer.bits;
        Self {
            per_word,
            words: layer.input.channels.div_ceil(per_word),
            groups: 1,
            rows: 1,
            ..*self
        }
    }

    /// Bytes from the field of a group of outputs to that of the next.
    pub(crate) fn group_step_bytes(&self, layer: &Convolution) -> u32 {
        layer.stride.1 * layer.group_columns() / layer.lanes * 4 * self.words
    }

    pub(crate) fn bytes(&self) -> u32 {
        self.rows * self.row_bytes()
    }
}

/// Registers that take rows in.
pub(crate) struct Registers {
    pub(crate) source: Register,
    pub(crate) target: Register,
    pub(crate) word: Register,
    pub(crate) piece: Register,
    pub(crate) count: Register,
}

impl Registers {
    pub(crate) fn of(roles: &Roles) -> Self {
        Self {
            source: roles.base,
            target: roles.word,
            word: roles.value,
            piece: roles.multiple,
            count: roles.mask,
        }
    }
}

/// Emits how a strip is begun and moved on.
pub(crate) struct Taking<'a> {
    pub(crate) layer: &'a Convolution,
    pub(crate) strip: Strip,
    pub(crate) roles: &'a Roles,
}

/// `register += value`.
pub(crate) fn add_constant(
    asm: &mut Assembly<'_>,
    register: Register,
    value: i64,
    scratch: Register,
) {
    if value.abs() <= 510 {
        asm.emit(Operation::AddImmediate(register, value as i32));
    } else {
        asm.emit(Operation::Immediate(scratch, value as i32));
        asm.emit(Operation::Add(register, register, scratch));
    }
}

impl Taking<'_> {
    /// Before the first row.
    pub(crate) fn begin(&self, asm: &mut Assembly<'_>) {
        let registers = Registers::of(self.roles);
        let Registers { source, piece, .. } = registers;
        let Self { layer, strip, .. } = self;
        let first = strip.first_row(layer);
        let cell = i64::from(layer.input.first_cell) + first * i64::from(layer.input.row_cells());
        if strip.has_phases(layer) {
            asm.emit(Operation::Immediate(source, cell as i32));
        } else {
            let byte = cell.div_euclid(i64::from(8 / layer.bits));
            asm.emit(Operation::LoadSlot(source, frame::ARENA));
            add_constant(asm, source, byte, piece);
        }
        asm.emit(Operation::StoreSlot(source, strip.input_slot));
        if strip.looks_at_rows(layer) {
            asm.emit(Operation::Immediate(source, first as i32));
            asm.emit(Operation::StoreSlot(source, frame::INPUT_ROW));
        }
        if self.has_columns_around() {
            self.zeros(asm, strip.first_byte, strip.bytes() / 4);
        }
    }

    /// Whether some columns of the strip that are read are never taken in.
    fn has_columns_around(&self) -> bool {
        let (layer, strip) = (self.layer, self.strip);
        let end = layer.lanes * strip.groups;
        layer.padding.1 > 0 || end > layer.padding.1 + layer.input.width
    }

    /// What a word holds where there is no pixel. Values that may be negative are offset
    /// in the strip, so that none is.
    pub(crate) fn nothing(&self) -> u32 {
        let Self { layer, strip, .. } = self;
        if !layer.signed_inputs {
            return 0;
        }
        let lane_bits = 32 / layer.lanes;
        let lanes = (0..layer.lanes).map(|lane| lane * lane_bits);
        let values = lanes.flat_map(|bit| (0..strip.per_word).map(move |value| (bit, value)));
        let half = 1 << (layer.bits - 1);
        values.fold(0, |word, (bit, value)| {
            word | half << (bit + value * layer.bits)
        })
    }

    /// Nothing to words of the frame.
    fn zeros(&self, asm: &mut Assembly<'_>, first_byte: u32, words: u32) {
        let Registers {
            target,
            word,
            count,
            ..
        } = Registers::of(self.roles);
        asm.emit(Operation::SlotAddress(target, first_byte));
        self.zeros_from(asm, (target, word, count), words);
    }

    pub(super) fn zeros_from(
        &self,
        asm: &mut Assembly<'_>,
        (target, word, count): (Register, Register, Register),
        words: u32,
    ) {
        asm.emit(Operation::Immediate(word, self.nothing() as i32));
        asm.emit(Operation::Immediate(count, words as i32));
        let next = asm.here();
        asm.times(words.into(), |asm| {
            asm.emit(Operation::Store(word, target, 0));
            asm.emit(Operation::AddImmediate(target, 4));
            asm.emit(Operation::AddImmediate(count, -1));
            asm.branch(Condition::NotZero(count), share_of_loops(words), next);
        });
    }

    /// Moves the strip on: rows that stay, then those that are new.
    pub(crate) fn advance(&self, asm: &mut Assembly<'_>) {
        self.keep(asm);
        let strip = self.strip;
        let Registers { target, count, .. } = Registers::of(self.roles);
        if strip.skipped_rows() > 0 {
            self.move_on(asm, strip.skipped_rows());
        }
        let first = match self.layer.backward {
            false => strip.rows - strip.new_rows(),
            true => strip.new_rows() - 1,
        };
        asm.emit(Operation::SlotAddress(
            target,
            strip.first_byte + first * strip.row_bytes(),
        ));
        if strip.new_rows() == 1 {
            self.take(asm);
            return;
        }
        asm.emit(Operation::StoreSlot(target, frame::TARGET));
        asm.emit(Operation::Immediate(count, strip.new_rows() as i32));
        asm.emit(Operation::StoreSlot(count, frame::INPUT_ROWS));
        let next = asm.here();
        asm.times(strip.new_rows().into(), |asm| {
            asm.emit(Operation::LoadSlot(target, frame::TARGET));
            self.take(asm);
            let row = i64::from(strip.row_bytes());
            let step = if self.layer.backward { -row } else { row };
            asm.emit(Operation::LoadSlot(target, frame::TARGET));
            add_constant(asm, target, step, count);
            asm.emit(Operation::StoreSlot(target, frame::TARGET));
            asm.emit(Operation::LoadSlot(count, frame::INPUT_ROWS));
            asm.emit(Operation::AddImmediate(count, -1));
            asm.emit(Operation::StoreSlot(count, frame::INPUT_ROWS));
            let share = share_of_loops(strip.new_rows());
            asm.branch(Condition::NotZero(count), share, next);
        });
    }

    /// Moves the rows that stay.
    fn keep(&self, asm: &mut Assembly<'_>) {
        let strip = self.strip;
        let kept = strip.rows.saturating_sub(strip.advance);
        let words = kept * strip.row_bytes() / 4;
        if words == 0 {
            return;
        }
        let Registers {
            source,
            target,
            word,
            piece,
            count,
        } = Registers::of(self.roles);
        let distance = strip.advance * strip.row_bytes();
        // As many as a load reaches from one address; never more than rows lie apart.
        let most = (distance / 4).min(31);
        let chunk = (1..=most)
            .rev()
            .find(|chunk| words.is_multiple_of(*chunk))
            .unwrap_or(1);
        let chunks = words / chunk;
        let (low, high) = (strip.first_byte, strip.first_byte + distance);
        let last = 4 * (words - chunk);
        let (from, to, step) = match self.layer.backward {
            false => (high, low, 4 * chunk as i32),
            true => (low + last, high + last, -4 * chunk as i32),
        };
        asm.emit(Operation::SlotAddress(source, from));
        asm.emit(Operation::SlotAddress(target, to));
        if chunks > 1 {
            asm.emit(Operation::Immediate(count, chunks as i32));
        }
        let next = asm.here();
        asm.times(chunks.into(), |asm| {
            for word_index in (0..chunk).step_by(2) {
                let pair = [(word, word_index), (piece, word_index + 1)];
                let pair = pair.into_iter().filter(|&(_, index)| index < chunk);
                for (register, index) in pair.clone() {
                    asm.emit(Operation::Load(register, source, 4 * index));
                }
                for (register, index) in pair {
                    asm.emit(Operation::Store(register, target, 4 * index));
                }
            }
            if chunks > 1 {
                asm.emit(Operation::AddImmediate(source, step));
                asm.emit(Operation::AddImmediate(target, step));
                asm.emit(Operation::AddImmediate(count, -1));
                asm.branch(Condition::NotZero(count), share_of_loops(chunks), next);
            }
        });
    }

    /// Takes the row apart that the frame says, to `target`.
    pub(crate) fn take_row(&self, asm: &mut Assembly<'_>) {
        let Self { layer, strip, .. } = self;
        let Registers {
            source,
            word,
            piece,
            ..
        } = Registers::of(self.roles);
        if layer.signed_inputs {
            asm.emit(Operation::Immediate(
                self.roles.low[0],
                self.nothing() as i32,
            ));
        }
        asm.emit(Operation::LoadSlot(source, strip.input_slot));
        if !strip.has_phases(layer) {
            self.take_apart(asm, 0);
            return;
        }
        let (upper, done) = (asm.label(), asm.label());
        asm.emit(Operation::ShiftLeft(word, source, 31));
        asm.emit(Operation::ShiftRight(source, source, 1));
        asm.emit(Operation::LoadSlot(piece, frame::ARENA));
        asm.emit(Operation::Add(source, source, piece));
        asm.emit(Operation::ShiftRight(word, word, 31));
        asm.branch(Condition::NotZero(word), 0.5, upper);
        asm.times(0.5, |asm| {
            self.take_apart(asm, 0);
            asm.jump(done);
            asm.bind(upper);
            self.take_apart(asm, 1);
        });
        asm.bind(done);
    }

    /// Takes the next row in, to `target`.
    fn take(&self, asm: &mut Assembly<'_>) {
        let Self { layer, strip, .. } = self;
        let Registers {
            source,
            target,
            word,
            piece,
            count,
        } = Registers::of(self.roles);
        let (outside, done) = (asm.label(), asm.label());
        let looks_at_rows = strip.looks_at_rows(layer);
        if looks_at_rows {
            asm.emit(Operation::LoadSlot(source, frame::INPUT_ROW));
            asm.emit(Operation::Immediate(piece, 0));
            asm.branch(Condition::Less(source, piece), 0.1, outside);
            asm.emit(Operation::Immediate(piece, layer.input.height as i32 - 1));
            asm.branch(Condition::Less(piece, source), 0.1, outside);
        }
        self.take_row(asm);
        if looks_at_rows {
            asm.jump(done);
            asm.bind(outside);
            asm.times(0.1, |asm| {
                self.zeros_from(asm, (target, word, count), strip.row_bytes() / 4);
            });
        }
        asm.bind(done);
        self.move_on(asm, 1);
    }

    /// Goes on that many rows further.
    fn move_on(&self, asm: &mut Assembly<'_>, rows: u32) {
        let Self { layer, strip, .. } = self;
        let Registers { source, piece, .. } = Registers::of(self.roles);
        let cells = i64::from(rows * layer.input.row_cells());
        let cells = if layer.backward { -cells } else { cells };
        let step = match strip.has_phases(layer) {
            true => cells,
            false => cells / i64::from(8 / layer.bits),
        };
        asm.emit(Operation::LoadSlot(source, strip.input_slot));
        add_constant(asm, source, step, piece);
        asm.emit(Operation::StoreSlot(source, strip.input_slot));
        if strip.looks_at_rows(layer) {
            asm.emit(Operation::LoadSlot(source, frame::INPUT_ROW));
            let rows = rows as i32;
            let step = if layer.backward { -rows } else { rows };
            asm.emit(Operation::AddImmediate(source, step));
            asm.emit(Operation::StoreSlot(source, frame::INPUT_ROW));
        }
    }
}

/// How often a loop's branch back is taken, of that many times around.
pub(crate) fn share_of_loops(times: u32) -> f64 {
    1.0 - 1.0 / f64::from(times)
}
