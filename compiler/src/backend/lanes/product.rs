//! A product of two numbers of 16 bits or less, on cores that multiply and on those that do not.

use crate::backend::lanes::assembly::Assembly;
use crate::backend::lanes::isa::{Condition, Operation, Register};

/// Adds `number · factor`, of which the number, of 16 bits or less, is changed and the factor kept.
/// Without a multiplier it takes the first two of the registers that are only added to, which `to`
/// is none of.
pub(crate) fn add_product(
    asm: &mut Assembly<'_>,
    to: Register,
    (number, factor): (Register, Register),
) {
    if asm.isa().multiplies() {
        asm.emit(Operation::Multiply(number, factor));
        asm.emit(Operation::Add(to, to, number));
        return;
    }
    let high = asm.isa().roles().high;
    let (multiple, bit) = (high[0], high[1]);
    asm.emit(Operation::Move(multiple, factor));
    let next = asm.here();
    // Until no bit is left: six of eight, say.
    asm.times(6.0, |asm| {
        let is_zero = asm.label();
        asm.emit(Operation::ShiftLeft(bit, number, 31));
        asm.branch(Condition::Zero(bit), 0.5, is_zero);
        asm.times(0.5, |asm| asm.emit(Operation::Add(to, to, multiple)));
        asm.bind(is_zero);
        asm.emit(Operation::Add(multiple, multiple, multiple));
        asm.emit(Operation::ShiftRight(number, number, 1));
        asm.branch(Condition::NotZero(number), 5.0 / 6.0, next);
    });
}

/// `number` becomes `number · factor`; without a multiplier it takes a third such register.
pub(crate) fn product(asm: &mut Assembly<'_>, number: Register, factor: Register) {
    if asm.isa().multiplies() {
        asm.emit(Operation::Multiply(number, factor));
        return;
    }
    let product = asm.isa().roles().high[2];
    asm.emit(Operation::Immediate(product, 0));
    add_product(asm, product, (number, factor));
    asm.emit(Operation::Move(number, product));
}
