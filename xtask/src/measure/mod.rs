//! `cargo xtask measure`: what every firmware takes.

mod layers;
mod markdown;
pub mod models;
mod table;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::bare::{self, Bare};
use crate::build;
use crate::classifier::{Cost, Cycles, Description, Footprint};
use crate::declaration;
use crate::digits::{self, Digit};
use crate::firmware::{self, Firmware};
use crate::paths::Weights;
use crate::programs::Programs;
use crate::progress;
use crate::sensing;
use crate::toolchain;

use layers::Layer;

/// How measurements are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Tables for a terminal.
    Text,
    /// All that was measured.
    Json,
    /// The README's tables: all firmware, and the layers of the first.
    Markdown,
}

/// All that was measured.
#[derive(Debug, Serialize)]
struct All<'measured> {
    images: &'measured [Measurement],
    sensing: &'measured [sensing::Measurement],
    bare: &'measured [bare::measure::Measurement],
}

/// What one firmware that takes images takes.
#[derive(Debug, Serialize)]
struct Measurement {
    firmware: &'static str,
    mcu: &'static str,
    /// The name of the network's plan.
    plan: String,
    /// The clock in hertz.
    frequency: u32,
    images: u64,
    cycles: Range,
    /// Cycles as the compiler expects them, with as many zeros as the weights file says.
    cycles_predicted: Option<u64>,
    cycles_by_kind: Cycles,
    /// Multiply-accumulates an image.
    multiply_accumulates: u64,
    cycles_per_multiply_accumulate: f64,
    /// Bytes of SRAM in `.data`, `.bss` and `.noinit`.
    sram_static: u64,
    /// The deepest stack of the firmware, in bytes.
    stack: u64,
    /// The deepest stack of the network's methods as the compiler expects it, in bytes: what
    /// `main` keeps comes on top.
    stack_predicted: u64,
    /// Bytes of the network's arena.
    arena: u64,
    /// Bytes of flash, of the whole firmware.
    flash: u64,
    /// Bytes of flash, of the network's functions and tables. The few around their calls, in
    /// methods that the compiler has inlined, count as the rest of the firmware.
    flash_network: u64,
    /// Bytes of flash of the network as the compiler expects them, those around calls included.
    flash_predicted: u64,
    /// What the firmware is made of: the network's layers, and what surrounds them.
    parts: Vec<Part>,
}

/// Cycles of computing an image.
#[derive(Debug, Serialize)]
struct Range {
    mean: u64,
    min: u64,
    max: u64,
}

/// A layer, or something around the layers.
#[derive(Debug, Serialize)]
struct Part {
    /// A layer as it was declared, or what else it is.
    name: String,
    /// Its functions and tables, as the generated code calls them.
    symbols: Vec<String>,
    /// Multiply-accumulates an image; none where there are no products to sum.
    multiply_accumulates: Option<u64>,
    cycles: u64,
    cycles_by_kind: Cycles,
    cycles_per_multiply_accumulate: Option<f64>,
    /// Bytes of flash.
    flash: u64,
}

impl Cycles {
    fn total(&self) -> u64 {
        self.by_kind().into_iter().sum()
    }

    /// In the order of [`KINDS`].
    fn by_kind(&self) -> [u64; KINDS.len()] {
        [
            self.load,
            self.multiply_accumulate,
            self.requantise,
            self.store,
            self.pool,
            self.other,
        ]
    }

    fn add(&mut self, other: &Self) {
        self.load += other.load;
        self.multiply_accumulate += other.multiply_accumulate;
        self.requantise += other.requantise;
        self.store += other.store;
        self.pool += other.pool;
        self.other += other.other;
    }

    /// The mean of a sum over `images`.
    fn mean(&self, images: u64) -> Self {
        Self {
            load: mean(self.load, images),
            multiply_accumulate: mean(self.multiply_accumulate, images),
            requantise: mean(self.requantise, images),
            store: mean(self.store, images),
            pool: mean(self.pool, images),
            other: mean(self.other, images),
        }
    }
}

/// What tables call the kinds of instruction.
const KINDS: [&str; 6] = ["load", "mult.-acc.", "requantise", "store", "pool", "other"];

