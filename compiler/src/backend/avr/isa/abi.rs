//! What the C ABI wants of a function (avr-gcc ABI, "Call-Saved Registers").

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::registers::{R2, R17, R28, R29, Register, Registers};

/// r2 to r17, r28 and r29.
pub(crate) fn call_saved() -> impl DoubleEndedIterator<Item = Register> {
    R2.to(R17).chain(R28.to(R29))
}

/// Pushes those of the registers that the C ABI wants saved which the code changes.
pub(crate) fn save(asm: &mut Assembly) {
    for register in saved(asm.changed_by_code()) {
        asm.push(register);
    }
}

/// Pops them.
pub(crate) fn restore(asm: &mut Assembly) {
    for register in saved(asm.changed_by_code()).rev() {
        asm.pop(register);
    }
}

fn saved(changed: Registers) -> impl DoubleEndedIterator<Item = Register> {
    call_saved().filter(move |&register| changed.contains(register))
}
