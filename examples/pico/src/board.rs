//! What the firmware needs of the RP2040: its clock, UART0 and a pin. The names and section numbers
//! are those of the RP2040 Datasheet.

use core::ptr;

// Section 2.14.
const RESETS_RESET_CLEAR: usize = 0x4000_F000;
const RESETS_RESET_DONE: usize = 0x4000_C008;
/// IO_BANK0, PADS_BANK0 and UART0.
const NEEDED: u32 = 1 << 5 | 1 << 8 | 1 << 22;

// Section 2.16.
const XOSC_CTRL: usize = 0x4002_4000;
const XOSC_STATUS: usize = 0x4002_4004;
const XOSC_STARTUP: usize = 0x4002_400C;

// Section 2.15.
const CLK_REF_CTRL: usize = 0x4000_8030;
const CLK_REF_SELECTED: usize = 0x4000_8038;
const CLK_PERI_CTRL: usize = 0x4000_8048;

// Section 2.19: GPIO 0 and 1 are UART0's, and GPIO 25, the LED, is the program's.
const GPIO0_CTRL: usize = 0x4001_4004;
const GPIO1_CTRL: usize = 0x4001_400C;
const GPIO25_CTRL: usize = 0x4001_40CC;
const UART: u32 = 2;
const SIO: u32 = 5;
const LED: u32 = 1 << 25;

// Section 2.3.1.
const GPIO_OUT: usize = 0xD000_0010;
const GPIO_OE_SET: usize = 0xD000_0024;

// Section 4.2.
const UART0_DR: usize = 0x4003_4000;
const UART0_FR: usize = 0x4003_4018;
const UART0_IBRD: usize = 0x4003_4024;
const UART0_FBRD: usize = 0x4003_4028;
const UART0_LCR_H: usize = 0x4003_402C;
const UART0_CR: usize = 0x4003_4030;
const NOTHING_RECEIVED: u32 = 1 << 4;
const CANNOT_SEND: u32 = 1 << 5;

/// The core at the 12 MHz of the board's crystal, UART0 at 115,200 baud and the LED.
pub fn start() {
    // Enabled, for 1 to 15 MHz; a millisecond to start, in 256 cycles.
    write(XOSC_STARTUP, 47);
    write(XOSC_CTRL, 0xFAB << 12 | 0xAA0);
    while read(XOSC_STATUS) >> 31 == 0 {}
    write(CLK_REF_CTRL, 2);
    while read(CLK_REF_SELECTED) & 1 << 2 == 0 {}
    // The core's clock is the reference since reset, and the peripherals' is the core's.
    write(CLK_PERI_CTRL, 1 << 11);

    write(RESETS_RESET_CLEAR, NEEDED);
    while read(RESETS_RESET_DONE) & NEEDED != NEEDED {}
    write(GPIO0_CTRL, UART);
    write(GPIO1_CTRL, UART);
    write(GPIO25_CTRL, SIO);
    write(GPIO_OE_SET, LED);

    // 12 MHz / (16 × 115,200) = 6 + 33 / 64.
    write(UART0_IBRD, 6);
    write(UART0_FBRD, 33);
    // 8 bits, with queues; then on, to send and to receive.
    write(UART0_LCR_H, 3 << 5 | 1 << 4);
    write(UART0_CR, 1 << 9 | 1 << 8 | 1);
}

/// Waits for a byte.
pub fn receive() -> u8 {
    while read(UART0_FR) & NOTHING_RECEIVED != 0 {}
    read(UART0_DR) as u8
}

/// Sends a byte.
pub fn send(byte: u8) {
    while read(UART0_FR) & CANNOT_SEND != 0 {}
    write(UART0_DR, byte.into());
}

/// Turns the LED on or off.
pub fn set_pin(is_high: bool) {
    write(GPIO_OUT, if is_high { LED } else { 0 });
}

fn write(address: usize, value: u32) {
    // SAFETY: the callers below name registers of the part, which take these values.
    unsafe { ptr::write_volatile(ptr::with_exposed_provenance_mut(address), value) }
}

fn read(address: usize) -> u32 {
    // SAFETY: as above.
    unsafe { ptr::read_volatile(ptr::with_exposed_provenance(address)) }
}
