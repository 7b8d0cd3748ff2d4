//! Classifies handwritten digits on an Arduino Mega.
//!
//! The serial port (115200 baud, 8N1) takes 784 grey levels an image and answers each image with
//! 10 logits, little-endian `i16`, and one byte, the class. There is nothing to wait for but the
//! answer: every pixel goes into the network as it arrives, and the image itself is never held.
#![no_std]
#![no_main]

use avr_device::atmega2560::{Peripherals, USART0};
use mega::Digits;
use static_cell::ConstStaticCell;

/// UBRR for 115200 baud at 16 MHz with U2X: the line runs at 117647 baud, 2.1 % fast (ATmega2560
/// datasheet, DS40002211A, "Examples of Baud Rate Setting").
const BAUD_RATE_DIVISOR: u16 = 16;

/// What GPIOR0 holds while the network computes and while it does not, so that a simulator or a
/// debugger can tell computing from waiting.
const COMPUTING: u8 = 1;
const IDLE: u8 = 2;

/// The network, whose value is its whole working memory. Its cell gives it away once, and costs a
/// byte of SRAM.
static DIGITS: ConstStaticCell<Digits> = ConstStaticCell::new(Digits::new());

#[avr_device::entry]
fn main() -> ! {
    // `take` would panic where this waits; it is never reached, as `main` runs once.
    let Some(digits) = DIGITS.try_take() else {
        loop {
            core::hint::spin_loop();
        }
    };

    // SAFETY: called once, before anything else uses the peripherals.
    let peripherals = unsafe { Peripherals::steal() };
    let serial = &peripherals.USART0;
    open(serial);
    // SAFETY: the register is for any use, of any value.
    let mark = |value| peripherals.CPU.gpior0().write(|w| unsafe { w.bits(value) });

    loop {
        let pixel = receive(serial);
        mark(COMPUTING);
        // Not the results: they would be on the stack while the network computes.
        let complete = digits.push_in_place(pixel).is_some();
        mark(IDLE);
        if complete {
            reply(serial, digits);
        }
    }
}

/// Sends the logits, and the index of the first largest. Not inlined: what it keeps would be on
/// the stack while the network computes.
#[inline(never)]
fn reply(serial: &USART0, digits: &Digits) {
    let Some(results) = digits.results() else {
        return;
    };
    for logit in &results {
        for byte in logit.to_le_bytes() {
            send(serial, byte);
        }
    }
    send(serial, results.class() as u8);
}

/// Sets the serial port up: 115200 baud, 8 data bits, no parity, 1 stop bit (8N1 is what UCSR0C
/// holds after a reset).
fn open(serial: &USART0) {
    serial
        .ubrr0()
        .write(|register| register.set(BAUD_RATE_DIVISOR));
    serial.ucsr0a().write(|register| register.u2x0().set_bit());
    serial
        .ucsr0b()
        .write(|register| register.rxen0().set_bit().txen0().set_bit());
}

fn receive(serial: &USART0) -> u8 {
    while serial.ucsr0a().read().rxc0().bit_is_clear() {}
    serial.udr0().read().bits()
}

fn send(serial: &USART0, byte: u8) {
    while serial.ucsr0a().read().udre0().bit_is_clear() {}
    serial.udr0().write(|register| register.set(byte));
}

/// Nothing in the firmware panics, but the language wants a handler all the same. It is not inlined,
/// so that a test finds it by its name where something can call it.
#[inline(never)]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
