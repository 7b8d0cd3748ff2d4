//! 32-bit RISC-V parts, kept by hand from the vendors' datasheets.

use super::{Architecture, Target};

const fn part(name: &'static str, sram_kib: u32, flash_kib: u32, multiplies: bool) -> Target {
    Target {
        name,
        architecture: Architecture::RiscV32,
        sram_bytes: sram_kib * 1024,
        flash_bytes: flash_kib * 1024,
        multiplies,
    }
}

/// Sorted by name; SRAM and flash in KiB.
pub(super) static PARTS: &[Target] = &[
    // WCH, "CH32V003" datasheet, overview and table of the models. RV32EC:
    // the one core here without the M extension.
    part("ch32v003f4", 2, 16, false),
    // WCH, "CH32V103" datasheet, table of the models. RV32IMAC.
    part("ch32v103c8", 20, 64, true),
    // WCH, "CH32V203" datasheet, table of the models; the flash that runs
    // without wait states. RV32IMAC.
    part("ch32v203c8", 20, 64, true),
    // Espressif, "ESP32-C3 Series Datasheet", section "Internal Memory":
    // 400 KB of SRAM, 16 KB of them the cache. RV32IMC. The 4 MB of flash
    // are those in the package of ESP32-C3FH4.
    part("esp32c3", 384, 4096, true),
    // SiFive, "FE310-G002 Manual", memory map: 16 KiB of data memory.
    // RV32IMAC. Its flash is external: the 4 MB of the HiFive1 Rev B ("HiFive1
    // Rev B Getting Started Guide").
    part("fe310_g002", 16, 4096, true),
    // GigaDevice, "GD32VF103xx Datasheet", table of device features.
    // RV32IMAC.
    part("gd32vf103cb", 32, 128, true),
];
