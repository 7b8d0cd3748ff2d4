//! Classifies handwritten digits on an Arduino Uno.
//!
//! The serial port (115200 baud, 8N1) takes 784 grey levels an image and answers each image with
//! 10 logits, little-endian (`i16`, or `i32` if the weights need it), and one byte, the class. Every
//! pixel goes into the network as it arrives, so the image itself is never held.
//!
//! With the feature `runtime` the weights come first: `Digits::PARAMS_LEN` bytes, which
//! `cargo xtask params uno-runtime` makes, answered by one byte 0x06.
//!
//! With the features `streamed` and `accurate` bytes arrive while the network computes, and an
//! interrupt takes them to where they wait, an image at most. The sender has to wait for the answer
//! before it sends the next one.
#![no_std]
#![no_main]
#![cfg_attr(feature = "interrupt", feature(abi_avr_interrupt))]

#[cfg(feature = "interrupt")]
mod receiver;

use avr_device::atmega328p::cpu::RegisterBlock as Cpu;
use avr_device::atmega328p::usart0::RegisterBlock as Serial;
use avr_device::atmega328p::{CPU, USART0};
use digits::Digits;
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

    // SAFETY: both addresses are those of the part's registers, and nothing else uses them. No
    // `Peripherals::take`: its flag is a byte of SRAM.
    let (serial, cpu) = unsafe { (&*USART0::ptr(), &*CPU::ptr()) };
    open(serial);
    #[cfg(feature = "runtime")]
    learn(serial, digits);
    #[cfg(feature = "interrupt")]
    receiver::start(serial);

    loop {
        exchange(serial, cpu, digits);
    }
}

/// Takes a pixel, and answers when it was an image's last. Not inlined into the loop: the compiler
/// would keep constants in registers from one turn to the next, and save them while the network
/// computes.
#[inline(never)]
fn exchange(serial: &Serial, cpu: &Cpu, digits: &mut Digits) {
    let mark = |value| cpu.gpior0().write(|register| register.set(value));
    let pixel = receive(serial);
    mark(COMPUTING);
    // Not the results: they would be on the stack while the network computes.
    let complete = digits.push_in_place(pixel).is_some();
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
    // In one loop: `results.class()` would be another one, 100 bytes of flash.
    let (mut class, mut largest) = (0, i16::MIN);
    for index in 0..Digits::CLASSES as u8 {
        let logit = results.get(index.into()).unwrap_or_default();
        let [low, high] = logit.to_le_bytes();
        send(serial, low);
        send(serial, high);
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

/// Takes the network's parameters and says so.
#[cfg(feature = "runtime")]
#[inline(never)]
fn learn(serial: &Serial, digits: &mut Digits) {
    /// ASCII's ACK.
    const ACKNOWLEDGE: u8 = 0x06;

    for byte in digits.params_mut() {
        *byte = receive(serial);
    }
    send(serial, ACKNOWLEDGE);
}

#[cfg(feature = "interrupt")]
fn receive(_: &Serial) -> u8 {
    receiver::receive()
}

#[cfg(not(feature = "interrupt"))]
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
