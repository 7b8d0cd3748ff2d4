//! Positions: pointers, doubled where pixels may begin in the middle of a byte.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::instruction::Condition;
use crate::backend::avr::isa::ports::stack_pointer;
use crate::backend::avr::isa::registers::{Pointer, X};

/// Cells in units of a position.
pub(crate) fn position_of_cells(cells: u32, bits: u32, by_nibble: bool) -> u32 {
    if bits == 8 || by_nibble {
        cells
    } else {
        cells / 2
    }
}

/// The position of a cell of the arena, which is after the cursor, from the
/// network's address on.
pub(crate) fn position_in_network(cell: u32, bits: u32, by_nibble: bool, cursor_bytes: u32) -> u32 {
    let units = if by_nibble { 2 } else { 1 };
    units * cursor_bytes + position_of_cells(cell, bits, by_nibble)
}

/// X holds a position in nibbles: makes it a pointer, and emits `body` for the
/// low nibble (`false`) and the high one.
pub(crate) fn by_parity(asm: &mut Assembly, body: &mut dyn FnMut(&mut Assembly, bool)) {
    let (odd, join) = (asm.label(), asm.label());
    asm.lsr(X.next());
    asm.ror(X);
    asm.branch(Condition::Lower, odd, 0.5);
    asm.times(0.5, |asm| {
        body(asm, false);
        asm.jump(join);
    });
    asm.bind(odd);
    asm.times(0.5, |asm| body(asm, true));
    asm.bind(join);
}

/// X ← after the first of `count` bytes that were pushed last: `ld -X` then
/// gives them in the order of pushing.
pub(crate) fn point_at_pushed(asm: &mut Assembly, count: u32, pushed_since: u32) {
    stack_pointer(asm, Pointer::X);
    asm.add_to_pair(X, (count + pushed_since + 1) as i32);
}