/// Measures the firmware that `selected` lists, and that of parts with 32-bit cores, on the digits
/// that ship, or on `count` of those in the folder `images`; firmware with images of its own, on
/// those; and firmware that takes spoken digits, on random bytes.
///
/// # Errors
/// When something cannot be installed, built or read, or a firmware fails.
pub fn run(
    (selected, bare): (&[&'static Firmware], &[&'static Bare]),
    format: Format,
    images: Option<&Path>,
    count: usize,
    weights: Option<PathBuf>,
) -> Result<()> {
    let weights = match bare.is_empty() {
        true => Weights::choose_for(selected, weights)?,
        false => Weights::choose(weights)?,
    };
    let is_sensing = |firmware: &Firmware| {
        let names = firmware::SENSING.iter().map(|it| it.name);
        names.into_iter().any(|name| name == firmware.name)
    };
    let (sensing, selected): (Vec<_>, Vec<_>) = selected
        .iter()
        .copied()
        .partition(|firmware| is_sensing(firmware));
    let digits = digits::choose(images, count)?;
    let measurements = measure_all(&selected, &weights, &digits)?;
    let bare = bare
        .iter()
        .map(|bare| {
            bare::measure::measure(bare, &weights, &digits)
                .with_context(|| format!("cannot measure {}", bare.name))
        })
        .collect::<Result<Vec<_>>>()?;
    let sensing = sensing
        .into_iter()
        .map(|firmware| {
            sensing::measure(firmware).with_context(|| format!("cannot measure {}", firmware.name))
        })
        .collect::<Result<Vec<_>>>()?;
    match format {
        Format::Text => table::print(&measurements, &bare, &sensing),
        Format::Json => {
            let all = All {
                images: &measurements,
                sensing: &sensing,
                bare: &bare,
            };
            println!("{}", serde_json::to_string_pretty(&all)?);
        }
        Format::Markdown => markdown::print(&measurements, &bare, &sensing),
    }
    Ok(())
}

