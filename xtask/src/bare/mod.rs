//! Firmware of parts with 32-bit cores: one table, its building, and the simulated part.

mod board;
pub mod demo;
pub mod measure;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use herringbone_simulator32::memory::{Map, Register};

use crate::build::{self, Built, cargo_program};
use crate::paths::{self, Weights};
use crate::report::succeed;
use crate::toolchain;

pub use board::{Board, Cost};

/// A firmware that takes images over its serial line and answers with logits and the class.
#[derive(Debug)]
pub struct Bare {
    /// What `cargo xtask build` calls it.
    pub name: &'static str,
    /// Its folder in `examples/`.
    pub folder: &'static str,
    /// Its binary's name.
    pub binary: &'static str,
    /// What rustc calls its target.
    pub target: &'static str,
    /// Whether that target has no compiled `core`, so that a nightly builds it along.
    pub builds_core: bool,
    /// The part, as the compiler's table has it.
    pub part: &'static str,
    /// The core's clock in hertz.
    pub frequency: u32,
    /// How long instructions take.
    pub core: Core,
    /// Where memory and the registers are that the firmware uses.
    pub map: Map,
}

/// A core with its cycles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Core {
    /// A Cortex-M0.
    CortexM0,
    /// A Cortex-M0+.
    CortexM0Plus,
    /// A QingKe V2A whose flash has one wait state.
    QingkeV2,
    /// An RV32IMC core of which no cycles are published: a plain pipeline.
    Rv32imc,
}

/// A register that always reads the same.
const fn reads(address: u32, reads: u32) -> Register {
    Register { address, reads }
}

/// A register that is only written, or reads 0.
const fn register(address: u32) -> Register {
    reads(address, 0)
}

/// All of them.
pub static ALL: [Bare; 5] = [
    Bare {
        name: "microbit",
        folder: "examples/microbit",
        binary: "digits",
        target: "thumbv6m-none-eabi",
        builds_core: false,
        part: "nrf51822",
        frequency: 16_000_000,
        core: Core::CortexM0,
        map: Map {
            flash_start: 0,
            flash_bytes: 256 << 10,
            sram_start: 0x2000_0000,
            sram_bytes: 16 << 10,
            // nRF51 Series Reference Manual 3.0, chapters 29 and 14.
            uart: Some(0x4000_251C),
            uart_receive: Some(0x4000_2518),
            marker: Some(0x5000_0504),
            registers: &[
                register(0x4000_2000),
                register(0x4000_2008),
                reads(0x4000_2108, 1),
                reads(0x4000_211C, 1),
                register(0x4000_2500),
                register(0x4000_250C),
                register(0x4000_2514),
                register(0x4000_2524),
                register(0x5000_0518),
            ],
        },
    },
    Bare {
        name: "pico",
        folder: "examples/pico",
        binary: "pico",
        target: "thumbv6m-none-eabi",
        builds_core: false,
        part: "rp2040",
        frequency: 12_000_000,
        core: Core::CortexM0Plus,
        map: Map {
            // What the boot ROM runs before is not simulated.
            flash_start: 0x1000_0100,
            flash_bytes: (2 << 20) - 0x100,
            sram_start: 0x2000_0000,
            sram_bytes: 264 << 10,
            // RP2040 Datasheet; the firmware names them.
            uart: Some(0x4003_4000),
            uart_receive: None,
            marker: Some(0xD000_0010),
            registers: &[
                register(0x4000_8030),
                reads(0x4000_8038, 1 << 2),
                register(0x4000_8048),
                reads(0x4000_C008, u32::MAX),
                register(0x4000_F000),
                register(0x4001_4004),
                register(0x4001_400C),
                register(0x4001_40CC),
                register(0x4002_4000),
                reads(0x4002_4004, 1 << 31),
                register(0x4002_400C),
                register(0x4003_4018),
                register(0x4003_4024),
                register(0x4003_4028),
                register(0x4003_402C),
                register(0x4003_4030),
                register(0xD000_0024),
            ],
        },
    },
    Bare {
        name: "ch32v003",
        folder: "examples/ch32v003",
        binary: "ch32v003",
        target: "riscv32e-unknown-none-elf",
        builds_core: true,
        part: "ch32v003f4",
        frequency: 48_000_000,
        core: Core::QingkeV2,
        map: CH32V003,
    },
    Bare {
        name: "ch32v003-streamed",
        folder: "examples/ch32v003",
        binary: "ch32v003-streamed",
        target: "riscv32e-unknown-none-elf",
        builds_core: true,
        part: "ch32v003f4",
        frequency: 48_000_000,
        core: Core::QingkeV2,
        map: CH32V003,
    },
    Bare {
        name: "gd32vf103",
        folder: "examples/gd32vf103",
        binary: "gd32vf103",
        target: "riscv32imc-unknown-none-elf",
        builds_core: false,
        part: "gd32vf103cb",
        frequency: 8_000_000,
        core: Core::Rv32imc,
        map: Map {
            flash_start: 0x0800_0000,
            flash_bytes: 128 << 10,
            sram_start: 0x2000_0000,
            sram_bytes: 32 << 10,
            // GD32VF103 User Manual; the firmware names them.
            uart: Some(0x4001_3804),
            uart_receive: None,
            marker: Some(0x4001_080C),
            registers: &[
                register(0x4001_0800),
                register(0x4001_0804),
                reads(0x4001_3800, 1 << 7 | 1 << 5),
                register(0x4001_3808),
                register(0x4001_380C),
                register(0x4002_1018),
            ],
        },
    },
];

