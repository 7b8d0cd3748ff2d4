//! Computes features on an ATmega328P: takes the samples of a frame over USART0, two bytes each,
//! and answers with the values of its row, two bytes each; little-endian. GPIOR0 says when it
//! computes. `xtask/tests/features.rs` builds and runs it in the simulator.
//!
//! The variable `HERRINGBONE_TABLES` names a file of Rust with the design: `FRAME`, `BANDS`,
//! `POWER_SHIFT`, `FLOOR`, `COEFFICIENTS`, `TRANSFORM_SHIFT`, and the tables `SINES`, `BINS`,
//! `UPPER_SHARES` and `TRANSFORM`.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

// As generated code keeps its tables.
#[allow(dead_code)]
#[path = "../../../runtime/src/flash.rs"]
mod flash;

use avr_device::atmega328p::cpu::RegisterBlock as Cpu;
use avr_device::atmega328p::usart0::RegisterBlock as Serial;
use avr_device::atmega328p::{CPU, USART0};
use flash::Flash;
use herringbone_features::{Frame, Tables};

include!(env!("HERRINGBONE_TABLES"));

/// UBRR for 115200 baud at 16 MHz with U2X.
const BAUD_RATE_DIVISOR: u16 = 16;
/// What GPIOR0 holds while it computes and while it does not.
const COMPUTING: u8 = 1;
const IDLE: u8 = 2;

struct Bank;

impl Tables for Bank {
    #[inline(always)]
    fn sine(&self, index: usize) -> i16 {
        SINES.get(index)
    }

    #[inline(always)]
    fn bins(&self, index: usize) -> u8 {
        BINS.get(index)
    }

    #[inline(always)]
    fn upper_share(&self, index: usize) -> u8 {
        UPPER_SHARES.get(index)
    }

    #[inline(always)]
    fn bands(&self) -> u8 {
        BANDS
    }

    #[inline(always)]
    fn power_shift(&self) -> u8 {
        POWER_SHIFT
    }

    #[inline(always)]
    fn coefficients(&self) -> u8 {
        COEFFICIENTS
    }

    #[inline(always)]
    fn transform(&self, index: usize) -> i16 {
        TRANSFORM.get(index)
    }

    #[inline(always)]
    fn transform_shift(&self) -> u8 {
        TRANSFORM_SHIFT
    }

    #[inline(always)]
    fn floor(&self) -> u8 {
        FLOOR
    }
}

#[avr_device::entry]
fn main() -> ! {
    // SAFETY: both addresses are those of the part's registers, and nothing else uses them.
    let (serial, cpu) = unsafe { (&*USART0::ptr(), &*CPU::ptr()) };
    serial
        .ubrr0()
        .write(|register| register.set(BAUD_RATE_DIVISOR));
    serial.ucsr0a().write(|register| register.u2x0().set_bit());
    serial
        .ucsr0b()
        .write(|register| register.rxen0().set_bit().txen0().set_bit());
    let mut frame = Frame::<FRAME, 0>::new();
    loop {
        exchange(serial, cpu, &mut frame);
    }
}

/// Takes a sample, and answers when it was a frame's last.
#[inline(never)]
fn exchange(serial: &Serial, cpu: &Cpu, frame: &mut Frame<FRAME, 0>) {
    let sample = i16::from_le_bytes([receive(serial), receive(serial)]);
    if !frame.push(sample) {
        return;
    }
    let mark = |value| cpu.gpior0().write(|register| register.set(value));
    mark(COMPUTING);
    let mut row = frame.begin_row(&Bank);
    loop {
        let value = frame.next_value(&mut row, &Bank);
        mark(IDLE);
        let Some(value) = value else {
            break;
        };
        let [low, high] = value.to_le_bytes();
        send(serial, low);
        send(serial, high);
        mark(COMPUTING);
    }
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
