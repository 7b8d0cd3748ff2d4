//! Classifies handwritten digits on a Raspberry Pi Pico: an RP2040, two Cortex-M0+.
//!
//! UART0, on GPIO 0 and 1 (115200 baud, 8N1) takes 784 grey levels an image and answers each image with 10 logits,
//! little-endian (`i16`, or `i32` if the weights need it), and one byte, the class. Every pixel goes
//! into the network as it arrives, so the image itself is never held.
#![no_std]
#![no_main]

mod board;

use panic_halt as _;

herringbone::network! {
    /// A handwritten digit, 28×28 grey levels, to its class.
    Digits: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr(0), D*(10) >,
    target: rp2040,
    weights: env!("HERRINGBONE_WEIGHTS"),
    bits: { biases: 8 },
}

/// What the boot ROM runs first: it makes flash of any kind readable.
#[used]
#[unsafe(link_section = ".boot2")]
static BOOT2: [u8; 256] = rp2040_boot2::BOOT_LOADER_GENERIC_03H;

/// The network, whose value is its whole working memory.
static mut DIGITS: Digits = Digits::new();

#[cortex_m_rt::entry]
fn main() -> ! {
    board::start();
    // SAFETY: this is the only use, and `main` runs once.
    let digits = unsafe { &mut *(&raw mut DIGITS) };
    loop {
        exchange(digits);
    }
}

/// Takes a pixel, and answers when it was an image's last.
fn exchange(digits: &mut Digits) {
    let pixel = board::receive();
    // High while the network computes, for an oscilloscope or a simulator.
    board::set_pin(true);
    let complete = digits.push_in_place(pixel).is_some();
    board::set_pin(false);
    let Some(results) = digits.results().filter(|_| complete) else {
        return;
    };
    for class in 0..Digits::CLASSES {
        let logit = results.get(class).unwrap_or_default();
        for byte in logit.to_le_bytes() {
            board::send(byte);
        }
    }
    board::send(results.class() as u8);
}
