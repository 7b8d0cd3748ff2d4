//! Recognises spoken digits on an Arduino Uno, from features that come over its serial port.
//!
//! The port (115200 baud, 8N1) takes 32 rows of 20 bytes for each digit, a row for each 31 ms of
//! sound, as they become known or all at once; `make_rows.py` says what they are made of. After the
//! last row it answers with 10 logits, little-endian `i32`, and one byte, the class.
//!
//! The network keeps a row and its state, never the rows before. After the last byte of a row it
//! takes a step, while bytes of the next row may arrive: an interrupt takes them to where they wait.
//!
//! With the features `fastgrnn`, `bonsai` and `protonn` it takes handwritten digits of 16×16 grey
//! levels, and each byte only when the network waits for one: the sender has to leave time for it.
#![no_std]
#![no_main]
#![cfg_attr(not(feature = "polled"), feature(abi_avr_interrupt))]

#[cfg(not(feature = "polled"))]
mod receiver;

use avr_device::atmega328p::cpu::RegisterBlock as Cpu;
use avr_device::atmega328p::usart0::RegisterBlock as Serial;
use avr_device::atmega328p::{CPU, USART0};
use keyword::Digits;
use static_cell::ConstStaticCell;

/// UBRR for 115200 baud at 16 MHz with U2X: the line runs at 117647 baud, 2.1 % fast (ATmega328P
/// datasheet, DS40002061B, "Examples of Baud Rate Setting").
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

    // SAFETY: both addresses are those of the part's registers, and nothing else uses them but the
    // interrupt, which reads what has arrived.
    let (serial, cpu) = unsafe { (&*USART0::ptr(), &*CPU::ptr()) };
    open(serial);
    #[cfg(not(feature = "polled"))]
    receiver::start(serial);

    loop {
        exchange(serial, cpu, digits);
    }
}

/// Takes a byte, and answers when it was the last one of a digit. Not inlined into the loop: the
/// compiler would keep constants in registers from one turn to the next, and save them while the
/// network computes.
#[inline(never)]
fn exchange(serial: &Serial, cpu: &Cpu, digits: &mut Digits) {
    let mark = |value| cpu.gpior0().write(|register| register.set(value));
    let feature = receive(serial);
    mark(COMPUTING);
    // Not the results: they would be on the stack while the network computes.
    let complete = digits.push_in_place(feature).is_some();
    mark(IDLE);
    if complete {
        reply(serial, digits);
    }
}

/// Sends the logits, and the index of the first largest. Not inlined: the registers that it needs
/// would be on the stack while the network computes.
#[inline(never)]
fn reply(serial: &Serial, digits: &Digits) {
    let Some(results) = digits.results() else {
        return;
    };
    // In one loop: `results.class()` would be another one.
    let (mut class, mut largest) = (0, i32::MIN);
    for index in 0..Digits::CLASSES as u8 {
        let logit = results.get(index.into()).unwrap_or_default();
        for byte in logit.to_le_bytes() {
            send(serial, byte);
        }
        if logit > largest {
            class = index;
            largest = logit;
        }
    }
    send(serial, class);
}

/// Sets the serial port up: 115200 baud, 8 data bits, no parity, 1 stop bit (8N1 is what UCSR0C
/// holds after a reset).
fn open(serial: &Serial) {
    serial
        .ubrr0()
        .write(|register| register.set(BAUD_RATE_DIVISOR));
    serial.ucsr0a().write(|register| register.u2x0().set_bit());
    serial
        .ucsr0b()
        .write(|register| register.rxen0().set_bit().txen0().set_bit());
}

#[cfg(not(feature = "polled"))]
fn receive(_: &Serial) -> u8 {
    receiver::receive()
}

#[cfg(feature = "polled")]
fn receive(serial: &Serial) -> u8 {
    while serial.ucsr0a().read().rxc0().bit_is_clear() {}
    serial.udr0().read().bits()
}

fn send(serial: &Serial, byte: u8) {
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