/// A CH32V003F4. CH32V003 Reference Manual; its firmwares name the registers.
const CH32V003: Map = Map {
    flash_start: 0,
    flash_bytes: 16 << 10,
    sram_start: 0x2000_0000,
    sram_bytes: 2 << 10,
    uart: Some(0x4001_3804),
    uart_receive: None,
    marker: Some(0x4001_140C),
    registers: &[
        register(0x4001_1400),
        reads(0x4001_3800, 1 << 7 | 1 << 5),
        register(0x4001_3808),
        register(0x4001_380C),
        reads(0x4002_1000, 1 << 25),
        reads(0x4002_1004, 2 << 2),
        register(0x4002_1018),
        register(0x4002_2000),
    ],
};

/// Their names.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|bare| bare.name)
}

/// The one called `name`, if there is one.
#[must_use]
pub fn find(name: &str) -> Option<&'static Bare> {
    ALL.iter().find(|bare| bare.name == name)
}

/// The file of `weights`, or that which ships.
fn weights_file(weights: &Weights) -> Result<PathBuf> {
    let uno = crate::firmware::find("uno")?;
    weights.file(uno).context("the weights of uno can be given")
}

/// Builds `bare` with `weights`, and gives its ELF file.
///
/// # Errors
/// When it does not compile.
pub fn build(bare: &Bare, weights: &Weights) -> Result<Built> {
    let folder = paths::root().join(bare.folder);
    let mut cargo = command(bare, "build")?;
    cargo
        .args(["--release", "--bin", bare.binary])
        .env(Weights::VARIABLE, weights_file(weights)?)
        .current_dir(folder);
    let what = format!("building the firmware {}", bare.name);
    build::executable(&mut cargo, bare.binary, &what)
}

/// The subcommand of the cargo that builds it, with the target installed.
pub(crate) fn command(bare: &Bare, subcommand: &str) -> Result<Command> {
    if bare.builds_core {
        let toolchain = toolchain::avr()?;
        return Ok(match subcommand {
            "clippy" => toolchain.clippy(),
            _ => toolchain.build(),
        });
    }
    let mut add = Command::new("rustup");
    succeed(add.args(["target", "add", bare.target]))?;
    let mut cargo = Command::new(cargo_program());
    // Flags of the environment would replace the firmware's own.
    cargo
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("CARGO_TARGET_DIR", paths::firmware_target())
        .arg(subcommand);
    Ok(cargo)
}
