//! Which row of a map comes at a row of the first one: they come every few of these.

use super::assembly::{Assembly, Label};
use super::frame;
use super::isa::{Condition, Operation, Roles};
use super::multiples::multiply;
use super::quotient::Quotient;
use super::strip::add_constant;
use crate::plan::AxisTiming;

/// `value` ← which row it is of those of that timing. Changes `word`.
pub(crate) fn row_index(asm: &mut Assembly<'_>, roles: &Roles, timing: AxisTiming) {
    let value = roles.value;
    asm.emit(Operation::LoadSlot(value, frame::GRID_ROW));
    add_constant(asm, value, -i64::from(timing.delay), roles.word);
    Quotient::of_byte(timing.stride).emit(asm, value, roles.word);
}

/// `value` ← what is left of it, a byte, by that. Changes `word` and `multiple`.
pub(crate) fn remainder(asm: &mut Assembly<'_>, roles: &Roles, by: u32) {
    let Roles {
        value,
        word,
        multiple,
        ..
    } = *roles;
    if by.is_power_of_two() {
        zero_if_multiple(asm, roles, by);
        if by > 1 {
            asm.emit(Operation::ShiftRight(value, value, 32 - by.ilog2() as u8));
        }
        return;
    }
    let Quotient { factor, shift, .. } = Quotient::of_byte(by);
    asm.emit_all(multiply(asm.isa(), factor, [word, value]));
    asm.emit(Operation::ShiftRight(word, word, shift));
    asm.emit_all(multiply(asm.isa(), by as i32, [multiple, word]));
    asm.emit(Operation::Subtract(value, value, multiple));
}

/// `value` ← 0 if it, a byte, is a multiple of that, else another value. Changes `word` and `multiple`.
pub(crate) fn zero_if_multiple(asm: &mut Assembly<'_>, roles: &Roles, by: u32) {
    let value = roles.value;
    match by.is_power_of_two().then(|| by.ilog2() as u8) {
        Some(0) => asm.emit(Operation::Immediate(value, 0)),
        Some(log2) => asm.emit(Operation::ShiftLeft(value, value, 32 - log2)),
        None => remainder(asm, roles, by),
    }
}

/// Whether such rows come as long as there are rows of the grid.
fn goes_on(timing: AxisTiming, rows: u32) -> bool {
    let AxisTiming {
        delay,
        stride,
        count,
    } = timing;
    rows.saturating_sub(delay).div_ceil(stride) == count
}

/// Goes on at `not_due` where that row of the grid brings none.
pub(crate) fn unless_due(
    asm: &mut Assembly<'_>,
    roles: &Roles,
    (timing, rows): (AxisTiming, u32),
    not_due: Label,
) {
    let (value, word) = (roles.value, roles.word);
    let AxisTiming {
        delay,
        stride,
        count,
    } = timing;
    let goes_on = goes_on(timing, rows);
    if delay == 0 && stride == 1 && goes_on {
        return;
    }
    asm.emit(Operation::LoadSlot(value, frame::GRID_ROW));
    add_constant(asm, value, -i64::from(delay), word);
    if delay > 0 {
        asm.branch(Condition::Negative(value), 0.1, not_due);
    }
    if !goes_on {
        let last = (count - 1) * stride;
        asm.emit(Operation::Immediate(word, last as i32));
        asm.branch(Condition::Less(word, value), 0.1, not_due);
    }
    if stride > 1 {
        zero_if_multiple(asm, roles, stride);
        asm.branch(Condition::NotZero(value), 0.1, not_due);
    }
}
