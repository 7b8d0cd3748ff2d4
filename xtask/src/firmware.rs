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
    /// How its network gets its weights.
    pub weights: WeightsSource,
    /// What it classifies.
    pub inputs: Inputs,
    /// How it takes inputs and answers.
    pub link: Link,
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

/// How a firmware's network gets its weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightsSource {
    /// Its declaration names the file.
    Fixed,
    /// From any file, when it is built.
    Given {
        /// The file that ships, from the root of the checkout.
        shipped: &'static str,
    },
    /// Before the first image, as `cargo xtask params` makes them of any file.
    Loaded {
        /// The file that ships, from the root of the checkout.
        shipped: &'static str,
    },
}

/// What a firmware classifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inputs {
    /// Handwritten digits, images as MNIST's.
    Handwritten,
    /// Handwritten digits of 16×16 pixels: those, reduced.
    Reduced,
    /// Spoken digits, features as `examples/keyword/make_rows.py` makes them.
    Spoken,
}

/// How a firmware takes inputs and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Over USART0, whose bytes it polls for.
    Serial,
    /// Over USART0, by interrupt: bytes arrive at the line's rate.
    Paced {
        /// The firmware's cycles from one byte to the next.
        cycles_per_byte: u64,
    },
    /// The images are its own; the answer goes bytewise to an I/O register.
    Registers {
        /// That register's address in data space.
        byte: u16,
        /// The address of the register that changes with each byte.
        strobe: u16,
    },
    /// A master clocks bytes into a universal serial interface; the answer goes bytewise to an I/O
    /// register. All are addresses in data space.
    Slave {
        /// USICR, by which it is switched on.
        control: u16,
        /// USISR, which says that there is a byte.
        status: u16,
        /// The register of the answer's bytes.
        byte: u16,
        /// The register that changes with each of them.
        strobe: u16,
    },
}

/// Cycles of a byte on the Arduinos' serial lines: 10 bits a byte, 17 × 8 cycles a bit, for UBRR =
/// 16 with U2X (ATmega328P datasheet, DS40002061B, "Equations for Calculating Baud Rate Register
/// Setting"; the ATmega2560's USART is the same).
pub const CYCLES_PER_BYTE: u64 = 10 * 17 * 8;

const BY_INTERRUPT: Link = Link::Paced {
    cycles_per_byte: CYCLES_PER_BYTE,
};

/// The weights of the published network, trained here.
const DIGITS: &str = "examples/uno/digits.safetensors";

/// The Arduino Uno. Its boot loader, Optiboot, takes the last 512 of the 32,768 bytes of flash.
const UNO: Firmware = Firmware {
    name: "uno",
    folder: "examples/uno",
    binary: "uno",
    features: &[],
    weights: WeightsSource::Given { shipped: DIGITS },
    inputs: Inputs::Handwritten,
    link: Link::Serial,
    mcu: "atmega328p",
    frequency: 16_000_000,
    sram: 2_048,
    flash: 32_256,
    marker: 0x3E,
};

/// A bare ATtiny85 on its internal oscillator.
const TINY85: Firmware = Firmware {
    name: "tiny85",
    folder: "examples/tiny85",
    binary: "tiny85",
    features: &[],
    weights: WeightsSource::Fixed,
    inputs: Inputs::Handwritten,
    link: Link::Registers {
        byte: 0x32,
        strobe: 0x33,
    },
    mcu: "attiny85",
    frequency: 8_000_000,
    sram: 512,
    flash: 8_192,
    marker: 0x31,
};

/// A bare ATtiny25 on its internal oscillator.
const TINY25: Firmware = Firmware {
    name: "tiny25",
    folder: "examples/tiny25",
    binary: "tiny25",
    link: Link::Slave {
        control: 0x2D,
        status: 0x2E,
        byte: 0x32,
        strobe: 0x33,
    },
    mcu: "attiny25",
    sram: 128,
    flash: 2_048,
    ..TINY85
};

