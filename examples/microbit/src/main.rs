//! A TensorFlow Lite model on a BBC micro:bit v1: an nRF51822, a Cortex-M0 with 16 KB of SRAM.
//!
//! Takes the values of an input over the serial line, a byte each, and answers with the results, a
//! byte each, and the bytes of stack that were used at most, as two bytes, the low one first.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use nrf51_pac::Peripherals;
use panic_halt as _;
use serial::Serial;
use static_cell::ConstStaticCell;

mod serial;
mod stack;

herringbone::network! {
    /// The model of the file that the build names.
    Model: env!("HERRINGBONE_MODEL"),
    target: nrf51822_xxaa,
}

static NETWORK: ConstStaticCell<Model> = ConstStaticCell::new(Model::new());

#[entry]
fn main() -> ! {
    stack::paint();
    // Nothing has taken them before.
    let Some(board) = Peripherals::take() else {
        loop {}
    };
    let serial = Serial::new(board.UART0);
    let network = NETWORK.take();
    loop {
        if let Some(results) = network.push(serial.receive() as i8) {
            for result in results {
                serial.send(result as u8);
            }
            for byte in stack::deepest_bytes().to_le_bytes() {
                serial.send(byte);
            }
        }
    }
}
