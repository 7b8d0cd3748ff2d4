//! Cortex-M3, M4, M7 and M33 parts, kept by hand from the vendors' datasheets. They take the
//! portable code.
//!
//! SRAM and internal flash agree with the memory map that probe-rs 0.24 has of each part. Of parts
//! with SRAM in several places, that which begins at 0x2000_0000 counts, for linker scripts put all
//! that is static there; of the STM32H7, the 512 KiB at 0x2400_0000.

use super::{Architecture, Target};

const fn m3(name: &'static str, sram_kib: u32, flash_kib: u32) -> Target {
    Target::cortex_m(name, Architecture::CortexM3, sram_kib, flash_kib)
}

const fn m4(name: &'static str, sram_kib: u32, flash_kib: u32) -> Target {
    Target::cortex_m(name, Architecture::CortexM4, sram_kib, flash_kib)
}

const fn m7(name: &'static str, sram_kib: u32, flash_kib: u32) -> Target {
    Target::cortex_m(name, Architecture::CortexM7, sram_kib, flash_kib)
}

const fn m33(name: &'static str, sram_kib: u32, flash_kib: u32) -> Target {
    Target::cortex_m(name, Architecture::CortexM33, sram_kib, flash_kib)
}

/// Sorted by name; SRAM and flash in KiB.
pub(super) static PARTS: &[Target] = &[
    // Microchip, "SAM D5x/E5x Family" datasheet, configuration summary.
    m4("atsamd51g19", 192, 512),
    m4("atsamd51j19", 192, 512),
    m4("atsamd51p20", 256, 1024),
    m4("atsame51j20", 256, 1024),
    // Nordic, product specifications, memory.
    m4("nrf52805", 24, 192),
    m4("nrf52810", 24, 192),
    m4("nrf52832_xxaa", 64, 512),
    m4("nrf52832_xxab", 32, 1024),
    m4("nrf52833", 128, 512),
    m4("nrf52840", 256, 1024),
    m33("nrf5340", 256, 1024),
    m33("nrf9160", 256, 1024),
    // Renesas, "RA4M1 Group" datasheet, function comparison.
    m4("r7fa4m1ab", 32, 256),
    // Microchip, "SAM3X/SAM3A Series" datasheet, configuration summary: SRAM0 of the Arduino Due.
    m3("sam3x8e", 64, 512),
    // ST, table of device features and peripheral counts of each datasheet, as in all below.
    m3("stm32f100rb", 8, 128),
    m3("stm32f103c8", 20, 64),
    m3("stm32f103rb", 20, 128),
    m3("stm32f207zg", 128, 1024),
    m4("stm32f303cc", 48, 256),
    m4("stm32f303re", 64, 512),
    m4("stm32f401cc", 64, 256),
    m4("stm32f401re", 96, 512),
    m4("stm32f407vg", 128, 1024),
    m4("stm32f411ce", 128, 512),
    m4("stm32f411re", 128, 512),
    m4("stm32f429zi", 192, 2048),
    m4("stm32f446re", 128, 512),
    m7("stm32f746zg", 320, 1024),
    m7("stm32f767zi", 512, 2048),
    m4("stm32g431kb", 32, 128),
    m4("stm32g474re", 128, 512),
    m7("stm32h743zi", 512, 2048),
    m3("stm32l152re", 80, 512),
    m4("stm32l432kc", 64, 256),
    m4("stm32l476rg", 96, 1024),
    m33("stm32l552ze", 256, 512),
    m4("stm32wb55rg", 192, 1024),
];
