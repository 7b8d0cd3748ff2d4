//! What the C ABI wants of a function (avr-gcc ABI, "Call-Saved Registers").

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::registers::{R2, R17, R28, R29, Register};

/// r2 to r17, r28 and r29.
fn saved() -> impl DoubleEndedIterator<Item = Register> {
    R2.to(R17).chain(R28.to(R29))
}

/// Pushes the registers that the C ABI wants saved.
pub(crate) fn save(asm: &mut Assembly) {
    for register in saved() {
        asm.push(register);
    }
}

/// Pops them.
pub(crate) fn restore(asm: &mut Assembly) {
    for register in saved().rev() {
        asm.pop(register);
    }
}