fn measure_all(
    selected: &[&'static Firmware],
    weights: &Weights,
    digits: &[Digit],
) -> Result<Vec<Measurement>> {
    if selected.is_empty() {
        return Ok(Vec::new());
    }
    let toolchain = toolchain::avr()?;
    let simulator = build::simulator()?;
    let measured = selected.iter().map(|&firmware| {
        let programs = Programs::build(firmware, weights, toolchain, &simulator)?;
        measure(&programs, digits).with_context(|| format!("cannot measure {}", firmware.name))
    });
    measured.collect()
}

fn measure(programs: &Programs, digits: &[Digit]) -> Result<Measurement> {
    let description = programs.host()?.description;
    let firmware = programs.firmware;
    let inputs = programs.inputs(digits)?;
    let mut simulated = programs.simulate()?;

    let bar = progress::images(&format!("measuring {}", firmware.name), inputs.len());
    let mut costs = Vec::new();
    for input in &inputs {
        let (_, cost) = simulated.classify(input)?;
        costs.push(cost);
        bar.inc(1);
    }
    bar.finish_and_clear();
    summarise(firmware, &description, &simulated.footprint, &costs)
}

fn summarise(
    firmware: &Firmware,
    description: &Description,
    footprint: &Footprint,
    costs: &[Cost],
) -> Result<Measurement> {
    let no_images = || "there are no images to measure on; give a --count of 1 or more";
    let images = costs.len() as u64;
    let cycles = || costs.iter().map(|cost| cost.cycles);
    let range = Range {
        min: cycles().min().with_context(no_images)?,
        max: cycles().max().with_context(no_images)?,
        mean: mean(cycles().sum(), images),
    };
    let layers = layers::of(&declaration::network(firmware)?);
    let parts = parts(&layers, footprint, costs);
    let mut cycles_by_kind = Cycles::default();
    for cost in costs {
        let functions = cost.profile.functions.values();
        for cycles in functions.chain([&cost.profile.rest]) {
            cycles_by_kind.add(cycles);
        }
    }
    Ok(Measurement {
        firmware: firmware.name,
        mcu: firmware.mcu,
        plan: layers::name(&description.plan)
            .context("the plan has no name")?
            .to_owned(),
        cycles_predicted: layers::expected_cycles(&description.plan),
        frequency: firmware.frequency,
        images,
        cycles_by_kind: cycles_by_kind.mean(images),
        multiply_accumulates: description.macs,
        cycles_per_multiply_accumulate: range.mean as f64 / description.macs as f64,
        cycles: range,
        sram_static: footprint.sram_static,
        stack: costs.last().with_context(no_images)?.stack,
        stack_predicted: description.stack_bytes,
        arena: description.arena_bytes,
        flash: footprint.flash,
        flash_network: footprint.network(),
        flash_predicted: description.flash_bytes,
        parts,
    })
}

/// The layers with their functions and tables, and what is left.
fn parts(layers: &[Layer], footprint: &Footprint, costs: &[Cost]) -> Vec<Part> {
    let part = |name: &str, macs: Option<u64>, symbols: Vec<&str>| {
        let mut cycles = Cycles::default();
        for cost in costs {
            for symbol in &symbols {
                if let Some(function) = cost.profile.functions.get(*symbol) {
                    cycles.add(function);
                }
            }
        }
        let cycles = cycles.mean(costs.len() as u64);
        Part {
            name: name.to_owned(),
            multiply_accumulates: macs,
            cycles: cycles.total(),
            cycles_by_kind: cycles,
            cycles_per_multiply_accumulate: macs.map(|macs| cycles.total() as f64 / macs as f64),
            flash: symbols.iter().map(|symbol| footprint.parts[*symbol]).sum(),
            symbols: symbols.into_iter().map(str::to_owned).collect(),
        }
    };
    let symbols = || footprint.parts.keys().map(String::as_str);

    // A first layer without products is what takes the input in.
    let intake = layers
        .first()
        .filter(|first| !symbols().any(|symbol| position_of(symbol) == Some(first.number)));
    let of_intake: Vec<&str> = symbols()
        .filter(|symbol| symbol.split('.').next() == Some("absorb"))
        .collect();
    let mut parts = Vec::new();
    if !of_intake.is_empty() {
        let name = intake.map_or("input", |first| &first.name);
        parts.push(part(name, None, of_intake));
    }
    for layer in layers {
        let of_layer: Vec<&str> = symbols()
            .filter(|symbol| position_of(symbol) == Some(layer.number))
            .collect();
        // A streamed pooling may be part of another layer's function.
        if !of_layer.is_empty() {
            parts.push(part(&layer.name, layer.multiply_accumulates, of_layer));
        }
    }
    let listed: Vec<String> = parts.iter().flat_map(|part| part.symbols.clone()).collect();
    let others = symbols().filter(|symbol| !listed.iter().any(|it| it == symbol));
    parts.push(part("between layers", None, others.collect()));

    let mut cycles = Cycles::default();
    for cost in costs {
        cycles.add(&cost.profile.rest);
    }
    let cycles = cycles.mean(costs.len() as u64);
    parts.push(Part {
        name: "rest of the firmware".to_owned(),
        symbols: Vec::new(),
        multiply_accumulates: None,
        cycles: cycles.total(),
        cycles_by_kind: cycles,
        cycles_per_multiply_accumulate: None,
        flash: footprint.flash - footprint.network(),
    });
    parts
}

/// The position of the layer that the function or table called `symbol` is for: `layer_3`,
/// `layer_3.cells`, `WEIGHTS_3`. Tables of cells are numbered by the map between two layers, and
/// are neither's.
fn position_of(symbol: &str) -> Option<usize> {
    let function = symbol.split('.').next()?;
    let (kind, position) = function.rsplit_once('_')?;
    (kind != "CELLS_OF_MAP")
        .then(|| position.parse().ok())
        .flatten()
}

/// The mean, to the nearest; halves up.
fn mean(sum: u64, count: u64) -> u64 {
    (sum + count / 2) / count.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classifier::Profile;

    #[test]
    fn every_byte_and_cycle_is_some_parts() {
        let layer = |number, name: &str, multiply_accumulates| Layer {
            number,
            name: name.to_owned(),
            multiply_accumulates,
        };
        let layers = [
            layer(0, "A", None),
            layer(1, "C1(4,3)", Some(10)),
            layer(12, "M", None),
        ];
        let parts_of_flash = [
            ("absorb", 1),
            ("layer_1", 2),
            ("layer_1.cells", 4),
            ("WEIGHTS_1", 8),
            ("layer_12", 16),
            ("infer", 32),
            ("CELLS_OF_MAP_1", 64),
        ];
        let footprint = Footprint {
            flash: 255,
            sram_static: 0,
            parts: parts_of_flash
                .map(|(name, bytes)| (name.to_owned(), bytes))
                .into(),
        };
        let cycles = |load| Cycles {
            load,
            ..Cycles::default()
        };
        let functions = [
            ("absorb", 1),
            ("layer_1", 20),
            ("layer_12", 4),
            ("infer", 8),
        ];
        let cost = Cost {
            cycles: 49,
            longest_push: 0,
            stack: 0,
            profile: Profile {
                functions: functions
                    .map(|(name, load)| (name.to_owned(), cycles(load)))
                    .into(),
                rest: cycles(16),
            },
        };
        let found: Vec<_> = parts(&layers, &footprint, &[cost.clone(), cost])
            .into_iter()
            .map(|part| {
                (
                    part.name,
                    part.flash,
                    part.cycles,
                    part.cycles_per_multiply_accumulate,
                )
            })
            .collect();
        let expected = [
            ("A", 1, 1, None),
            ("C1(4,3)", 14, 20, Some(2.0)),
            ("M", 16, 4, None),
            ("between layers", 96, 8, None),
            ("rest of the firmware", 128, 16, None),
        ]
        .map(|(name, flash, cycles, each)| (name.to_owned(), flash, cycles, each));
        assert_eq!(found, expected);
    }
}
