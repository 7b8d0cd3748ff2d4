//! A TensorFlow Lite model on a BBC micro:bit v1: an nRF51822, a Cortex-M0 with 16 KB of SRAM.
//!
//! Takes the values of an input over the serial line, a byte each, and answers with the results, a
//! byte each, and the bytes of stack that were used at most, as two bytes, the low one first.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use nrf51_pac::{Peripherals, UART0};
use panic_halt as _;
use static_cell::ConstStaticCell;

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

/// The serial line, whose other end may be a computer's USB port.
struct Serial(UART0);

impl Serial {
    /// At 115,200 baud.
    fn new(uart: UART0) -> Self {
        uart.baudrate.write(|w| w.baudrate().baud115200());
        uart.enable.write(|w| w.enable().enabled());
        // SAFETY: a task begins when 1 is written to it (nRF51 Series Reference Manual 3.0,
        // section 10.1.1).
        uart.tasks_startrx.write(|w| unsafe { w.bits(1) });
        // SAFETY: as above.
        uart.tasks_starttx.write(|w| unsafe { w.bits(1) });
        Self(uart)
    }

    /// Waits for a byte.
    fn receive(&self) -> u8 {
        while self.0.events_rxdrdy.read().bits() == 0 {}
        self.0.events_rxdrdy.reset();
        self.0.rxd.read().rxd().bits()
    }

    /// Sends a byte, and waits until it is gone.
    fn send(&self, byte: u8) {
        self.0.events_txdrdy.reset();
        // SAFETY: the register takes any byte.
        self.0.txd.write(|w| unsafe { w.txd().bits(byte) });
        while self.0.events_txdrdy.read().bits() == 0 {}
    }
}
