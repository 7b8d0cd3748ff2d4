//! A TensorFlow Lite model on an Arduino Uno: the sine of TensorFlow Lite's "hello world", or any
//! other that fits.
//!
//! Takes the values of an input over USART0, a byte each, and answers with the results, a byte
//! each. GPIOR0 says when it computes.
#![no_std]
#![no_main]
// Models without assembly for each of their operators leave the feature unused.
#![cfg_attr(
    target_arch = "avr",
    allow(unused_features),
    feature(asm_experimental_arch)
)]

use avr_device::atmega328p::{Peripherals, USART0};
use static_cell::ConstStaticCell;

herringbone::network! {
    /// The model of the file that the build names.
    Model: env!("HERRINGBONE_MODEL"),
    target: atmega328p,
    reserve: 256,
}

static NETWORK: ConstStaticCell<Model> = ConstStaticCell::new(Model::new());

/// UBRR for 115,200 baud at 16 MHz with U2X.
const BAUD_RATE_DIVISOR: u16 = 16;
/// What GPIOR0 holds while it computes and while it does not.
const COMPUTING: u8 = 1;
const IDLE: u8 = 2;

#[avr_device::entry]
fn main() -> ! {
    // Nothing has taken them before.
    let Some(board) = Peripherals::take() else {
        loop {}
    };
    let (serial, marker) = (board.USART0, board.CPU);
    serial
        .ubrr0()
        .write(|register| register.set(BAUD_RATE_DIVISOR));
    serial.ucsr0a().write(|register| register.u2x0().set_bit());
    serial
        .ucsr0b()
        .write(|register| register.rxen0().set_bit().txen0().set_bit());
    // `take` would panic, with a text in SRAM.
    let Some(network) = NETWORK.try_take() else {
        loop {}
    };
    loop {
        let value = receive(&serial) as i8;
        marker.gpior0().write(|register| register.set(COMPUTING));
        let results = network.push(value);
        marker.gpior0().write(|register| register.set(IDLE));
        for result in results.into_iter().flatten() {
            send(&serial, result as u8);
        }
    }
}

fn receive(serial: &USART0) -> u8 {
    while serial.ucsr0a().read().rxc0().bit_is_clear() {}
    serial.udr0().read().bits()
}

fn send(serial: &USART0, byte: u8) {
    while serial.ucsr0a().read().udre0().bit_is_clear() {}
    serial.udr0().write(|register| register.set(byte));
}

/// Nothing panics, but the language wants a handler all the same.
#[inline(never)]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
