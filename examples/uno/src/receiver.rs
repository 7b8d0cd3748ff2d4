//! Receiving while the network computes.
//!
//! Where a pixel goes through all layers before the next is taken, that may be several thousand
//! cycles, in which three bytes and more arrive, of which USART0 holds two (ATmega328P datasheet,
//! DS40002061B, "Receiver"). An interrupt moves them to SRAM, where they wait.

use core::sync::atomic::{AtomicU8, AtomicU16, Ordering};

use avr_device::atmega328p::USART0;
use avr_device::atmega328p::usart0::RegisterBlock as Serial;

/// One more than the bytes that may wait.
///
/// Only the odd rows of an image complete pixels of the 14×14 averages, one every other byte, which
/// takes 2 × 1,360 cycles on the line. The last eight of a row go through all three convolutions:
/// 34,706 / 144 + 87,478 / 100 + 106,836 / 64 = 2,785 cycles (`Digits::PLAN`), and four of them
/// through an input of the dense layer, 356. These numbers are for activations half of which are 0;
/// what is skipped then is less than half of the work, so no image takes twice as much. At worst a
/// row leaves 8 × (2 × 2,785 − 2 × 1,360) + 4 × 2 × 356 = 25,648 cycles to do, while 19 bytes
/// arrive; then an even row, of 28 × 1,360 = 38,080 cycles on the line and few of computing, makes
/// up for it. The last pixel's own time is in this. From tables (`code: table`) a row would take
/// too long: such a firmware needs a slower line.
#[cfg(not(any(feature = "accurate", feature = "residual")))]
const CAPACITY: usize = 32;
/// One more than the bytes that may wait: a whole image. The sender waits for its answer, so
/// nothing is lost however long the network computes.
#[cfg(any(feature = "accurate", feature = "residual"))]
const CAPACITY: usize = digits::Digits::INPUT_LEN + 1;

/// A ring: a byte that arrives is put at `ARRIVED`, and the next is taken from `TAKEN`, unless the
/// two are the same.
static WAITING: [AtomicU8; CAPACITY] = [const { AtomicU8::new(0) }; CAPACITY];
static ARRIVED: AtomicU16 = AtomicU16::new(0);
static TAKEN: AtomicU16 = AtomicU16::new(0);

#[avr_device::interrupt(atmega328p)]
fn USART_RX() {
    // SAFETY: the address is that of the part's registers, and nothing else reads this one.
    let byte = unsafe { &*USART0::ptr() }.udr0().read().bits();
    let arrived = ARRIVED.load(Ordering::Relaxed);
    if let Some(place) = WAITING.get(usize::from(arrived)) {
        place.store(byte, Ordering::Relaxed);
    }
    ARRIVED.store(behind(arrived), Ordering::Release);
}

/// Lets bytes interrupt whatever runs.
pub fn start(serial: &Serial) {
    serial
        .ucsr0b()
        .modify(|_, register| register.rxcie0().set_bit());
    // SAFETY: the handler shares nothing with other code but what is atomic.
    unsafe { avr_device::interrupt::enable() };
}

/// The next byte.
pub fn receive() -> u8 {
    let taken = TAKEN.load(Ordering::Relaxed);
    while ARRIVED.load(Ordering::Acquire) == taken {
        core::hint::spin_loop();
    }
    let byte = WAITING.get(usize::from(taken));
    let byte = byte.map_or(0, |place| place.load(Ordering::Relaxed));
    TAKEN.store(behind(taken), Ordering::Release);
    byte
}

/// The place in the ring behind that one.
fn behind(place: u16) -> u16 {
    if usize::from(place) + 1 < CAPACITY {
        place + 1
    } else {
        0
    }
}
