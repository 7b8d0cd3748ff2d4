//! Classifies handwritten digits on a BBC micro:bit v1: an nRF51822, a Cortex-M0 at 16 MHz.
//!
//! The serial line (115200 baud, 8N1) takes 784 grey levels an image and answers each image with 10
//! logits, little-endian (`i16`, or `i32` if the weights need it), and one byte, the class. The
//! image is kept until it is complete: taken in as a whole it costs 5 cycles a byte, not 60.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use herringbone::Network as _;
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

/// The image that arrives.
static IMAGE: ConstStaticCell<Image> = ConstStaticCell::new([0; Digits::INPUT_LEN]);

type Image = [u8; Digits::INPUT_LEN];

/// Pin 0 of the edge connector.
const PIN_0: u32 = 1 << 3;

#[entry]
fn main() -> ! {
    // Nothing has taken them before.
    let Some(board) = Peripherals::take() else {
        loop {
            core::hint::spin_loop();
        }
    };
    // SAFETY: a bit for each pin (nRF51 Series Reference Manual 3.0, section 14.2.7).
    board.GPIO.dirset.write(|w| unsafe { w.bits(PIN_0) });
    let serial = Serial::new(board.UART0);
    let (digits, image) = (DIGITS.take(), IMAGE.take());
    loop {
        exchange(&serial, &board.GPIO, digits, image);
    }
}

/// Takes an image, and answers it.
fn exchange(serial: &Serial, gpio: &GPIO, digits: &mut Digits, image: &mut Image) {
    for pixel in image.iter_mut() {
        *pixel = serial.receive();
    }
    // High while the network computes, for an oscilloscope or a simulator.
    // SAFETY: as in `main`.
    gpio.out.write(|w| unsafe { w.bits(PIN_0) });
    let logits = digits.run(image);
    // SAFETY: as in `main`.
    gpio.out.write(|w| unsafe { w.bits(0) });
    for logit in &logits {
        for byte in logit.to_le_bytes() {
            serial.send(byte);
        }
    }
    serial.send(Digits::class_of(&logits) as u8);
}
