//! The same without the image: layers compute row by row, as it arrives, and of it a few rows are
//! kept.
//!
//! USART1, on PD5 and PD6 (38,400 baud, 8N1), is slower by two thirds: the longest row takes
//! less than 0.4 ms, in which two bytes may come, and the part holds no more. So long after the last
//! byte the answer is there.
#![no_std]
#![no_main]

#[path = "../board.rs"]
mod board;

use panic_halt as _;

herringbone::network! {
    /// A handwritten digit, 28×28 grey levels, to its class.
    Digits: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr(0), D*(10) >,
    target: ch32v003f4,
    weights: env!("HERRINGBONE_WEIGHTS"),
    bits: { biases: 8 },
    plan: streamed,
}

const BAUD_RATE: u32 = 38_400;

/// The network, whose value is its whole working memory.
static mut DIGITS: Digits = Digits::new();

/// The row that arrives: taken in as a whole it costs 10 cycles a byte, not 60.
static mut ROW: [u8; 28] = [0; 28];

/// Begins here, with a stack and zeroed memory.
#[unsafe(no_mangle)]
extern "C" fn main() -> ! {
    board::start(BAUD_RATE);
    let (digits, row) = (&raw mut DIGITS, &raw mut ROW);
    // SAFETY: these are the only uses, and `main` runs once.
    let (digits, row) = unsafe { (&mut *digits, &mut *row) };
    loop {
        for pixel in row.iter_mut() {
            *pixel = board::receive();
        }
        // High while the network computes, for an oscilloscope or a simulator.
        board::set_pin(true);
        // Not the results: they would be on the stack while the network computes.
        let is_complete = digits.push_slice_in_place(row).is_some();
        board::set_pin(false);
        if is_complete {
            reply(digits);
        }
    }
}

/// Sends the logits, and the index of the first largest. Not inlined: what it needs would be on the
/// stack while the network computes.
#[inline(never)]
fn reply(digits: &Digits) {
    for index in 0..Digits::CLASSES {
        let logit = digits.result(index).unwrap_or_default();
        for byte in logit.to_le_bytes() {
            board::send(byte);
        }
    }
    board::send(digits.class().unwrap_or_default() as u8);
}
