//! The I/O addresses that code reads or writes.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::registers::Pointer;

/// The stack pointer's I/O addresses, the same on every part with the full
/// core (ATmega328P datasheet, DS40002061B, "Stack Pointer").
pub(crate) const SPL: u8 = 0x3D;
pub(crate) const SPH: u8 = 0x3E;

/// RAMPZ, the third byte of Z for `elpm` (ATmega2560 datasheet, DS40002211A,
/// "RAMPZ").
pub(crate) const RAMPZ: u8 = 0x3B;

/// Copies the stack pointer, which is one below the last byte pushed.
pub(crate) fn stack_pointer(asm: &mut Assembly, to: Pointer) {
    asm.read_port(to.low(), SPL);
    let high = to.low().next();
    match asm.core().has_stack_pointer_high {
        true => asm.read_port(high, SPH),
        // Without a change of flags, as that is.
        false => asm.ldi(high, 0),
    }
}
