//! Receiving while the network computes.
//!
//! A step takes as long as 20 bytes on the line, of which USART0 holds two (ATmega328P datasheet,
//! DS40002061B, "Receiver"). An interrupt moves bytes to SRAM, where they wait.

use core::sync::atomic::{AtomicU8, Ordering};

use avr_device::atmega328p::USART0;
use avr_device::atmega328p::usart0::RegisterBlock as Serial;

/// One more than the bytes that may wait. A step takes about as long as a row of 20 bytes on the
/// line, so of rows that follow one another at once two may wait, and what 32 steps are late by: less
/// than a row (the firmware's tests send all rows at the line's rate).
const CAPACITY: u8 = 64;

/// A ring: a byte that arrives is put at `ARRIVED`, and the next is taken from `TAKEN`, unless the
/// two are the same.
static WAITING: [AtomicU8; CAPACITY as usize] = [const { AtomicU8::new(0) }; CAPACITY as usize];
static ARRIVED: AtomicU8 = AtomicU8::new(0);
static TAKEN: AtomicU8 = AtomicU8::new(0);

#[avr_device::interrupt(atmega328p)]
fn USART_RX() {
    // SAFETY: the address is that of the part's registers, and nothing else reads this one.
    let byte = unsafe { &*USART0::ptr() }.udr0().read().bits();
    let arrived = ARRIVED.load(Ordering::Relaxed);
    if let Some(place) = WAITING.get(usize::from(arrived)) {
        place.store(byte, Ordering::Relaxed);
    }
    ARRIVED.store(place_after(arrived), Ordering::Release);
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
    TAKEN.store(place_after(taken), Ordering::Release);
    byte
}

/// The next place in the ring.
fn place_after(place: u8) -> u8 {
    (place + 1) % CAPACITY
}
