//! Classifies handwritten digits on an ATtiny25: 128 bytes of SRAM, 2 KB of flash, no multiplier.
//!
//! It is a slave on an SPI bus: DI is PB0, DO is PB1, USCK is PB2, mode 0. It takes 784 grey levels
//! an image, and answers the byte after these with the class. A pixel keeps it busy for up to
//! 6,500 cycles; the master waits that long.
#![no_std]
#![no_main]

use avr_device::attiny85::{CPU, PORTB, USI};
use tiny25::Digits;

/// DO, in the registers of port B.
const DO: u8 = 1 << 1;

/// What GPIOR0 holds while the network computes and while it does not, so that a simulator or a
/// debugger can tell computing from waiting.
const COMPUTING: u8 = 1;
const IDLE: u8 = 2;

/// The network, whose value is its whole working memory.
static mut DIGITS: Digits = Digits::new();

// Nothing is kept between two pixels but in `DIGITS`: what `main` kept in registers would be on the
// stack before it.
#[avr_device::entry]
fn main() -> ! {
    run_at_8_mhz();
    // SAFETY: every combination of outputs is fine.
    unsafe { &*PORTB::ptr() }
        .ddrb()
        .write(|w| unsafe { w.bits(DO) });
    // Three wires, clocked from outside at the positive edge (ATtiny25/45/85 datasheet,
    // Atmel-2586Q, "SPI Slave Operation Example").
    usi()
        .usicr()
        .write(|w| w.usiwm().three_wire().usics().ext_pos());
    loop {
        take_pixel();
    }
}

/// Waits for a pixel, and computes what it completes.
#[inline(never)]
fn take_pixel() {
    while usi().usisr().read().usioif().bit_is_clear() {}
    let pixel = usi().usibr().read().bits();
    usi().usisr().write(|w| w.usioif().set_bit());
    let mark = |value| cpu().gpior0().write(|w| w.set(value));
    mark(COMPUTING);
    let digits = &raw mut DIGITS;
    // SAFETY: nothing else uses it, for there are no interrupts, and `main` alone calls this.
    let digits = unsafe { &mut *digits };
    // Not the results: they would be on the stack while the network computes.
    let complete = digits.push_in_place(pixel).is_some();
    mark(IDLE);
    if complete {
        report(digits);
    }
}

/// Answers with the class, and reports the logits, little-endian, and the class: a simulator or a
/// debugger sees each byte in GPIOR1, and then a change of GPIOR2. Not inlined: what it keeps would
/// be on the stack while the network computes.
#[inline(never)]
fn report(digits: &Digits) {
    let Some(results) = digits.results() else {
        return;
    };
    let report = |byte| {
        cpu().gpior1().write(|w| w.set(byte));
        cpu()
            .gpior2()
            .modify(|r, w| w.set(r.bits().wrapping_add(1)));
    };
    for logit in &results {
        logit.to_le_bytes().into_iter().for_each(report);
    }
    let class = results.class() as u8;
    usi().usidr().write(|w| w.set(class));
    report(class);
}

/// The serial interface.
fn usi() -> &'static avr_device::attiny85::usi::RegisterBlock {
    // SAFETY: its registers are where that says, and no reference to them is unique.
    unsafe { &*USI::ptr() }
}

/// The core's registers.
fn cpu() -> &'static avr_device::attiny85::cpu::RegisterBlock {
    // SAFETY: as above.
    unsafe { &*CPU::ptr() }
}

/// Divides the clock of the internal oscillator by 1 and not by 8, as parts are delivered.
fn run_at_8_mhz() {
    // The second write has to follow within four cycles (the datasheet, "CLKPR").
    cpu().clkpr().write(|w| w.clkpce().set_bit());
    cpu().clkpr().reset();
}

/// Nothing in the firmware panics, but the language wants a handler all the same. It is not inlined,
/// so that a test finds it by its name where something can call it.
#[inline(never)]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
