//! Takes the samples of a frame over USART0, two bytes each, and answers with the values of its row,
//! two bytes each; little-endian. GPIOR0 says when it computes. `xtask/tests/features.rs` builds and
//! runs it in the simulator.

use avr_device::atmega328p::cpu::RegisterBlock as Cpu;
use avr_device::atmega328p::usart0::RegisterBlock as Serial;
use avr_device::atmega328p::{CPU, USART0};

/// UBRR for 115200 baud at 16 MHz with U2X.
const BAUD_RATE_DIVISOR: u16 = 16;
/// What GPIOR0 holds while it computes and while it does not.
const COMPUTING: u8 = 1;
const IDLE: u8 = 2;

/// What is computed of frames.
pub trait Computes {
    /// Takes a sample; whether it was a frame's last.
    fn push(&mut self, sample: i16) -> bool;

    /// Gives the values of a full frame's row.
    fn row(&mut self, give: impl FnMut(i16));
}

/// Exchanges samples for rows.
pub fn forever(frame: &mut impl Computes) -> ! {
    // SAFETY: both addresses are those of the part's registers, and nothing else uses them.
    let (serial, cpu) = unsafe { (&*USART0::ptr(), &*CPU::ptr()) };
    serial
        .ubrr0()
        .write(|register| register.set(BAUD_RATE_DIVISOR));
    serial.ucsr0a().write(|register| register.u2x0().set_bit());
    serial
        .ucsr0b()
        .write(|register| register.rxen0().set_bit().txen0().set_bit());
    loop {
        exchange(serial, cpu, frame);
    }
}

/// Takes a sample, and answers when it was a frame's last.
#[inline(never)]
fn exchange(serial: &Serial, cpu: &Cpu, frame: &mut impl Computes) {
    let sample = i16::from_le_bytes([receive(serial), receive(serial)]);
    if !frame.push(sample) {
        return;
    }
    let mark = |value| cpu.gpior0().write(|register| register.set(value));
    mark(COMPUTING);
    frame.row(|value| {
        mark(IDLE);
        let [low, high] = value.to_le_bytes();
        send(serial, low);
        send(serial, high);
        mark(COMPUTING);
    });
    mark(IDLE);
}

fn receive(serial: &Serial) -> u8 {
    while serial.ucsr0a().read().rxc0().bit_is_clear() {}
    serial.udr0().read().bits()
}

fn send(serial: &Serial, byte: u8) {
    while serial.ucsr0a().read().udre0().bit_is_clear() {}
    serial.udr0().write(|register| register.set(byte));
}

/// Nothing panics, but the language wants a handler all the same.
#[inline(never)]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
