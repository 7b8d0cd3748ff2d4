//! Rows between two stages that stay taken apart: pairs of pixels, as words of the strip.
//!
//! Their bytes are those of the ring that the plan has there. It is of single pixels, of which a
//! row is one after the other, the next one going over the oldest; rows that are read as a whole
//! need no more than that, so that there is room to begin at a word. Of a word that is not full
//! only what is used of both lanes is kept, as bytes after all words of the row.

use super::assembly::Assembly;
use super::convolution::Emitter;
use super::frame;
use super::isa::{Condition, Operation, Register};
use super::layer::Convolution;
use super::multiples::multiply;
use super::ring::point_into_cursor;
use super::stage::{Stage, StageInput, StageLayer, StageOutput, StoredRing};
use super::strip::{Registers, Strip, Taking, add_constant, share_of_loops};

/// Words that a turn of a loop copies at most.
const MOST_WORDS_OF_TURN: u32 = 10;

/// Words of a pair that stores reach from one address.
const MOST_WORDS: u32 = 31;

/// Rows of pairs of pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PairedRows {
    /// Of the network, where the first row is.
    pub(crate) first_byte: u32,
    /// Rows that are kept.
    pub(crate) rows: u32,
    /// Pairs of a row.
    pub(crate) pairs: u32,
    /// Words of a pair that are full, and channels of the one that is not, if there is one.
    pub(crate) full_words: u32,
    pub(crate) rest_channels: u32,
    pub(crate) bits: u32,
    /// The byte of the network that says which row is the oldest; `None` if it is the only one.
    pub(crate) position_byte: Option<u32>,
}

impl PairedRows {
    /// Bits of a lane that are used of a word which is not full.
    fn rest_bits(&self) -> u32 {
        self.rest_channels * self.bits
    }

    /// Bytes that it takes.
    pub(crate) fn rest_bytes(&self) -> u32 {
        (2 * self.rest_bits()).div_ceil(8)
    }

    /// Bytes from a row's beginning to the first of those.
    fn first_rest(&self) -> u32 {
        4 * self.pairs * self.full_words
    }

    /// Bytes from a row to the next one.
    fn row_bytes(&self) -> u32 {
        let bytes = self.first_rest() + self.pairs * self.rest_bytes();
        match self.full_words {
            0 => bytes,
            _ => bytes.next_multiple_of(4),
        }
    }

    fn bytes(&self) -> u32 {
        self.first_rest() + self.pairs * self.rest_bytes() + (self.rows - 1) * self.row_bytes()
    }

    /// What the network's address has to be a multiple of.
    pub(crate) fn alignment(&self) -> u32 {
        match self.full_words {
            0 => 1,
            _ => 4,
        }
    }

    /// Those between two layers, in the ring that is there; `registers` are those of a core for
    /// sums.
    fn between(
        writer: &Convolution,
        reader: &Convolution,
        (ring, cursor_bytes): (StoredRing, u32),
        registers: usize,
    ) -> Option<Self> {
        let bits = writer.bits;
        let strip = Strip::of(reader);
        let most_channels = 16 / bits;
        let takes_pairs = reader.lanes == 2 && !reader.signed_inputs && reader.pointwise.is_none();
        let gives_pairs = writer.lanes == 2
            && writer.pooled.is_none()
            && writer.pointwise.is_none()
            && writer.weights.outputs <= registers
            && writer.rounds_pairs();
        if !(takes_pairs && gives_pairs && strip.per_word == most_channels) {
            return None;
        }
        let channels = ring.pixel_cells;
        let rows = Self {
            first_byte: 0,
            rows: (reader.kernel.0 - 1).max(1),
            pairs: ring.width.div_ceil(2),
            full_words: channels / most_channels,
            rest_channels: channels % most_channels,
            bits,
            position_byte: None,
        };
        let ring_byte = cursor_bytes + ring.first_cell / (8 / bits);
        if rows.full_words > MOST_WORDS {
            return None;
        }
        let rows = Self {
            first_byte: ring_byte.next_multiple_of(rows.alignment()),
            ..rows
        };
        let end = ring_byte + ring.cells() / (8 / bits);
        if rows.first_byte + rows.bytes() > end {
            return None;
        }
        match (rows.rows, ring.position_byte()) {
            (1, _) => Some(rows),
            (_, position_byte) => position_byte.map(|_| Self {
                position_byte,
                ..rows
            }),
        }
    }
}

