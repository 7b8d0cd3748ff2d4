//! The two-wire bus (I²C), as its only master, at 400 kHz (ATmega328P datasheet, DS40002061B,
//! "2-wire Serial Interface").
//!
//! What does not go as it should ends the transfer, so that the bus is free again.

use avr_device::atmega328p::TWI;
use avr_device::atmega328p::twi::RegisterBlock as Bus;

/// TWBR for 16 MHz / (16 + 2 · 12) = 400 kHz.
const BIT_RATE_DIVISOR: u8 = 12;
/// How often the bus is asked whether a byte has gone, which takes 22.5 µs: many times as long.
const PATIENCE: u16 = 2_000;

// Status codes ("Status Codes for Master Transmitter Mode", "… Receiver Mode").
const STARTED: u8 = 0x08;
const STARTED_AGAIN: u8 = 0x10;
const ADDRESS_WRITE_TAKEN: u8 = 0x18;
const BYTE_TAKEN: u8 = 0x28;
const ADDRESS_READ_TAKEN: u8 = 0x40;
const BYTE_READ: u8 = 0x50;
const LAST_BYTE_READ: u8 = 0x58;

fn bus() -> &'static Bus {
    // SAFETY: the address is that of the part's registers. The main program uses them before it
    // lets the interrupt happen, and the interrupt after that.
    unsafe { &*TWI::ptr() }
}

/// Sets the clock, and switches the internal pull-ups off: a sensor's board has its own.
pub(crate) fn open() {
    bus()
        .twbr()
        .write(|register| register.set(BIT_RATE_DIVISOR));
}

/// Begins a transfer, or another one without a break, with a 7-bit address and whether it is to be
/// read from (bit 0).
pub(crate) fn start(address: u8) -> Option<()> {
    let bus = bus();
    bus.twcr().write(|register| {
        register
            .twint()
            .set_bit()
            .twsta()
            .set_bit()
            .twen()
            .set_bit()
    });
    expect(STARTED, STARTED_AGAIN)?;
    bus.twdr().write(|register| register.set(address));
    proceed(false);
    expect(ADDRESS_WRITE_TAKEN, ADDRESS_READ_TAKEN)
}

/// Sends a byte.
pub(crate) fn write(byte: u8) -> Option<()> {
    bus().twdr().write(|register| register.set(byte));
    proceed(false);
    expect(BYTE_TAKEN, BYTE_TAKEN)
}

/// Receives a byte; whether another one is wanted.
pub(crate) fn read(more: bool) -> Option<u8> {
    proceed(more);
    expect(BYTE_READ, LAST_BYTE_READ)?;
    Some(bus().twdr().read().bits())
}

/// Ends a transfer.
pub(crate) fn stop() {
    bus().twcr().write(|register| {
        register
            .twint()
            .set_bit()
            .twsto()
            .set_bit()
            .twen()
            .set_bit()
    });
}

/// Lets the next byte go, and acknowledges one that is received.
fn proceed(acknowledge: bool) {
    bus().twcr().write(|register| {
        register.twint().set_bit().twen().set_bit();
        register.twea().bit(acknowledge)
    });
}

/// Waits for the bus, which is to be in one of two states then.
#[inline(never)]
fn expect(one: u8, other: u8) -> Option<()> {
    let bus = bus();
    let mut patience = PATIENCE;
    while bus.twcr().read().twint().bit_is_clear() {
        patience -= 1;
        if patience == 0 {
            stop();
            return None;
        }
    }
    // The three lowest bits are none of the state's.
    let state = bus.twsr().read().bits() & 0xF8;
    if state == one || state == other {
        Some(())
    } else {
        stop();
        None
    }
}
