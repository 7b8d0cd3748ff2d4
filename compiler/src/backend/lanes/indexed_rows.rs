//! Rows of a map whose fields reach beyond it, or wait for those of another map: each is found by its
//! index, and where there is none, the strip has zeros.
//!
//! Below the map, rows of the first one go on as if there were more, at which nothing arrives.

use super::assembly::Assembly;
use super::frame;
use super::grid_rows::row_index;
use super::isa::{Condition, Operation};
use super::multiples::multiply;
use super::ring::{GoingAround, address_of_slot, load_position};
use super::stage::IndexedRing;
use super::strip::{Registers, Taking, add_constant, share_of_loops};

/// The index of the next row to take.
const ROW: u32 = frame::GROUPS;
/// How many rows of the map there are.
const ROWS_THERE: u32 = frame::FIELD;

impl IndexedRing {
    /// From the newest row to the oldest one of a field of that many rows.
    fn to_oldest(self, rows: u32) -> i64 {
        1 - i64::from(rows) - i64::from(self.beyond)
    }
}

impl Taking<'_> {
    /// Takes the rows of the field apart, but for the oldest one where that was taken before the
    /// newest one came.
    pub(super) fn take_indexed(
        &self,
        asm: &mut Assembly<'_>,
        indexed: &IndexedRing,
        took_oldest: bool,
    ) {
        let Registers {
            target,
            word: row,
            piece,
            count,
            ..
        } = Registers::of(self.roles);
        let strip = &self.strip;
        if strip.rows == 1 {
            self.take_single_indexed(asm, indexed, took_oldest);
            return;
        }
        row_index(asm, self.roles, indexed.timing);
        asm.emit(Operation::Immediate(count, strip.rows as i32));
        let last = indexed.height as i32 - 1;
        let (all, below) = (asm.label(), asm.label());
        asm.emit(Operation::Immediate(piece, last));
        asm.branch(Condition::Less(piece, row), 0.1, below);
        asm.emit(Operation::Move(piece, row));
        let mut first_byte = strip.first_byte;
        if took_oldest {
            first_byte += strip.row_bytes();
            asm.emit(Operation::AddImmediate(row, 1));
            asm.emit(Operation::AddImmediate(count, -1));
        }
        asm.emit(Operation::SlotAddress(target, first_byte));
        asm.jump(all);
        // Nothing came: the oldest one is still there.
        asm.bind(below);
        asm.times(0.1, |asm| {
            asm.emit(Operation::SlotAddress(target, strip.first_byte));
        });
        asm.bind(all);
        asm.emit(Operation::AddImmediate(piece, 1));
        asm.emit(Operation::StoreSlot(piece, ROWS_THERE));
        asm.emit(Operation::StoreSlot(target, frame::TARGET));
        asm.emit(Operation::StoreSlot(count, frame::INPUT_ROWS));
        add_constant(asm, row, indexed.to_oldest(strip.rows), piece);
        let next = asm.here();
        let times = strip.rows - u32::from(took_oldest);
        asm.times(times.into(), |asm| {
            asm.emit(Operation::StoreSlot(row, ROW));
            self.take_indexed_row(asm, indexed);
            asm.emit(Operation::LoadSlot(target, frame::TARGET));
            add_constant(asm, target, strip.row_bytes().into(), piece);
            asm.emit(Operation::StoreSlot(target, frame::TARGET));
            asm.emit(Operation::LoadSlot(row, ROW));
            asm.emit(Operation::AddImmediate(row, 1));
            asm.emit(Operation::LoadSlot(count, frame::INPUT_ROWS));
            asm.emit(Operation::AddImmediate(count, -1));
            asm.emit(Operation::StoreSlot(count, frame::INPUT_ROWS));
            asm.branch(Condition::NotZero(count), share_of_loops(times), next);
        });
    }

    /// The same of a field of one row, unless that was taken.
    fn take_single_indexed(&self, asm: &mut Assembly<'_>, indexed: &IndexedRing, was_taken: bool) {
        let Registers {
            target,
            word: row,
            piece,
            ..
        } = Registers::of(self.roles);
        let (below, done) = (asm.label(), asm.label());
        row_index(asm, self.roles, indexed.timing);
        asm.emit(Operation::Immediate(piece, indexed.height as i32 - 1));
        asm.branch(Condition::Less(piece, row), 0.1, below);
        match was_taken {
            true => asm.jump(done),
            false => asm.emit(Operation::Move(piece, row)),
        }
        asm.bind(below);
        asm.times(if was_taken { 0.1 } else { 1.0 }, |asm| {
            asm.emit(Operation::AddImmediate(piece, 1));
            asm.emit(Operation::StoreSlot(piece, ROWS_THERE));
            add_constant(asm, row, indexed.to_oldest(1), piece);
            asm.emit(Operation::SlotAddress(target, self.strip.first_byte));
            asm.emit(Operation::StoreSlot(target, frame::TARGET));
            self.take_indexed_row(asm, indexed);
        });
        asm.bind(done);
    }

    /// Takes the oldest row of the field apart, before its newest one is there.
    pub(super) fn take_oldest_indexed(&self, asm: &mut Assembly<'_>, indexed: &IndexedRing) {
        let Registers {
            target,
            word: row,
            piece,
            ..
        } = Registers::of(self.roles);
        row_index(asm, self.roles, indexed.timing);
        asm.emit(Operation::StoreSlot(row, ROWS_THERE));
        add_constant(asm, row, indexed.to_oldest(self.strip.rows), piece);
        asm.emit(Operation::StoreSlot(row, ROW));
        asm.emit(Operation::SlotAddress(target, self.strip.first_byte));
        asm.emit(Operation::StoreSlot(target, frame::TARGET));
        self.take_indexed_row(asm, indexed);
    }

    /// Takes the row apart whose index is `word`, or zeros where there is none.
    fn take_indexed_row(&self, asm: &mut Assembly<'_>, indexed: &IndexedRing) {
        let Registers {
            source,
            target,
            word: row,
            piece,
            count,
        } = Registers::of(self.roles);
        let IndexedRing { ring, height, .. } = indexed;
        let slot = row;
        let (outside, inside, done) = (asm.label(), asm.label(), asm.label());
        asm.branch(Condition::Negative(row), 0.1, outside);
        asm.emit(Operation::Immediate(piece, *height as i32 - 1));
        asm.branch(Condition::Less(piece, row), 0.1, outside);
        asm.emit(Operation::LoadSlot(piece, ROWS_THERE));
        asm.emit(Operation::Subtract(piece, piece, row));
        asm.emit_all(multiply(asm.isa(), ring.width as i32, [count, piece]));
        load_position(asm, ring, [slot, piece]);
        asm.emit(Operation::Subtract(slot, slot, count));
        asm.emit(Operation::Immediate(piece, -1));
        asm.branch(Condition::Less(piece, slot), 0.5, inside);
        add_constant(asm, slot, ring.pixels.into(), piece);
        asm.bind(inside);
        let form = (self.layer.bits, self.strip.has_phases(self.layer));
        address_of_slot(asm, ring, form, [source, slot]);
        asm.emit(Operation::StoreSlot(source, frame::INPUT));
        asm.emit(Operation::LoadSlot(target, frame::TARGET));
        self.take_row(asm);
        asm.jump(done);
        asm.bind(outside);
        asm.times(0.1, |asm| {
            asm.emit(Operation::LoadSlot(target, frame::TARGET));
            self.zeros_from(asm, (target, row, count), self.strip.row_bytes() / 4);
        });
        asm.bind(done);
    }

    /// Nothing to that many groups beside a row; moves `target` on.
    pub(super) fn nothing_beside(&self, asm: &mut Assembly<'_>, groups: u32) {
        let Registers { target, word, .. } = Registers::of(self.roles);
        if groups == 0 {
            return;
        }
        asm.emit(Operation::Immediate(word, self.nothing() as i32));
        for _ in 0..groups * self.strip.words {
            asm.emit(Operation::Store(word, target, 0));
            asm.emit(Operation::AddImmediate(target, 4));
        }
    }

    /// Takes a row apart of which each pair of pixels in the ring goes to two groups of lanes, and
    /// which may go on at the ring's beginning after any pair.
    pub(super) fn take_between_pairs(&self, asm: &mut Assembly<'_>, indexed: &IndexedRing) {
        let registers = Registers::of(self.roles);
        let Registers {
            source,
            word,
            piece,
            count,
            ..
        } = registers;
        // The first one may have what offsets values.
        let second = self.roles.low[1];
        let (layer, strip) = (self.layer, &self.strip);
        let pixel_cells = i64::from(layer.input.pixel_cells);
        let pair_bytes = 2 * pixel_cells / i64::from(8 / layer.bits);
        let before = layer.padding.1 / 2;
        self.nothing_beside(asm, before);
        let from = [(source, pixel_cells), (source, 0)];
        self.take_group(asm, &registers, from, &[false, true]);
        let after = strip.groups - before - 1;
        let times = (layer.input.width / 2 - 1).min(after);
        if times > 0 {
            asm.emit(Operation::Immediate(count, times as i32));
            let next = asm.here();
            let mut going_around = None;
            asm.times(times.into(), |asm| {
                asm.emit(Operation::Move(second, source));
                add_constant(asm, second, pair_bytes, piece);
                let form = (layer.bits, false);
                let places = [second, piece, word];
                going_around = Some(GoingAround::begin(asm, &indexed.ring, form, places));
                let from = [(source, pixel_cells), (second, 0)];
                self.take_group(asm, &registers, from, &[true, true]);
                asm.emit(Operation::Move(source, second));
                asm.emit(Operation::AddImmediate(count, -1));
                asm.branch(Condition::NotZero(count), share_of_loops(times), next);
            });
            if let Some(going_around) = going_around {
                going_around.end(asm);
            }
        }
        if after > times {
            self.take_group(asm, &registers, from, &[true, false]);
            self.nothing_beside(asm, after - times - 1);
        }
    }
}