/// Lets stages that are neighbours keep pairs between them, where they can and no other one reads
/// these.
pub(crate) fn pair(stages: &mut [Stage], cursor_bytes: u32, registers: usize) {
    for index in 1..stages.len() {
        let Some(ring) = between(stages, index) else {
            continue;
        };
        let (before, after) = stages.split_at_mut(index);
        let (Some(writer), Some(reader)) = (before.last_mut(), after.first_mut()) else {
            continue;
        };
        let (StageLayer::Convolution(writer), StageLayer::Convolution(reader)) =
            (&mut writer.layer, &mut reader.layer)
        else {
            continue;
        };
        let (Some(mut written), Some(mut read)) = (writer.stage, reader.stage) else {
            continue;
        };
        let place = (ring, cursor_bytes);
        if let Some(rows) = PairedRows::between(writer, reader, place, registers) {
            written.output = StageOutput::Pairs(rows);
            read.input = StageInput::Pairs(rows);
            writer.stage = Some(written);
            writer.expectation_of_outputs = Some(Box::new(reader.expectation.clone()));
            reader.stage = Some(read);
        }
    }
}

/// The ring that the stage before the one with that index stores, if this one reads its rows at
/// once, and nothing else reads them.
fn between(stages: &[Stage], index: usize) -> Option<StoredRing> {
    let StageLayer::Convolution(reader) = &stages[index].layer else {
        return None;
    };
    let written = stages[index - 1].output_ring()?;
    let ring = match reader.stage?.input {
        StageInput::Ring(ring) => ring,
        StageInput::Indexed(_)
        | StageInput::Stacked(_)
        | StageInput::Pairs(_)
        | StageInput::Strip => return None,
    };
    let reads: usize = stages.iter().map(|stage| stage.reads_of(&written)).sum();
    let is_alone = ring.first_cell == written.first_cell && reads == 1 && !written.stays;
    is_alone.then_some(ring)
}

/// `to` ← the address of the oldest row. Changes `from`.
fn point_at_oldest(asm: &mut Assembly<'_>, rows: &PairedRows, [to, from]: [Register; 2]) {
    let network = frame::NETWORK;
    let Some(byte) = rows.position_byte else {
        asm.emit(Operation::LoadSlot(to, network));
        add_constant(asm, to, rows.first_byte.into(), from);
        return;
    };
    asm.emit(Operation::LoadSlot(to, network));
    let at = point_into_cursor(asm, to, byte);
    asm.emit(Operation::LoadByte(from, to, at));
    asm.emit_all(multiply(asm.isa(), rows.row_bytes() as i32, [to, from]));
    asm.emit(Operation::LoadSlot(from, network));
    asm.emit(Operation::Add(to, to, from));
    add_constant(asm, to, rows.first_byte.into(), from);
}

impl Taking<'_> {
    /// Copies the oldest row, or all that are there from the second one of the field on, to the
    /// strip.
    pub(crate) fn take_pairs(&self, asm: &mut Assembly<'_>, rows: &PairedRows, is_oldest: bool) {
        let registers = Registers::of(self.roles);
        let Registers {
            source,
            target,
            word,
            piece,
            count,
        } = registers;
        point_at_oldest(asm, rows, [source, word]);
        let strip = &self.strip;
        let first_row = u32::from(!is_oldest && strip.rows > 1);
        let first = strip.first_byte + first_row * strip.row_bytes();
        asm.emit(Operation::SlotAddress(target, first));
        if is_oldest || rows.rows == 1 {
            self.take_row_of_pairs(asm, rows);
            return;
        }
        asm.emit(Operation::Immediate(count, rows.rows as i32));
        asm.emit(Operation::StoreSlot(count, frame::INPUT_ROWS));
        asm.emit(Operation::StoreSlot(source, frame::INPUT));
        asm.emit(Operation::StoreSlot(target, frame::TARGET));
        let next = asm.here();
        asm.times(rows.rows.into(), |asm| {
            self.take_row_of_pairs(asm, rows);
            asm.emit(Operation::LoadSlot(source, frame::INPUT));
            add_constant(asm, source, rows.row_bytes().into(), piece);
            asm.emit(Operation::LoadSlot(word, frame::NETWORK));
            let all = rows.rows * rows.row_bytes();
            add_constant(asm, word, (rows.first_byte + all).into(), piece);
            let inside = asm.label();
            asm.branch(Condition::Less(source, word), 0.5, inside);
            add_constant(asm, source, -i64::from(all), piece);
            asm.bind(inside);
            self.next_row(asm, rows.rows, next);
        });
    }

    /// Copies the row at `source` to `target`.
    fn take_row_of_pairs(&self, asm: &mut Assembly<'_>, rows: &PairedRows) {
        let Registers {
            source,
            target,
            piece,
            count,
            ..
        } = Registers::of(self.roles);
        let pairs = rows.pairs.min(self.strip.groups);
        let has_rest = rows.rest_channels > 0;
        let words = rows.full_words + u32::from(has_rest);
        // As many pairs as make few words.
        let fits = |by: &u32| pairs.is_multiple_of(*by) && by * words <= MOST_WORDS_OF_TURN;
        let by = (1..=pairs).rev().find(fits).unwrap_or(1);
        let turns = pairs / by;
        let rest = self.roles.low[0];
        if has_rest {
            asm.emit(Operation::Move(rest, source));
            add_constant(asm, rest, rows.first_rest().into(), piece);
        }
        if turns > 1 {
            asm.emit(Operation::Immediate(count, turns as i32));
        }
        let next = asm.here();
        asm.times(turns.into(), |asm| {
            for pair in 0..by {
                self.take_pair(asm, rows, (pair, rest));
            }
            if turns > 1 {
                add_constant(asm, source, (4 * by * rows.full_words).into(), piece);
                add_constant(asm, target, (4 * by * words).into(), piece);
                if has_rest {
                    add_constant(asm, rest, (by * rows.rest_bytes()).into(), piece);
                }
                asm.emit(Operation::AddImmediate(count, -1));
                asm.branch(Condition::NotZero(count), share_of_loops(turns), next);
            }
        });
    }

    /// Copies one of the pairs at `source`, and what `rest` points at.
    fn take_pair(&self, asm: &mut Assembly<'_>, rows: &PairedRows, (pair, rest): (u32, Register)) {
        let Registers {
            source,
            target,
            word,
            piece,
            ..
        } = Registers::of(self.roles);
        let has_rest = rows.rest_channels > 0;
        let words = rows.full_words + u32::from(has_rest);
        for index in 0..rows.full_words {
            let from = 4 * (pair * rows.full_words + index);
            asm.emit(Operation::Load(word, source, from));
            asm.emit(Operation::Store(word, target, 4 * (pair * words + index)));
        }
        if !has_rest {
            return;
        }
        let first = pair * rows.rest_bytes();
        asm.emit(Operation::LoadByte(word, rest, first));
        for byte in 1..rows.rest_bytes() {
            asm.emit(Operation::LoadByte(piece, rest, first + byte));
            asm.emit(Operation::ShiftLeft(piece, piece, 8 * byte as u8));
            asm.emit(Operation::Or(word, piece));
        }
        let bits = rows.rest_bits() as u8;
        asm.emit(Operation::ShiftLeft(piece, word, 32 - bits));
        asm.emit(Operation::ShiftRight(piece, piece, 32 - bits));
        asm.emit(Operation::ShiftRight(word, word, bits));
        asm.emit(Operation::ShiftLeft(word, word, 16));
        asm.emit(Operation::Or(word, piece));
        let to = 4 * (pair * words + rows.full_words);
        asm.emit(Operation::Store(word, target, to));
    }
}

