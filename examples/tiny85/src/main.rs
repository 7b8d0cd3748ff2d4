//! Classifies handwritten digits on an ATtiny85: 512 bytes of SRAM, 8 KB of flash, no multiplier.
//!
//! The images are in its flash, and are classified in turn, a little more than one a second. LEDs
//! at PB0 to PB3 show the class, PB0 being worth 1 and PB3 8; one at PB4 is lit while the network
//! computes.
#![no_std]
#![no_main]

use avr_device::attiny85::Peripherals;
use herringbone::{Network, Results};
use static_cell::ConstStaticCell;
use tiny85::{Digits, images};

/// The class's LEDs, and the one for computing, in the registers of port B.
const CLASS: u8 = 0b0_1111;
const BUSY: u8 = 0b1_0000;

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
    run_at_8_mhz(&peripherals);
    // SAFETY: every combination of outputs is fine.
    let show = |leds| peripherals.PORTB.portb().write(|w| unsafe { w.bits(leds) });
    // SAFETY: as above.
    peripherals
        .PORTB
        .ddrb()
        .write(|w| unsafe { w.bits(CLASS | BUSY) });
    let mark = |value| peripherals.CPU.gpior0().write(|w| w.set(value));

    loop {
        for image in images::images() {
            show(BUSY);
            digits.begin();
            for pixel in image {
                mark(COMPUTING);
                let complete = digits.push_in_place(pixel);
                mark(IDLE);
                if let Some(results) = complete {
                    show(report(&peripherals, results));
                }
            }
            pause(&peripherals);
        }
    }
}

/// Reports the logits, little-endian, and the class, and returns the class. There is no serial
/// line: a simulator or a debugger sees each byte in GPIOR1, and then a change of GPIOR2.
fn report(peripherals: &Peripherals, results: Results<'_, <Digits as Network>::Logit>) -> u8 {
    let report = |byte| {
        let cpu = &peripherals.CPU;
        cpu.gpior1().write(|w| w.set(byte));
        cpu.gpior2().modify(|r, w| w.set(r.bits().wrapping_add(1)));
    };
    for logit in &results {
        logit.to_le_bytes().into_iter().for_each(report);
    }
    let class = results.class() as u8;
    report(class);
    class
}

/// Divides the clock of the internal oscillator by 1 and not by 8, as parts are delivered.
fn run_at_8_mhz(peripherals: &Peripherals) {
    let divider = peripherals.CPU.clkpr();
    // The second write has to follow within four cycles (ATtiny25/45/85 datasheet, Atmel-2586Q,
    // "CLKPR").
    divider.write(|w| w.clkpce().set_bit());
    divider.reset();
}

/// Waits for half a second, 256 × 16,384 cycles.
fn pause(peripherals: &Peripherals) {
    let timer = &peripherals.TC1;
    timer.tcnt1().reset();
    timer.tccr1().write(|w| w.cs1().prescale_16384());
    timer.tifr().write(|w| w.tov1().set_bit());
    while timer.tifr().read().tov1().bit_is_clear() {}
}

/// Nothing in the firmware panics, but the language wants a handler all the same. It is not inlined,
/// so that a test finds it by its name where something can call it.
#[inline(never)]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
