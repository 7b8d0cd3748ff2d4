//! The frame of such a function: words at these offsets from the stack pointer.

use crate::backend::lanes::isa::{InstructionSet, Roles};

/// Where the next byte goes.
pub(super) const OUTPUT: u32 = 0;
/// The values, or the addresses of their pieces.
pub(super) const PIECES: u32 = 4;
/// The address of the next piece's address.
pub(super) const NEXT_PIECE: u32 = 8;
/// Pieces that are left.
pub(super) const PIECES_LEFT: u32 = 12;
/// Groups of values of a piece that are left.
pub(super) const GROUPS: u32 = 16;
/// The next weights.
pub(super) const WEIGHTS: u32 = 20;
/// What is taken off the next sum.
pub(super) const START: u32 = 24;
/// How the next sum is made a byte.
pub(super) const SCALE: u32 = 28;
/// Passes over the values that are left.
pub(super) const PASSES: u32 = 32;
/// Sums that are still to be made bytes.
pub(super) const SUMS_LEFT: u32 = 36;
/// Where in a piece the channels of the pass begin.
pub(super) const CHANNEL: u32 = 40;
/// The sums of a pass.
pub(super) const SUMS: u32 = 44;

/// Bytes of the frame, whatever the form of the code: as many sums as there are registers for.
pub(super) fn bytes(isa: &dyn InstructionSet) -> u32 {
    let Roles { low, high, .. } = isa.roles();
    // One has that of the mask.
    let sums = (low.len() + high.len() + 1) as u32;
    (SUMS + 4 * sums).next_multiple_of(isa.stack_alignment())
}