/// All firmware that takes its inputs over a line, or has them.
pub static ALL: [Firmware; 16] = [
    UNO,
    Firmware {
        name: "uno-accurate",
        features: &["accurate"],
        weights: WeightsSource::Fixed,
        link: BY_INTERRUPT,
        ..UNO
    },
    Firmware {
        name: "uno-herringbone",
        features: &["herringbone"],
        ..UNO
    },
    Firmware {
        name: "uno-pruned",
        features: &["pruned"],
        weights: WeightsSource::Fixed,
        ..UNO
    },
    Firmware {
        name: "uno-residual",
        features: &["residual"],
        weights: WeightsSource::Fixed,
        link: BY_INTERRUPT,
        ..UNO
    },
    Firmware {
        name: "uno-streamed",
        features: &["streamed"],
        link: BY_INTERRUPT,
        ..UNO
    },
    Firmware {
        name: "uno-table",
        features: &["table"],
        ..UNO
    },
    Firmware {
        name: "uno-runtime",
        features: &["runtime"],
        weights: WeightsSource::Loaded { shipped: DIGITS },
        ..UNO
    },
    Firmware {
        name: "uno-keyword",
        folder: "examples/keyword",
        binary: "uno-keyword",
        weights: WeightsSource::Fixed,
        inputs: Inputs::Spoken,
        link: BY_INTERRUPT,
        ..UNO
    },
    Firmware {
        name: "uno-fastgrnn",
        folder: "examples/keyword",
        binary: "uno-keyword",
        features: &["fastgrnn"],
        weights: WeightsSource::Fixed,
        inputs: Inputs::Reduced,
        ..UNO
    },
    Firmware {
        name: "uno-bonsai",
        folder: "examples/keyword",
        binary: "uno-keyword",
        features: &["bonsai"],
        weights: WeightsSource::Fixed,
        inputs: Inputs::Reduced,
        ..UNO
    },
    Firmware {
        name: "uno-protonn",
        folder: "examples/keyword",
        binary: "uno-keyword",
        features: &["protonn"],
        weights: WeightsSource::Fixed,
        inputs: Inputs::Reduced,
        ..UNO
    },
    TINY85,
    Firmware {
        name: "tiny85-published",
        features: &["published"],
        weights: UNO.weights,
        ..TINY85
    },
    TINY25,
    // The Arduino Mega. Its boot loader takes the last 8,192 of the 262,144 bytes of flash.
    Firmware {
        name: "mega",
        folder: "examples/mega",
        binary: "mega",
        features: &[],
        weights: WeightsSource::Fixed,
        inputs: Inputs::Handwritten,
        link: Link::Serial,
        mcu: "atmega2560",
        frequency: 16_000_000,
        sram: 8_192,
        flash: 253_952,
        marker: 0x3E,
    },
];

/// The firmware that reads a sensor: it takes no inputs.
pub static SENSING: [Firmware; 2] = [
    Firmware {
        name: "uno-voice",
        folder: "examples/voice",
        binary: "uno-voice",
        weights: WeightsSource::Fixed,
        ..UNO
    },
    Firmware {
        name: "uno-gesture",
        folder: "examples/gesture",
        binary: "uno-gesture",
        weights: WeightsSource::Fixed,
        ..UNO
    },
];

/// The names of all firmware that can be built.
pub fn all_names() -> impl Iterator<Item = &'static str> {
    names().chain(SENSING.iter().map(|firmware| firmware.name))
}

/// The names of [`ALL`].
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|firmware| firmware.name)
}

/// The firmware called `name`.
///
/// # Errors
/// When there is none.
pub fn find(name: &str) -> Result<&'static Firmware> {
    ALL.iter()
        .chain(&SENSING)
        .find(|firmware| firmware.name == name)
        .with_context(|| {
            let names: Vec<_> = all_names().collect();
            format!(
                "there is no firmware called {name}; there are {}",
                names.join(", ")
            )
        })
}
