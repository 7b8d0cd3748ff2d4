//! What firmware of 32-bit parts takes.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use herringbone_simulator32::program::Program;
use indicatif::HumanCount;
use serde::Serialize;

use super::{Bare, Board, build};
use crate::build::host;
use crate::classifier::Host;
use crate::digits::Digit;
use crate::microbit::sized;
use crate::paths::Weights;
use crate::{firmware, progress};

/// What a firmware takes.
#[derive(Debug, Serialize)]
pub struct Measurement {
    firmware: &'static str,
    part: &'static str,
    /// The clock in hertz.
    frequency: u32,
    images: u64,
    /// Of computing an image.
    cycles_mean: u64,
    cycles_min: u64,
    cycles_max: u64,
    cycles_per_multiply_accumulate: f64,
    /// Bytes of SRAM that are taken before it runs.
    sram_static: u64,
    /// The deepest stack of the firmware, in bytes.
    stack: u32,
    /// Bytes of flash, of the whole firmware.
    flash: u64,
    /// Bytes of flash of the network's machine code; none where it is portable.
    flash_network: Option<u64>,
}

/// Measures `bare` on `digits`, whose answers must be those of this machine.
///
/// # Errors
/// When something does not build, or an answer is another.
pub fn measure(bare: &'static Bare, weights: &Weights, digits: &[Digit]) -> Result<Measurement> {
    let elf = build(bare, weights)?.executable;
    let board = Board::new(bare, &elf)?;
    let mut network = Host::start(&host(firmware::find("uno")?, weights)?, None)?;
    let bar = progress::images(&format!("measuring {}", bare.name), digits.len());
    let mut costs = Vec::new();
    for digit in digits {
        let (verdict, cost) = board.classify(&[&digit.input])?;
        let expected = network.classify(&digit.input)?;
        ensure!(
            verdict == expected,
            "{}: the answer to {} is {verdict:?}, and should be {expected:?}",
            bare.name,
            digit.name
        );
        costs.push(cost);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let no_images = "there are no images to measure on; give a --count of 1 or more";
    let cycles = || costs.iter().map(|cost| cost.cycles);
    let images = costs.len() as u64;
    let cycles_mean = (cycles().sum::<u64>() + images / 2) / images.max(1);
    let built = sized(elf.clone())?;
    Ok(Measurement {
        firmware: bare.name,
        part: bare.part,
        frequency: bare.frequency,
        images,
        cycles_mean,
        cycles_min: cycles().min().context(no_images)?,
        cycles_max: cycles().max().context(no_images)?,
        cycles_per_multiply_accumulate: cycles_mean as f64 / network.description.macs as f64,
        sram_static: built.static_bytes,
        stack: costs.iter().map(|it| it.stack_bytes).max().unwrap_or(0),
        flash: built.flash_bytes,
        flash_network: machine_code_bytes(&elf)?,
    })
}

/// Bytes of the functions that the network's machine code is; of portable code, not all functions
/// say that they are the network's.
fn machine_code_bytes(elf: &Path) -> Result<Option<u64>> {
    let program = Program::parse(&std::fs::read(elf)?)?;
    let functions = program.functions.iter().filter_map(|function| {
        let (_, name) = function.name.split_once("herringbone_code::")?;
        Some((name, u64::from(function.bytes)))
    });
    let functions: Vec<(&str, u64)> = functions.collect();
    let is_machine_code =
        |&(name, _): &(&str, u64)| ["absorb", "absorb_input", "infer"].contains(&name);
    Ok(functions
        .iter()
        .all(is_machine_code)
        .then(|| functions.iter().map(|(_, bytes)| bytes).sum()))
}

impl Measurement {
    /// As a paragraph for a terminal.
    pub(crate) fn text(&self) -> String {
        let milliseconds = self.cycles_mean as f64 * 1e3 / f64::from(self.frequency);
        let network = match self.flash_network {
            Some(bytes) => format!("{} of them the network's", HumanCount(bytes)),
            None => "the network's code being portable".to_owned(),
        };
        format!(
            "{} on {}: {} cycles an image, {milliseconds:.1} ms at {} MHz ({} to {} cycles, {} images)\n\
             SRAM: {} static + {} of stack = {} bytes\nflash: {} bytes, {network}",
            self.firmware,
            self.part,
            HumanCount(self.cycles_mean),
            self.frequency / 1_000_000,
            HumanCount(self.cycles_min),
            HumanCount(self.cycles_max),
            self.images,
            self.sram_static,
            self.stack,
            self.sram_static + u64::from(self.stack),
            HumanCount(self.flash),
        )
    }

    /// As a row of the README's table of firmware.
    pub(crate) fn cells(&self) -> [String; 12] {
        let count = |number: u64| HumanCount(number).to_string();
        let milliseconds = self.cycles_mean as f64 * 1e3 / f64::from(self.frequency);
        [
            format!("`{}`", self.firmware),
            format!("{}, {} MHz", self.part, self.frequency / 1_000_000),
            count(self.cycles_mean),
            count(self.cycles_min),
            count(self.cycles_max),
            format!("{milliseconds:.1}"),
            format!("{:.2}", self.cycles_per_multiply_accumulate),
            count(self.sram_static),
            count(self.stack.into()),
            count(self.flash),
            self.flash_network.map_or("portable".to_owned(), count),
            "–".to_owned(),
        ]
    }
}
