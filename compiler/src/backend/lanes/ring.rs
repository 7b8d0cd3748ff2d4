//! Where a row is in a ring: from the cursor's position to an address, around the end.

use super::assembly::{Assembly, Label};
use super::frame;
use super::isa::{Condition, Operation, Register};
use super::multiples::multiply;
use super::stage::{NextPixel, StoredRing};
use super::strip::add_constant;

/// `to` ← the slot of the next pixel of a ring. Changes `scratch`.
pub(crate) fn load_position(
    asm: &mut Assembly<'_>,
    ring: &StoredRing,
    [to, scratch]: [Register; 2],
) {
    let byte = match ring.next {
        NextPixel::First => {
            asm.emit(Operation::Immediate(to, 0));
            return;
        }
        NextPixel::AfterGridRow => {
            after_grid_row(asm, ring, [to, scratch]);
            return;
        }
        NextPixel::AtCursor(byte) => byte,
    };
    asm.emit(Operation::LoadSlot(scratch, frame::NETWORK));
    let first = point_into_cursor(asm, scratch, byte);
    asm.emit(Operation::LoadByte(to, scratch, first));
    // What slots there are fits a byte, or not.
    if ring.pixels > 256 {
        asm.emit(Operation::LoadByte(scratch, scratch, first + 1));
        asm.emit(Operation::ShiftLeft(scratch, scratch, 8));
        asm.emit(Operation::Or(to, scratch));
    }
}

/// The same of a map of whose rows those up to that of the grid are there.
fn after_grid_row(asm: &mut Assembly<'_>, ring: &StoredRing, [to, scratch]: [Register; 2]) {
    let rows = ring.pixels / ring.width;
    let is_inside = asm.label();
    asm.emit(Operation::LoadSlot(scratch, frame::GRID_ROW));
    asm.emit(Operation::AddImmediate(scratch, 1));
    asm.emit(Operation::Immediate(to, rows as i32));
    asm.branch(Condition::Less(scratch, to), 0.9, is_inside);
    asm.times(0.1, |asm| asm.emit(Operation::Immediate(scratch, 0)));
    asm.bind(is_inside);
    asm.emit_all(multiply(asm.isa(), ring.width as i32, [to, scratch]));
}

/// The offset from a pointer to the network at which a byte of the cursor is; moves the pointer
/// on where that is too far.
pub(crate) fn point_into_cursor(asm: &mut Assembly<'_>, pointer: Register, byte: u32) -> u32 {
    if byte < 31 {
        return byte;
    }
    asm.emit(Operation::AddImmediate(pointer, byte as i32));
    0
}

/// `register` is a slot of a ring, or one after all of them: goes around.
pub(crate) fn around(
    asm: &mut Assembly<'_>,
    ring: &StoredRing,
    [register, scratch]: [Register; 2],
) {
    let inside = asm.label();
    asm.emit(Operation::Immediate(scratch, ring.pixels as i32));
    asm.branch(Condition::Less(register, scratch), 0.8, inside);
    asm.times(0.2, |asm| {
        add_constant(asm, register, -i64::from(ring.pixels), scratch);
    });
    asm.bind(inside);
}

/// `register` is the slot of the next pixel, and becomes that of the pixel that many before it.
pub(crate) fn slot_before(
    asm: &mut Assembly<'_>,
    ring: &StoredRing,
    back: u32,
    [register, scratch]: [Register; 2],
) {
    let ahead = ring.slots_back(back);
    if ahead > 0 {
        add_constant(asm, register, ahead.into(), scratch);
        around(asm, ring, [register, scratch]);
    }
}

/// `to` ← the address of the slot in `from`, or its cell of the arena if `by_cell`. Changes
/// `from`.
pub(crate) fn address_of_slot(
    asm: &mut Assembly<'_>,
    ring: &StoredRing,
    (bits, by_cell): (u32, bool),
    [to, from]: [Register; 2],
) {
    let per_byte = 8 / bits;
    let mut factor = ring.pixel_cells;
    if by_cell {
        asm.emit_all(multiply(asm.isa(), factor as i32, [to, from]));
        add_constant(asm, to, ring.first_cell.into(), from);
        return;
    }
    if per_byte == 2 && factor.is_multiple_of(2) {
        factor /= 2;
    } else if per_byte == 2 {
        // A row begins at an even pixel.
        asm.emit(Operation::ShiftRight(from, from, 1));
    }
    asm.emit_all(multiply(asm.isa(), factor as i32, [to, from]));
    asm.emit(Operation::LoadSlot(from, frame::ARENA));
    asm.emit(Operation::Add(to, to, from));
    add_constant(asm, to, (ring.first_cell / per_byte).into(), from);
}

/// Code, out of line, that goes back to a ring's first pixel.
pub(crate) struct GoingAround {
    place: Register,
    scratch: Register,
    distance: i64,
    back: Label,
    at_end: Label,
}

impl GoingAround {
    /// Emits the way there, of a place at the ring's end; the other registers are changed.
    pub(crate) fn begin(
        asm: &mut Assembly<'_>,
        ring: &StoredRing,
        form: (u32, bool),
        [place, end, scratch]: [Register; 3],
    ) -> Self {
        let (at_end, back) = (asm.label(), asm.label());
        let distance = ring_end(asm, ring, form, ([end, scratch], 1));
        asm.branch(Condition::Less(end, place), 0.05, at_end);
        asm.bind(back);
        Self {
            place,
            scratch,
            distance,
            back,
            at_end,
        }
    }

    /// Emits the code.
    pub(crate) fn end(self, asm: &mut Assembly<'_>) {
        let after = asm.label();
        asm.jump(after);
        asm.bind(self.at_end);
        asm.times(0.1, |asm| {
            add_constant(asm, self.place, -self.distance, self.scratch);
            asm.jump(self.back);
        });
        asm.bind(after);
    }
}

/// `to` ← the cell of the arena, or the address, after a ring's last one, less that many; gives
/// how far the former is from the first one.
pub(crate) fn ring_end(
    asm: &mut Assembly<'_>,
    ring: &StoredRing,
    (bits, by_cell): (u32, bool),
    ([to, scratch], less): ([Register; 2], u32),
) -> i64 {
    let end = ring.first_cell + ring.cells();
    if by_cell {
        asm.emit(Operation::Immediate(to, (end - less) as i32));
        return ring.cells().into();
    }
    let per_byte = 8 / bits;
    asm.emit(Operation::LoadSlot(to, frame::ARENA));
    let end_byte = end.div_ceil(per_byte);
    add_constant(asm, to, (end_byte - less).into(), scratch);
    ring.cells().div_ceil(per_byte).into()
}

/// `register -= distance` unless it is before the end, which the second one is.
pub(crate) fn back_from_end(
    asm: &mut Assembly<'_>,
    [register, end]: [Register; 2],
    distance: i64,
    scratch: Register,
) {
    let inside = asm.label();
    asm.branch(Condition::Less(register, end), 0.9, inside);
    asm.times(0.1, |asm| add_constant(asm, register, -distance, scratch));
    asm.bind(inside);
}