impl Emitter<'_> {
    /// Where a row of pairs goes: over the oldest one.
    pub(crate) fn begin_pairs(&self, asm: &mut Assembly<'_>, rows: &PairedRows) {
        let (value, word) = (self.roles.value, self.roles.word);
        point_at_oldest(asm, rows, [value, word]);
        asm.emit(Operation::StoreSlot(value, frame::OUTPUT));
        if rows.rest_channels > 0 {
            add_constant(asm, value, rows.first_rest().into(), word);
            asm.emit(Operation::StoreSlot(value, frame::OUTPUT_REST));
        }
        if let Some(rounding) = self.layer.rounding_of_pairs()
            && rounding.too_large != 0
        {
            asm.emit(Operation::Immediate(value, rounding.too_large as i32));
            asm.emit(Operation::StoreSlot(value, frame::TOO_LARGE));
        }
    }

    /// Moves on to the next pair.
    pub(crate) fn advance_pairs(&self, asm: &mut Assembly<'_>, rows: &PairedRows) {
        let (value, word) = (self.roles.value, self.roles.word);
        let steps = [
            (frame::OUTPUT, 4 * rows.full_words),
            (frame::OUTPUT_REST, rows.rest_bytes()),
        ];
        for (slot, bytes) in steps.into_iter().filter(|(_, bytes)| *bytes > 0) {
            asm.emit(Operation::LoadSlot(value, slot));
            add_constant(asm, value, bytes.into(), word);
            asm.emit(Operation::StoreSlot(value, slot));
        }
    }

    /// The row is there: the next one goes over the one after it.
    pub(crate) fn end_pairs(&self, asm: &mut Assembly<'_>, rows: &PairedRows) {
        let Some(byte) = rows.position_byte else {
            return;
        };
        let (value, word) = (self.roles.value, self.roles.word);
        asm.emit(Operation::LoadSlot(word, frame::NETWORK));
        let at = point_into_cursor(asm, word, byte);
        asm.emit(Operation::LoadByte(value, word, at));
        let inside = asm.label();
        asm.emit(Operation::AddImmediate(value, 1 - rows.rows as i32));
        asm.branch(Condition::Zero(value), 0.5, inside);
        asm.emit(Operation::AddImmediate(value, rows.rows as i32));
        asm.bind(inside);
        asm.emit(Operation::StoreByte(value, word, at));
    }
}
