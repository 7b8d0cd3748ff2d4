//! How deep the stack has been: what lies below it is painted at the start.

use core::ptr;

/// What no return address and seldom a value is.
const PAINT: u32 = 0xA5A5_5A5A;

/// Words that stay unpainted below the caller's stack pointer: `paint` uses some itself.
const OWN_WORDS: usize = 32;

unsafe extern "C" {
    /// The end of all that is static, by cortex-m-rt's linker script.
    static mut __sheap: u32;
    /// The top of the stack.
    static _stack_start: u32;
}

fn lowest() -> *mut u32 {
    &raw mut __sheap
}

/// Paints all between what is static and the stack.
#[inline(never)]
pub(crate) fn paint() {
    let end = (cortex_m::register::msp::read() as *mut u32).wrapping_sub(OWN_WORDS);
    let mut word = lowest();
    while word < end {
        // SAFETY: nothing is between what is static and the stack, which has not come here yet.
        unsafe { ptr::write_volatile(word, PAINT) };
        word = word.wrapping_add(1);
    }
}

/// Bytes from the top of the stack to the lowest word that has been used.
pub(crate) fn deepest_bytes() -> u16 {
    let top = &raw const _stack_start;
    let mut word = lowest().cast_const();
    // SAFETY: these are words of SRAM; whoever uses them meanwhile is this function's caller,
    // above all that is painted.
    while word < top && unsafe { ptr::read_volatile(word) } == PAINT {
        word = word.wrapping_add(1);
    }
    (top as usize - word as usize) as u16
}
