//! The serial line.

use nrf51_pac::UART0;

/// The serial line, whose other end may be a computer's USB port.
pub(crate) struct Serial(UART0);

impl Serial {
    /// At 115,200 baud.
    pub(crate) fn new(uart: UART0) -> Self {
        // The pins that the board's USB chip is at (schematic of the micro:bit 1.5, TGT_TX and TGT_RX).
        // SAFETY: these registers take a pin's number (nRF51 Series Reference Manual 3.0, section
        // 29.10).
        uart.pseltxd.write(|w| unsafe { w.bits(24) });
        // SAFETY: as above.
        uart.pselrxd.write(|w| unsafe { w.bits(25) });
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
    pub(crate) fn receive(&self) -> u8 {
        while self.0.events_rxdrdy.read().bits() == 0 {}
        self.0.events_rxdrdy.reset();
        self.0.rxd.read().rxd().bits()
    }

    /// Sends a byte, and waits until it is gone.
    pub(crate) fn send(&self, byte: u8) {
        self.0.events_txdrdy.reset();
        // SAFETY: the register takes any byte.
        self.0.txd.write(|w| unsafe { w.txd().bits(byte) });
        while self.0.events_txdrdy.read().bits() == 0 {}
    }
}
