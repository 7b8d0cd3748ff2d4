//! Classifies handwritten digits on a BBC micro:bit v1: an nRF51822, a Cortex-M0 at 16 MHz.
//!
//! The serial line (115200 baud, 8N1) takes 784 grey levels an image and answers each image with 10
//! logits, little-endian (`i16`, or `i32` if the weights need it), and one byte, the class. Every pixel
//! goes into the network as it arrives, so the image itself is never held.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use nrf51_pac::{GPIO, Peripherals};
use panic_halt as _;
use serial::Serial;
use static_cell::ConstStaticCell;

mod serial;

herringbone::network! {
    /// A handwritten digit, 28×28 grey levels, to its class.
    Digits: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr(0), D*(10) >,
    target: nrf51822_xxaa,
    weights: env!("HERRINGBONE_WEIGHTS"),
    bits: { biases: 8 },
}

/// The network, whose value is its whole working memory.
static DIGITS: ConstStaticCell<Digits> = ConstStaticCell::new(Digits::new());

/// Pin 0 of the edge connector.
const PIN_0: u32 = 1 << 3;

#[entry]
fn main() -> ! {
    // Nothing has taken them before.
    let Some(board) = Peripherals::take() else {
        loop {}
    };
    // SAFETY: a bit for each pin (nRF51 Series Reference Manual 3.0, section 14.2.7).
    board.GPIO.dirset.write(|w| unsafe { w.bits(PIN_0) });
    let serial = Serial::new(board.UART0);
    let digits = DIGITS.take();
    loop {
        exchange(&serial, &board.GPIO, digits);
    }
}

/// Takes a pixel, and answers when it was an image's last.
fn exchange(serial: &Serial, gpio: &GPIO, digits: &mut Digits) {
    let pixel = serial.receive();
    // High while the network computes, for an oscilloscope or a simulator.
    // SAFETY: as in `main`.
    gpio.out.write(|w| unsafe { w.bits(PIN_0) });
    let complete = digits.push_in_place(pixel).is_some();
    // SAFETY: as in `main`.
    gpio.out.write(|w| unsafe { w.bits(0) });
    let Some(results) = digits.results().filter(|_| complete) else {
        return;
    };
    for class in 0..Digits::CLASSES {
        let logit = results.get(class).unwrap_or_default();
        for byte in logit.to_le_bytes() {
            serial.send(byte);
        }
    }
    serial.send(results.class() as u8);
}
