//! Two spoken words on a Cortex-M0+ with 3 KB of SRAM and 20 KB of flash: TensorFlow Lite for
//! Microcontrollers' `micro_speech`, as its file is.
//!
//! Whoever makes features of sound calls `hear` with each as it comes, 49 rows of 40; there is no
//! room for all of them, and none is needed.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use panic_halt as _;
use static_cell::ConstStaticCell;

herringbone::network! {
    /// Silence, something else, "yes" or "no", of 49 × 40 features.
    Speech: env!("HERRINGBONE_MODEL"),
    target: py32f002ax5,
}

static SPEECH: ConstStaticCell<Speech> = ConstStaticCell::new(Speech::new());

/// What the features come from; there is nothing at that address on the part itself.
const FEATURES: *const i8 = 0x4000_0000 as *const i8;

#[entry]
fn main() -> ! {
    let Some(speech) = SPEECH.try_take() else {
        loop {}
    };
    loop {
        hear(speech, unsafe { FEATURES.read_volatile() });
    }
}

#[inline(never)]
fn hear(speech: &mut Speech, feature: i8) {
    if let Some(scores) = speech.push(feature) {
        for score in scores {
            unsafe { (0x4000_0004 as *mut i8).write_volatile(score) };
        }
    }
}
