//! Two spoken words on a Cortex-M0 with 4 KB of SRAM and 32 KB of flash: TensorFlow Lite for
//! Microcontrollers' `micro_speech`, as its file is.
//!
//! Whoever makes features of sound, 49 rows of 40, hands each over as it comes. They are never in
//! memory all at once.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::sync::atomic::{AtomicI32, Ordering};

use cortex_m as _;
use cortex_m_rt::entry;
use panic_halt as _;
use static_cell::ConstStaticCell;

herringbone::network! {
    /// Silence, something else, "yes" or "no", of 49 × 40 features.
    Speech: env!("HERRINGBONE_MODEL"),
    target: stm32f030k6,
    plan: smallest,
}

static SPEECH: ConstStaticCell<Speech> = ConstStaticCell::new(Speech::new());

/// What [`FEATURE`] is when there is none, and [`CLASS`] until there is one.
const NONE: i32 = i32::MIN;

/// The next feature, from the interrupt that makes features.
#[unsafe(no_mangle)]
static FEATURE: AtomicI32 = AtomicI32::new(NONE);

/// What was heard last.
#[unsafe(no_mangle)]
static CLASS: AtomicI32 = AtomicI32::new(NONE);

#[entry]
fn main() -> ! {
    // Nothing has taken it before.
    let Some(speech) = SPEECH.try_take() else {
        loop {}
    };
    loop {
        // The interrupt is another program, which the compiler does not see.
        let feature = black_box(&FEATURE).load(Ordering::Acquire);
        if feature != NONE {
            if let Some(scores) = speech.push(feature as i8) {
                black_box(&CLASS).store(class_of(scores), Ordering::Relaxed);
            }
            FEATURE.store(NONE, Ordering::Release);
        }
    }
}

/// The index of the first largest score.
fn class_of(scores: [i8; Speech::OUTPUT_LEN]) -> i32 {
    let best = scores.iter().max();
    let class = scores.iter().position(|score| Some(score) == best);
    class.map_or(NONE, |class| class as i32)
}
