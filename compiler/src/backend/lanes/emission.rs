//! Results that are in the arena: one after the other to the caller.

use super::assembly::Assembly;
use super::frame;
use super::isa::{Condition, Operation, Register, Roles};
use super::layer::Emission;
use super::strip::{add_constant, share_of_loops};
use crate::plan::SumArray;

/// Emits the copy of one map.
pub(crate) fn emit(asm: &mut Assembly<'_>, emission: &Emission) {
    let Roles {
        base,
        word,
        value,
        multiple: target,
        mask: count,
        ..
    } = asm.isa().roles();
    let per_byte = 8 / emission.bits;
    let cells = emission.map.cells();
    asm.emit(Operation::LoadSlot(base, frame::ARENA));
    let first_byte = emission.map.first_cell / per_byte;
    add_constant(asm, base, first_byte.into(), value);
    asm.emit(Operation::LoadSlot(target, frame::RESULTS));
    let first_byte = emission.first_result * emission.bytes_each;
    add_constant(asm, target, first_byte.into(), value);
    let bytes = cells / per_byte;
    let values = |asm: &mut Assembly<'_>, cells: u32| {
        asm.emit(Operation::LoadByte(word, base, 0));
        for place in 0..cells {
            take(asm, emission, place, [value, word]);
            for byte in 0..emission.bytes_each {
                if byte > 0 {
                    asm.emit(Operation::ShiftRightSigned(value, value, 8));
                }
                let at = place * emission.bytes_each + byte;
                asm.emit(Operation::StoreByte(value, target, at));
            }
        }
    };
    if bytes > 0 {
        asm.emit(Operation::Immediate(count, bytes as i32));
        let next = asm.here();
        asm.times(bytes.into(), |asm| {
            values(asm, per_byte);
            asm.emit(Operation::AddImmediate(base, 1));
            let taken = per_byte * emission.bytes_each;
            asm.emit(Operation::AddImmediate(target, taken as i32));
            asm.emit(Operation::AddImmediate(count, -1));
            asm.branch(Condition::NotZero(count), share_of_loops(bytes), next);
        });
    }
    if !cells.is_multiple_of(per_byte) {
        values(asm, 1);
    }
}

/// Emits the copy of sums that are stored as results are.
pub(crate) fn emit_sums(asm: &mut Assembly<'_>, sums: SumArray) {
    let Roles {
        base,
        value,
        multiple: target,
        mask: count,
        ..
    } = asm.isa().roles();
    asm.emit(Operation::LoadSlot(base, frame::ARENA));
    add_constant(asm, base, sums.first_byte.into(), value);
    asm.emit(Operation::LoadSlot(target, frame::RESULTS));
    asm.emit(Operation::Immediate(count, sums.count as i32));
    let next = asm.here();
    asm.times(sums.count.into(), |asm| {
        for byte in 0..sums.bytes_each {
            asm.emit(Operation::LoadByte(value, base, byte));
            asm.emit(Operation::StoreByte(value, target, byte));
        }
        asm.emit(Operation::AddImmediate(base, sums.bytes_each as i32));
        asm.emit(Operation::AddImmediate(target, sums.bytes_each as i32));
        asm.emit(Operation::AddImmediate(count, -1));
        let share = share_of_loops(sums.count);
        asm.branch(Condition::NotZero(count), share, next);
    });
}

/// `value` ← an activation of a byte.
fn take(asm: &mut Assembly<'_>, emission: &Emission, place: u32, [value, byte]: [Register; 2]) {
    let (bits, by) = (emission.bits, place * emission.bits);
    asm.emit(Operation::ShiftLeft(value, byte, (32 - bits - by) as u8));
    let down = (32 - bits) as u8;
    asm.emit(match emission.signed {
        true => Operation::ShiftRightSigned(value, value, down),
        false => Operation::ShiftRight(value, value, down),
    });
}
