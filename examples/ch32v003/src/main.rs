//! Classifies handwritten digits on a CH32V003: an RV32EC core without a multiplier, 2 KB of SRAM and 16 KB of flash.
//!
//! USART1, on PD5 and PD6 (115200 baud, 8N1) takes 784 grey levels an image and answers each image with 10 logits,
//! little-endian (`i16`, or `i32` if the weights need it), and one byte, the class. The image is
//! kept until it is complete: taken in as a whole it costs 5 to 10 cycles a byte, not 50. `streamed` is the same without the image.
#![no_std]
#![no_main]

mod board;

use herringbone::Network as _;
use panic_halt as _;

herringbone::network! {
    /// A handwritten digit, 28×28 grey levels, to its class.
    Digits: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr(0), D*(10) >,
    target: ch32v003f4,
    weights: env!("HERRINGBONE_WEIGHTS"),
    bits: { biases: 8 },
}

const BAUD_RATE: u32 = 115_200;

/// The network, whose value is its whole working memory.
static mut DIGITS: Digits = Digits::new();

/// The image that arrives.
static mut IMAGE: [u8; Digits::INPUT_LEN] = [0; Digits::INPUT_LEN];

/// Begins here, with a stack and zeroed memory.
#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    board::start(BAUD_RATE);
    let (digits, image) = (&raw mut DIGITS, &raw mut IMAGE);
    // SAFETY: these are the only uses, and `main` runs once.
    let (digits, image) = unsafe { (&mut *digits, &mut *image) };
    loop {
        exchange(digits, image);
    }
}

/// Takes an image, and answers it.
fn exchange(digits: &mut Digits, image: &mut [u8; Digits::INPUT_LEN]) {
    for pixel in image.iter_mut() {
        *pixel = board::receive();
    }
    // High while the network computes, for an oscilloscope or a simulator.
    board::set_pin(true);
    let logits = digits.run(image);
    board::set_pin(false);
    for logit in &logits {
        for byte in logit.to_le_bytes() {
            board::send(byte);
        }
    }
    board::send(Digits::class_of(&logits) as u8);
}
