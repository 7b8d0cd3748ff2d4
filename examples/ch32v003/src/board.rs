//! What the firmware needs of the CH32V003: how it starts, its clock, USART1 and a pin. The names are
//! those of the "CH32V003 Reference Manual".

use core::arch::global_asm;
use core::ptr;

// Chapter 3.
const RCC_CTLR: usize = 0x4002_1000;
const RCC_CFGR0: usize = 0x4002_1004;
const RCC_APB2PCENR: usize = 0x4002_1018;
// Chapter 16.
const FLASH_ACTLR: usize = 0x4002_2000;
// Chapter 7.
const GPIOD_CFGLR: usize = 0x4001_1400;
const GPIOD_OUTDR: usize = 0x4001_140C;
// Chapter 12.
const USART1_STATR: usize = 0x4001_3800;
const USART1_DATAR: usize = 0x4001_3804;
const USART1_BRR: usize = 0x4001_3808;
const USART1_CTLR1: usize = 0x4001_380C;
const RECEIVED: u32 = 1 << 5;
const CAN_SEND: u32 = 1 << 7;
const PD4: u32 = 1 << 4;

global_asm!(
    ".section .init, \"ax\"",
    ".global _start",
    "_start:",
    "la sp, _stack_start",
    "la a0, _bss_start",
    "la a1, _bss_end",
    "2:",
    "bgeu a0, a1, 3f",
    "sw zero, 0(a0)",
    "addi a0, a0, 4",
    "j 2b",
    "3:",
    "j main",
);

/// The core at 48 MHz, USART1 at that many baud on PD5 and PD6, and PD4 as an output.
pub fn start(baud_rate: u32) {
    // A wait state of flash above 24 MHz, and twice the internal oscillator.
    write(FLASH_ACTLR, 1);
    write(RCC_CFGR0, 0);
    write(RCC_CTLR, 1 << 24 | read(RCC_CTLR));
    while read(RCC_CTLR) & 1 << 25 == 0 {}
    write(RCC_CFGR0, 2);
    while read(RCC_CFGR0) >> 2 & 3 != 2 {}

    // Port D and USART1.
    write(RCC_APB2PCENR, 1 << 14 | 1 << 5);
    // PD5 is the USART's output, PD6 a floating input, PD4 an output; the others as after a reset.
    write(GPIOD_CFGLR, 0x44B1_4444);
    write(USART1_BRR, 48_000_000_u32.div_ceil(baud_rate));
    // On, to send and to receive; 8 bits without parity are the values after a reset.
    write(USART1_CTLR1, 1 << 13 | 1 << 3 | 1 << 2);
}

/// Waits for a byte.
pub fn receive() -> u8 {
    while read(USART1_STATR) & RECEIVED == 0 {}
    read(USART1_DATAR) as u8
}

/// Sends a byte.
pub fn send(byte: u8) {
    while read(USART1_STATR) & CAN_SEND == 0 {}
    write(USART1_DATAR, byte.into());
}

/// Sets PD4 high or low.
pub fn set_pin(is_high: bool) {
    write(GPIOD_OUTDR, if is_high { PD4 } else { 0 });
}

fn write(address: usize, value: u32) {
    // SAFETY: the callers below name registers of the part, which take these values.
    unsafe { ptr::write_volatile(ptr::with_exposed_provenance_mut(address), value) }
}

fn read(address: usize) -> u32 {
    // SAFETY: as above.
    unsafe { ptr::read_volatile(ptr::with_exposed_provenance(address)) }
}
