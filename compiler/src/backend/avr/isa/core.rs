//! What parts differ in.

use crate::target::Target;

/// What a part's instruction set can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Core {
    /// Whether it has `mul`.
    pub(crate) multiplies: bool,
    /// Whether tables may be beyond the 64 KB that `lpm` reaches.
    pub(crate) extended_flash: bool,
    /// Whether it has `jmp` and `call`; without, `rjmp` wraps around all flash.
    pub(crate) has_jmp: bool,
    pub(crate) program_counter: ProgramCounter,
    /// Whether it has SPH: parts whose SRAM ends below 0x100 reserve its address (ATtiny13A
    /// datasheet, DS40002307A, "Register Summary"; avr-gcc's `__AVR_SP8__`).
    pub(crate) has_stack_pointer_high: bool,
}

impl Core {
    /// The core of a part.
    pub fn of(target: &Target) -> Self {
        Self {
            multiplies: target.multiplies,
            extended_flash: target.flash_bytes > 1 << 16,
            has_jmp: target.flash_bytes > 1 << 13 || has_jmp_below_16_kilobytes(target),
            program_counter: ProgramCounter::of_flash(target.flash_bytes),
            // SRAM begins at 0x60 where there is no multiplier, and far above with one.
            has_stack_pointer_high: target.multiplies || target.sram_bytes > 0x100 - 0x60,
        }
    }

    /// What rustc's `target_feature`s say of a build for this core: each with
    /// whether it is there.
    pub(crate) fn features(self) -> [(&'static str, bool); 3] {
        [
            ("mul", self.multiplies),
            ("jmpcall", self.has_jmp),
            ("eijmpcall", self.program_counter.bytes == 3),
        ]
    }
}

/// Of parts with 8 KB and less, avr25 and avr4 do without `jmp` and `call`;
/// avr35 and the AVRxt core of tinyAVR 0, 1 and 2, which multiplies, have them
/// (AVR Instruction Set Manual, JMP, and avr-gcc's `__AVR_HAVE_JMP_CALL__`).
fn has_jmp_below_16_kilobytes(target: &Target) -> bool {
    let avr35 = ["at90usb82", "atmega8u2"].contains(&target.name);
    avr35 || target.name.starts_with("attiny") && target.multiplies
}

/// Bytes that a call leaves on the stack, and what it costs beyond two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProgramCounter {
    /// 2, or 3 where the flash is larger than 128 KB.
    pub(crate) bytes: u8,
}

impl ProgramCounter {
    /// Of a part with that much flash.
    pub(crate) fn of_flash(flash_bytes: u32) -> Self {
        Self {
            bytes: if flash_bytes > 1 << 17 { 3 } else { 2 },
        }
    }
}
