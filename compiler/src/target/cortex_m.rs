//! Cortex-M0 and Cortex-M0+ parts, kept by hand from the vendors' datasheets.
//!
//! SRAM and internal flash agree with the memory map that probe-rs 0.24 has of
//! each part. All multiply: ARMv6-M has `muls`.

use super::{Architecture, Target};

const fn m0(name: &'static str, sram_kib: u32, flash_kib: u32) -> Target {
    Target::cortex_m(name, Architecture::CortexM0, sram_kib, flash_kib)
}

const fn m0_plus(name: &'static str, sram_kib: u32, flash_kib: u32) -> Target {
    Target::cortex_m(name, Architecture::CortexM0Plus, sram_kib, flash_kib)
}

/// Sorted by name; SRAM and flash in KiB.
pub(super) static PARTS: &[Target] = &[
    // Silicon Labs, "EFM32HG Data Sheet", configuration summary.
    m0_plus("efm32hg322f64", 8, 64),
    // HDSC, "HC32F003/HC32F005" datasheet.
    m0_plus("hc32f005c6", 4, 32),
    // NXP, "LPC802", "LPC804" and "LPC84x" datasheets, table "Ordering options".
    m0_plus("lpc802", 2, 16),
    m0_plus("lpc804", 4, 32),
    // NXP, "LPC81xM" datasheet, table "Ordering options".
    m0_plus("lpc810", 1, 4),
    m0_plus("lpc811", 2, 8),
    m0_plus("lpc812", 4, 16),
    // NXP, "LPC82x" datasheet, table "Ordering options".
    m0_plus("lpc824", 8, 32),
    // NXP, "LPC84x" datasheet, table "Ordering options".
    m0_plus("lpc844", 8, 64),
    m0_plus("lpc845", 16, 64),
    // Texas Instruments, "MSPM0L110x" and "MSPM0L130x" datasheets, device comparison.
    m0_plus("mspm0l1105", 4, 32),
    m0_plus("mspm0l1306", 4, 64),
    // Nordic, "nRF51822 Product Specification", ordering codes. Without a
    // suffix the variant AA, which the BBC micro:bit v1 carries.
    m0("nrf51822", 16, 256),
    m0("nrf51822_xxaa", 16, 256),
    m0("nrf51822_xxab", 16, 128),
    m0("nrf51822_xxac", 32, 256),
    // Puya, "PY32F002A", "PY32F003" and "PY32F030" datasheets.
    m0_plus("py32f002ax5", 3, 20),
    m0_plus("py32f003x4", 2, 16),
    m0_plus("py32f003x8", 8, 64),
    m0_plus("py32f030x8", 8, 64),
    // Raspberry Pi, "RP2040 Datasheet", section "SRAM": four banks of 64 KiB
    // and two of 4 KiB, contiguous. Its flash is external: the 2 MiB of the
    // Raspberry Pi Pico ("Raspberry Pi Pico Datasheet").
    m0_plus("rp2040", 264, 2048),
    // Microchip, "SAM D10" datasheet, configuration summary.
    m0_plus("samd10d14a", 4, 16),
    // Microchip, "SAM D11" datasheet, configuration summary.
    m0_plus("samd11c14a", 4, 16),
    m0_plus("samd11d14a", 4, 16),
    // Microchip, "SAM D21/DA1 Family" datasheet, configuration summary.
    m0_plus("samd21e15a", 4, 32),
    m0_plus("samd21e17a", 16, 128),
    m0_plus("samd21e18a", 32, 256),
    m0_plus("samd21g17a", 16, 128),
    m0_plus("samd21g18a", 32, 256),
    m0_plus("samd21j18a", 32, 256),
    // ST, "STM32C011x4/x6" and "STM32C031x4/x6" datasheets, table of device
    // features and peripheral counts, as in all of ST's below.
    m0_plus("stm32c011f6", 6, 32),
    m0_plus("stm32c031c6", 12, 32),
    // ST, "STM32F030x4/x6/x8/xC" datasheet.
    m0("stm32f030c6", 4, 32),
    m0("stm32f030c8", 8, 64),
    m0("stm32f030cc", 32, 256),
    m0("stm32f030f4", 4, 16),
    m0("stm32f030k6", 4, 32),
    m0("stm32f030r8", 8, 64),
    // ST, "STM32F031x4/x6" datasheet.
    m0("stm32f031f4", 4, 16),
    m0("stm32f031k6", 4, 32),
    // ST, "STM32F042x4/x6" datasheet.
    m0("stm32f042f4", 6, 16),
    m0("stm32f042f6", 6, 32),
    m0("stm32f042k6", 6, 32),
    // ST, "STM32F051x4/x6/x8" datasheet.
    m0("stm32f051r8", 8, 64),
    // ST, "STM32F070CB/RB/C6/F6" datasheet.
    m0("stm32f070f6", 6, 32),
    m0("stm32f070rb", 16, 128),
    // ST, "STM32F072x8/xB" datasheet.
    m0("stm32f072rb", 16, 128),
    // ST, "STM32F091xB/xC" datasheet.
    m0("stm32f091rc", 32, 256),
    // ST, "STM32G030x6/x8" datasheet.
    m0_plus("stm32g030c8", 8, 64),
    m0_plus("stm32g030f6", 8, 32),
    m0_plus("stm32g030k8", 8, 64),
    m0_plus("stm32g031f6", 8, 32),
    // ST, "STM32G031x4/x6/x8" datasheet.
    m0_plus("stm32g031k8", 8, 64),
    m0_plus("stm32g041k8", 8, 64),
    m0_plus("stm32g071rb", 36, 128),
    m0_plus("stm32g0b1re", 144, 512),
    // ST, "STM32L011x3/x4" datasheet.
    m0_plus("stm32l011f4", 2, 16),
    m0_plus("stm32l011k4", 2, 16),
    // ST, "STM32L031x4/x6" datasheet.
    m0_plus("stm32l031k6", 8, 32),
    // ST, "STM32L053x6/x8" datasheet.
    m0_plus("stm32l053c8", 8, 64),
    m0_plus("stm32l053r8", 8, 64),
    m0_plus("stm32l072cz", 20, 192),
    // ST, "STM32L073x8/xB/xZ" datasheet.
    m0_plus("stm32l073rz", 20, 192),
    m0_plus("stm32u083rc", 32, 256),
];
