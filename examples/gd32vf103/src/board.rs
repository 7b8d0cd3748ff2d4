//! What the firmware needs of the GD32VF103: how it starts, USART0 and a pin. The names are those of the
//! "GD32VF103 User Manual".

use core::arch::global_asm;
use core::ptr;

// Chapter 5.
const RCU_APB2EN: usize = 0x4002_1018;
// Chapter 7.
const GPIOA_CTL0: usize = 0x4001_0800;
const GPIOA_CTL1: usize = 0x4001_0804;
const GPIOA_OCTL: usize = 0x4001_080C;
// Chapter 16.
const USART0_STAT: usize = 0x4001_3800;
const USART0_DATA: usize = 0x4001_3804;
const USART0_BAUD: usize = 0x4001_3808;
const USART0_CTL0: usize = 0x4001_380C;
const RECEIVED: u32 = 1 << 5;
const CAN_SEND: u32 = 1 << 7;
const PA0: u32 = 1 << 0;

// The core begins at 0, where flash is as well; addresses are relative to where it is linked.
global_asm!(
    ".section .init, \"ax\"",
    ".global _start",
    "_start:",
    "lui t0, %hi(1f)",
    "jr %lo(1f)(t0)",
    "1:",
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

/// The core at the 8 MHz of its internal oscillator, USART0 at 115,200 baud on PA9 and PA10, and PA0
/// as an output.
pub fn start() {
    // Port A and USART0.
    write(RCU_APB2EN, 1 << 14 | 1 << 2);
    // PA9 is the USART's output, PA10 a floating input, PA0 an output; the others as after a reset.
    write(GPIOA_CTL0, 0x4444_4441);
    write(GPIOA_CTL1, 0x4444_44B4);
    // 0.6 % off.
    write(USART0_BAUD, 8_000_000 / 115_200);
    // On, to send and to receive; 8 bits without parity are the values after a reset.
    write(USART0_CTL0, 1 << 13 | 1 << 3 | 1 << 2);
}

/// Waits for a byte.
pub fn receive() -> u8 {
    while read(USART0_STAT) & RECEIVED == 0 {}
    read(USART0_DATA) as u8
}

/// Sends a byte.
pub fn send(byte: u8) {
    while read(USART0_STAT) & CAN_SEND == 0 {}
    write(USART0_DATA, byte.into());
}

/// Sets PA0 high or low.
pub fn set_pin(is_high: bool) {
    write(GPIOA_OCTL, if is_high { PA0 } else { 0 });
}

fn write(address: usize, value: u32) {
    // SAFETY: the callers below name registers of the part, which take these values.
    unsafe { ptr::write_volatile(ptr::with_exposed_provenance_mut(address), value) }
}

fn read(address: usize) -> u32 {
    // SAFETY: as above.
    unsafe { ptr::read_volatile(ptr::with_exposed_provenance(address)) }
}
