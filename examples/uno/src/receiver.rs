//! Receiving while the network computes.
//!
//! By the plan `streamed` one pixel may go through three convolutions, a pooling and a dense layer
//! before the next is taken: several thousand cycles, in which three bytes and more arrive, of
//! which USART0 holds two (ATmega328P datasheet, DS40002061B, "Receiver"). An interrupt moves them
//! to SRAM, where they wait.

use crate::IDLE;
use core::sync::atomic::{AtomicU8, Ordering};

use avr_device::atmega328p::{CPU, USART0};
use avr_device::atmega328p::usart0::RegisterBlock as Serial;

/// How many bytes may wait.
const CAPACITY: usize = 32;

static WAITING: [AtomicU8; CAPACITY] = [const { AtomicU8::new(0) }; CAPACITY];
/// How many bytes have arrived and been taken, modulo 256: a multiple of the capacity, so that
/// either is an index too.
static ARRIVED: AtomicU8 = AtomicU8::new(0);
static TAKEN: AtomicU8 = AtomicU8::new(0);

#[avr_device::interrupt(atmega328p)]
fn USART_RX() {
    // SAFETY: both addresses are those of the part's registers; nothing else reads the data
    // register while bytes interrupt, and the mark is put back.
    let (serial, cpu) = unsafe { (&*USART0::ptr(), &*CPU::ptr()) };
    // Receiving is no part of computing.
    let mark = cpu.gpior0().read().bits();
    cpu.gpior0().write(|register| register.set(IDLE));
    let byte = serial.udr0().read().bits();
    let arrived = ARRIVED.load(Ordering::Relaxed);
    WAITING[usize::from(arrived) % CAPACITY].store(byte, Ordering::Relaxed);
    ARRIVED.store(arrived.wrapping_add(1), Ordering::Release);
    cpu.gpior0().write(|register| register.set(mark));
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
    while ARRIVED.load(Ordering::Acquire) == taken {}
    let byte = WAITING[usize::from(taken) % CAPACITY].load(Ordering::Relaxed);
    TAKEN.store(taken.wrapping_add(1), Ordering::Release);
    byte
}
