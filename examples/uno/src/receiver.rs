//! Receiving while the network computes.
//!
//! Where a pixel goes through all layers before the next is taken, that may be several thousand
//! cycles, in which three bytes and more arrive, of which USART0 holds two (ATmega328P datasheet,
//! DS40002061B, "Receiver"). An interrupt moves them to SRAM, where they wait.

use core::sync::atomic::{AtomicU8, AtomicU16, Ordering};

use avr_device::atmega328p::USART0;
use avr_device::atmega328p::usart0::RegisterBlock as Serial;

/// One more than the bytes that may wait.
#[cfg(not(any(feature = "accurate", feature = "residual")))]
const CAPACITY: usize = 32;

/// Why that is enough for the plan `streamed`: only the odd rows of an image complete pixels of the
/// 14×14 averages, one every other byte. The last eight of a row go through all three convolutions,
/// and four of them also through an input of the dense layer. What a row leaves to do at its end, the
/// next row, which computes little, makes up for.
#[cfg(feature = "streamed")]
const _: () = {
    /// Cycles from one byte on the line to the next: 10 bits, at U2X of 8 × (UBRR + 1) cycles each.
    const LINE: u32 = 10 * 8 * (crate::BAUD_RATE_DIVISOR as u32 + 1);

    /// Cycles of a layer's pixel at worst. The plan's are for activations half of which are 0; what
    /// is skipped then is less than half of the work, so nothing takes twice as much.
    const fn at_worst(layer: &str, pixels: u32) -> u32 {
        2 * expected_cycles(layer) / pixels
    }

    let pixel =
        at_worst("C1(5,3)", 12 * 12) + at_worst("C1(8,3)", 10 * 10) + at_worst("C1(11,3)", 8 * 8);
    let dense_input = at_worst("D*(10)", 4 * 4);
    let left = 8 * pixel.saturating_sub(2 * LINE) + 4 * dense_input;
    assert!(left <= 28 * LINE, "the next row makes up for it");
    assert!(left.div_ceil(LINE) < CAPACITY as u32, "too many bytes wait");
};

/// The cycles that `Digits::PLAN` expects of a layer: the last number of the line that it begins.
#[cfg(feature = "streamed")]
const fn expected_cycles(layer: &str) -> u32 {
    let (plan, layer) = (digits::Digits::PLAN.as_bytes(), layer.as_bytes());
    let mut line = 0;
    while line < plan.len() {
        let (mut at, mut is_layer, mut cycles) = (line, true, 0);
        while plan[at] != b'\n' {
            if at - line < layer.len() {
                is_layer &= plan[at] == layer[at - line];
            }
            cycles = match plan[at] {
                digit @ b'0'..=b'9' => cycles * 10 + (digit - b'0') as u32,
                b',' => cycles,
                _ => 0,
            };
            at += 1;
        }
        if is_layer && plan[line + layer.len()] == b' ' {
            return cycles;
        }
        line = at + 1;
    }
    panic!("the plan has no such layer")
}

/// One more than the bytes that may wait: a whole image. The sender waits for its answer, so
/// nothing is lost however long the network computes.
#[cfg(any(feature = "accurate", feature = "residual"))]
const CAPACITY: usize = digits::Digits::INPUT_LEN + 1;

/// A ring: a byte that arrives is put at `ARRIVED`, and the next is taken from `TAKEN`, unless the
/// two are the same.
static WAITING: [AtomicU8; CAPACITY] = [const { AtomicU8::new(0) }; CAPACITY];
static ARRIVED: AtomicU16 = AtomicU16::new(0);
static TAKEN: AtomicU16 = AtomicU16::new(0);

#[avr_device::interrupt(atmega328p)]
fn USART_RX() {
    // SAFETY: the address is that of the part's registers, and nothing else reads this one.
    let byte = unsafe { &*USART0::ptr() }.udr0().read().bits();
    let arrived = ARRIVED.load(Ordering::Relaxed);
    if let Some(place) = WAITING.get(usize::from(arrived)) {
        place.store(byte, Ordering::Relaxed);
    }
    ARRIVED.store(place_after(arrived), Ordering::Release);
}

/// Lets bytes interrupt whatever runs.
pub fn start(serial: &Serial) {
    serial
        .ucsr0b()
        .modify(|_, register| register.rxcie0().set_bit());
    // SAFETY: the handler shares nothing with other code but what is atomic.
    unsafe { avr_device::interrupt::enable() };
}

/// The next byte.
pub fn receive() -> u8 {
    let taken = TAKEN.load(Ordering::Relaxed);
    while ARRIVED.load(Ordering::Acquire) == taken {
        core::hint::spin_loop();
    }
    let byte = WAITING.get(usize::from(taken));
    let byte = byte.map_or(0, |place| place.load(Ordering::Relaxed));
    TAKEN.store(place_after(taken), Ordering::Release);
    byte
}

/// The next place in the ring.
fn place_after(place: u16) -> u16 {
    if usize::from(place) + 1 < CAPACITY {
        place + 1
    } else {
        0
    }
}
