//! The firmware that there is: one table.

use anyhow::{Context, Result};

/// A firmware to build, and the board that it is for.
#[derive(Debug)]
pub struct Firmware {
    /// What `cargo xtask build` calls it.
    pub name: &'static str,
    /// Its folder, from the root of the checkout, which has a `.cargo/config.toml` of its own.
    pub folder: &'static str,
    /// Its binary's name.
    pub binary: &'static str,
    /// Its cargo features.
    pub features: &'static [&'static str],
    /// The microcontroller, as simavr calls it.
    pub mcu: &'static str,
    /// The clock in hertz.
    pub frequency: u32,
    /// SRAM in bytes.
    pub sram: u64,
    /// Flash in bytes, less the boot loader's.
    pub flash: u64,
    /// The address of GPIOR0 in data space.
    pub marker: u16,
}

/// The Arduino Uno. Its boot loader, Optiboot, takes the last 512 of the 32,768 bytes of flash.
const UNO: Firmware = Firmware {
    name: "uno",
    folder: "examples/uno",
    binary: "uno",
    features: &[],
    mcu: "atmega328p",
    frequency: 16_000_000,
    sram: 2_048,
    flash: 32_256,
    marker: 0x3E,
};

/// All firmware.
pub static ALL: [Firmware; 2] = [
    UNO,
    Firmware {
        name: "uno-herringbone",
        features: &["herringbone"],
        ..UNO
    },
];

/// The names of all firmware.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|firmware| firmware.name)
}

/// The firmware called `name`.
///
/// # Errors
/// When there is none.
pub fn find(name: &str) -> Result<&'static Firmware> {
    ALL.iter()
        .find(|firmware| firmware.name == name)
        .with_context(|| {
            let names: Vec<_> = names().collect();
            format!(
                "there is no firmware called {name}; there are {}",
                names.join(", ")
            )
        })
}
