//! The way of a pass over the values of all pieces.

use super::frame;
use super::pixel::{Block, PixelSums};
use crate::backend::PixelValues;
use crate::backend::lanes::assembly::Assembly;
use crate::backend::lanes::isa::{Condition, Operation, Roles};
use crate::backend::lanes::strip::share_of_loops;

/// Runs `pass` as often as the block says.
pub(super) fn for_each_pass(
    asm: &mut Assembly<'_>,
    block: Block,
    pass: impl FnOnce(&mut Assembly<'_>),
) {
    count_down(asm, (frame::PASSES, block.times), pass);
}

/// Runs `piece` with the address of each piece in `base`.
pub(super) fn for_each_piece(
    asm: &mut Assembly<'_>,
    sums: &PixelSums,
    piece: impl FnOnce(&mut Assembly<'_>),
) {
    let Roles { base, multiple, .. } = asm.isa().roles();
    asm.emit(Operation::LoadSlot(base, frame::PIECES));
    let pieces = match &sums.values {
        PixelValues::Together | PixelValues::OfOneTap(_) => {
            piece(asm);
            return;
        }
        PixelValues::ByAddress(pieces) => pieces.len() as u32,
    };
    asm.emit(Operation::StoreSlot(base, frame::NEXT_PIECE));
    count_down(asm, (frame::PIECES_LEFT, pieces), |asm| {
        asm.emit(Operation::LoadSlot(multiple, frame::NEXT_PIECE));
        asm.emit(Operation::Load(base, multiple, 0));
        asm.emit(Operation::AddImmediate(multiple, 4));
        asm.emit(Operation::StoreSlot(multiple, frame::NEXT_PIECE));
        piece(asm);
    });
}

/// Runs `body` that often, by a counter in that slot.
pub(super) fn count_down(
    asm: &mut Assembly<'_>,
    (slot, times): (u32, u32),
    body: impl FnOnce(&mut Assembly<'_>),
) {
    if times == 1 {
        body(asm);
        return;
    }
    let counter = asm.isa().roles().multiple;
    asm.emit(Operation::Immediate(counter, times as i32));
    asm.emit(Operation::StoreSlot(counter, slot));
    let next = asm.here();
    asm.times(times.into(), |asm| {
        body(asm);
        asm.emit(Operation::LoadSlot(counter, slot));
        asm.emit(Operation::AddImmediate(counter, -1));
        asm.emit(Operation::StoreSlot(counter, slot));
        asm.branch(Condition::NotZero(counter), share_of_loops(times), next);
    });
}
