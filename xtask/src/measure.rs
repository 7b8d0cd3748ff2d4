//! `cargo xtask measure`: what every firmware variant takes.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::build;
use crate::classifier::{Host, Simulated};
use crate::digits::{self, Digit};
use crate::firmware::{self, Firmware};
use crate::paths::Weights;
use crate::progress;
use crate::toolchain::{self, Toolchain};

/// What one firmware takes.
#[derive(Debug, Serialize)]
struct Measurement {
    firmware: &'static str,
    mcu: &'static str,
    images: usize,
    cycles: Cycles,
    /// Bytes of SRAM in `.data`, `.bss` and `.noinit`.
    sram_static: u64,
    /// The deepest stack, in bytes.
    stack: u64,
    /// Bytes of flash.
    flash: u64,
    /// Bytes of the network's arena.
    arena: u64,
}

/// Cycles of computing an image.
#[derive(Debug, Serialize)]
struct Cycles {
    mean: u64,
    min: u64,
    max: u64,
}

/// Measures every firmware on the digits that ship, or on `count` of those in the folder `images`,
/// and prints a table or `json`.
///
/// # Errors
/// When something cannot be installed, built or read, or a firmware fails.
pub fn run(json: bool, images: Option<&Path>, count: usize, weights: &Weights) -> Result<()> {
    let digits = digits::choose(images, count)?;
    let toolchain = toolchain::avr()?;
    let simulator = build::simulator()?;
    let measurements = firmware::ALL
        .iter()
        .map(|firmware| measure(firmware, &digits, weights, toolchain, &simulator))
        .collect::<Result<Vec<_>>>()?;
    if json {
        println!("{}", serde_json::to_string_pretty(&measurements)?);
    } else {
        print_table(&measurements);
    }
    Ok(())
}

fn measure(
    firmware: &Firmware,
    digits: &[Digit],
    weights: &Weights,
    toolchain: Toolchain,
    simulator: &Path,
) -> Result<Measurement> {
    let arena = Host::start(&build::host(firmware, weights)?)?
        .description
        .arena_bytes;
    let elf = build::firmware(firmware, weights, toolchain)?.executable;
    let mut simulated = Simulated::start(simulator, firmware, &elf)?;

    let bar = progress::images(&format!("measuring {}", firmware.name), digits.len());
    let mut cycles = Vec::new();
    let mut stack = 0;
    for digit in digits {
        let (_, cost) = simulated.classify(&digit.pixels)?;
        cycles.push(cost.cycles);
        stack = cost.stack;
        bar.inc(1);
    }
    bar.finish_and_clear();

    let no_images = || "there are no images to measure on; give a --count of 1 or more";
    let images = digits.len();
    Ok(Measurement {
        firmware: firmware.name,
        mcu: firmware.mcu,
        images,
        cycles: Cycles {
            min: *cycles.iter().min().with_context(no_images)?,
            max: *cycles.iter().max().with_context(no_images)?,
            mean: (cycles.iter().sum::<u64>() + images as u64 / 2) / images as u64,
        },
        sram_static: simulated.footprint.sram_static,
        stack,
        flash: simulated.footprint.flash,
        arena,
    })
}

fn print_table(measurements: &[Measurement]) {
    println!(
        "{:<17} {:>10} {:>10} {:>10} {:>6} {:>5} {:>6} {:>5}",
        "firmware", "cycles", "min", "max", "static", "stack", "flash", "arena"
    );
    for it in measurements {
        println!(
            "{:<17} {:>10} {:>10} {:>10} {:>6} {:>5} {:>6} {:>5}",
            it.firmware,
            it.cycles.mean,
            it.cycles.min,
            it.cycles.max,
            it.sram_static,
            it.stack,
            it.flash,
            it.arena
        );
    }
}
