//! Receiving while the network computes.
//!
//! By the plan `streamed` one pixel may go through three convolutions, a pooling and a dense layer
//! before the next is taken: several thousand cycles, in which three bytes and more arrive, of
//! which USART0 holds two (ATmega328P datasheet, DS40002061B, "Receiver"). An interrupt moves them
//! to SRAM, where they wait.

use core::sync::atomic::{AtomicU8, Ordering};

use avr_device::atmega328p::USART0;
use avr_device::atmega328p::usart0::RegisterBlock as Serial;

/// How many bytes may wait.
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
const CAPACITY: usize = 32;

static WAITING: [AtomicU8; CAPACITY] = [const { AtomicU8::new(0) }; CAPACITY];
/// How many bytes have arrived and been taken, modulo 256: a multiple of the capacity, so that
/// either is an index too.
static ARRIVED: AtomicU8 = AtomicU8::new(0);
static TAKEN: AtomicU8 = AtomicU8::new(0);

#[avr_device::interrupt(atmega328p)]
fn USART_RX() {
    // SAFETY: the address is that of the part's registers, and nothing else reads this one.
    let byte = unsafe { &*USART0::ptr() }.udr0().read().bits();
    let arrived = ARRIVED.load(Ordering::Relaxed);
    WAITING[usize::from(arrived) % CAPACITY].store(byte, Ordering::Relaxed);
    ARRIVED.store(arrived.wrapping_add(1), Ordering::Release);
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
    let byte = WAITING[usize::from(taken) % CAPACITY].load(Ordering::Relaxed);
    TAKEN.store(taken.wrapping_add(1), Ordering::Release);
    byte
}
