//! The published network with trained weights.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use herringbone_compiler::backend::lanes::{self, Code};
use herringbone_compiler::budget::{self, Sums};
use herringbone_compiler::declaration::{Budget, CodeChoice, Declaration};
use herringbone_compiler::network::{Activation, Bits, Entry, Item, Kernel, Kind, Network, Shape};
use herringbone_compiler::program::{self, Accumulator};
use herringbone_compiler::target::Target;
use herringbone_compiler::weights::{self, Metadata};
use herringbone_tests::layers::{average, dense, maximum};
use herringbone_tests::networks::Case;
use herringbone_tests::published::convolution;
use herringbone_tests::reference::evaluate;

use crate::device::{Device, Simulated, Taken};

/// The pixels of the images in a folder.
fn images(folder: &Path) -> Result<Vec<Vec<u8>>> {
    let mut paths: Vec<_> = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|it| it == "pgm"))
        .collect();
    paths.sort();
    let image = |path: &std::path::PathBuf| -> Result<Vec<u8>> {
        let text = fs::read_to_string(path)?;
        // After the format, both sides and the largest value.
        let values = text.split_ascii_whitespace().skip(4);
        let pixels: Vec<u8> = values.map(str::parse).collect::<Result<_, _>>()?;
        ensure!(pixels.len() == 784, "28 × 28 pixels");
        Ok(pixels)
    };
    paths.iter().map(image).collect()
}

/// The network that the README names first, an accurate one, and the same with a residual block.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Published {
    Small,
    Accurate,
    Residual,
}

pub(crate) fn published(network: Published, folder: &str) -> Result<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("a root")?;
    let window = Kernel::square(2);
    let layers = |kinds: Vec<Kind>| kinds.into_iter().map(Item::layer).collect::<Vec<Item>>();
    let accurate = || {
        layers(vec![
            convolution(12, 3),
            convolution(12, 3),
            maximum(window),
            convolution(24, 3),
            convolution(24, 3),
            maximum(window),
        ])
    };
    let scores = Item::layer(dense(10, Activation::Linear));
    let (file, items) = match network {
        Published::Small => (
            "template/digits.safetensors",
            layers(vec![
                average(window),
                convolution(5, 3),
                convolution(8, 3),
                convolution(11, 3),
                maximum(window),
                dense(10, Activation::Linear),
            ]),
        ),
        Published::Accurate => (
            "examples/uno/accurate.safetensors",
            [accurate(), vec![scores]].concat(),
        ),
        Published::Residual => {
            let block = Item {
                label: None,
                entry: Entry::Residual {
                    kernel: Kernel::square(3),
                },
            };
            (
                "examples/uno/residual.safetensors",
                [accurate(), vec![block, scores]].concat(),
            )
        }
    };
    let file = fs::read(root.join(file))?;
    let network = Network::of_list(Shape::new(28, 28, 1), Bits::default(), items);
    let network = network.ok().context("its layers fit")?;
    let weights = weights::read(&network, &file).ok().context("its weights")?;
    let metadata = Metadata::read(&network, &file)
        .ok()
        .context("its metadata")?;
    let weights = match metadata.activities {
        Some(activities) => weights.with_activities(activities),
        None => weights,
    };
    Ok(Case {
        network,
        weights,
        file,
        inputs: images(&root.join(folder))?,
    })
}

/// Shares of zeros were measured on other images.
fn assert_expected(expected: f64, mean: u64) {
    let error = expected / mean as f64 - 1.0;
    assert!(error.abs() < 0.1, "{:+.1} %", 100.0 * error);
}

#[test]
fn a_part_with_a_small_core_gets_machine_code_and_counts_all_of_it() -> Result<()> {
    let case = published(Published::Small, "digits")?;
    let proven = program::prove(&case.network, &case.weights)
        .ok()
        .context("sums fit")?;
    let sums = Sums {
        widest: Accumulator::I16,
        constants: Some((&case.weights, &proven)),
    };
    for part in ["nrf51822", "rp2040", "esp32c3"] {
        let target = Target::named(part).context("the part is known")?;
        let declaration = Declaration {
            budget: Budget {
                target: Some(target),
                sram_bytes: Some(target.sram_bytes),
                flash_bytes: Some(target.flash_bytes),
            },
            ..crate::declaration(&case.network)
        };
        let design = budget::choose(&declaration, &sums);
        assert_eq!(design.footprint.portable_because, None, "{part}");
        let code = design.footprint.code.context("its code is known")?;
        assert!(design.footprint.flash_bytes >= code.flash_bytes().into());
    }
    Ok(())
}

/// A network, a core, flash for the code in bytes, and the most cycles of `run`. The published
/// weights, which are not here, take 4 % more on a CH32V003 and an RV32IMC core.
const ASKED: [(Published, Simulated, u32, u64); 12] = [
    (Published::Small, Simulated::CortexM0, u32::MAX, 117_000),
    (Published::Small, Simulated::CortexM0Plus, u32::MAX, 113_000),
    (Published::Small, Simulated::Rv32imc, u32::MAX, 94_000),
    (Published::Small, Simulated::Ch32v003, 12 << 10, 149_000),
    (Published::Small, Simulated::CortexM0, 5_500, 260_000),
    (Published::Small, Simulated::Rv32imc, 6_500, 260_000),
    (
        Published::Accurate,
        Simulated::CortexM0,
        u32::MAX,
        1_400_000,
    ),
    (Published::Accurate, Simulated::Rv32imc, u32::MAX, 1_300_000),
    (
        Published::Accurate,
        Simulated::CortexM0,
        20 << 10,
        2_700_000,
    ),
    (
        Published::Residual,
        Simulated::CortexM0,
        u32::MAX,
        1_400_000,
    ),
    (Published::Residual, Simulated::Rv32imc, u32::MAX, 950_000),
    (
        Published::Residual,
        Simulated::CortexM0,
        32 << 10,
        1_800_000,
    ),
];

/// The mean of all inputs of a case.
pub(crate) struct MeanCycles {
    pub(crate) run: u64,
    /// Of `run`, those of `infer`.
    pub(crate) infer: u64,
}

/// Takes all inputs in whole; results are the evaluator's.
pub(crate) fn mean_cycles(device: &mut Device, case: &Case, code: &Code) -> Result<MeanCycles> {
    let (mut run, mut infer) = (0, 0);
    for input in &case.inputs {
        let inference = device.infer(input, code, Taken::Whole)?;
        let expected = evaluate(&case.network, &case.weights, input);
        assert_eq!(inference.results, expected.results());
        run += inference.cycles;
        infer += inference.infer_cycles;
    }
    let inputs = case.inputs.len() as u64;
    Ok(MeanCycles {
        run: run / inputs,
        infer: infer / inputs,
    })
}

#[test]
fn the_published_networks_take_what_the_readme_says() -> Result<()> {
    for (network, simulated, flash_bytes, most_cycles) in ASKED {
        let mut case = published(network, "digits")?;
        let program = crate::program(&case)?;
        // What takes longer to simulate, with fewer of them.
        let count = match network {
            Published::Small => case.inputs.len(),
            Published::Accurate | Published::Residual => 3,
        };
        case.inputs.truncate(count);
        let choice = |_| CodeChoice::Fastest;
        let code = lanes::choose(&program, simulated.core(), choice, flash_bytes)
            .map_err(|reason| anyhow::anyhow!("{reason}"))?;
        let mut device = Device::new(simulated, &program, &code)?;
        let mean = mean_cycles(&mut device, &case, &code)?;
        println!(
            "{network:?} {simulated:?}: run {}, of which infer {} cycles (expected {:.0}), {} B of flash, {} of stack, arena {}",
            mean.run,
            mean.infer,
            code.cycles(),
            code.flash_bytes(),
            code.stack_bytes(),
            program.arena_bytes
        );
        assert!(mean.run <= most_cycles, "{}", mean.run);
        assert_expected(code.cycles(), mean.infer);
        assert!(code.flash_bytes() <= flash_bytes);
    }
    Ok(())
}

/// A network, a core, flash for the code in bytes, and the most cycles of all of `absorb`, row by
/// row, and `infer`.
const ASKED_STREAMED: [(Published, Simulated, u32, u64); 10] = [
    (Published::Small, Simulated::CortexM0, u32::MAX, 117_000),
    (Published::Small, Simulated::Rv32imc, u32::MAX, 99_000),
    (Published::Small, Simulated::Ch32v003, 12 << 10, 145_000),
    (
        Published::Accurate,
        Simulated::CortexM0,
        u32::MAX,
        1_400_000,
    ),
    (
        Published::Accurate,
        Simulated::CortexM0,
        20 << 10,
        2_700_000,
    ),
    (Published::Accurate, Simulated::Rv32imc, u32::MAX, 1_300_000),
    (Published::Accurate, Simulated::Rv32imc, 20 << 10, 2_700_000),
    (
        Published::Residual,
        Simulated::CortexM0,
        u32::MAX,
        1_500_000,
    ),
    (
        Published::Residual,
        Simulated::CortexM0,
        32 << 10,
        2_000_000,
    ),
    (Published::Residual, Simulated::Rv32imc, u32::MAX, 950_000),
];

#[test]
fn published_networks_are_computed_as_their_input_arrives() -> Result<()> {
    for (network, simulated, flash_bytes, most_cycles) in ASKED_STREAMED {
        let mut case = published(network, "digits")?;
        // What takes longer to simulate, with fewer of them.
        let (count, most_bytes) = match network {
            Published::Small => (case.inputs.len(), 270),
            Published::Accurate | Published::Residual => (3, 1_800),
        };
        case.inputs.truncate(count);
        let programs = crate::programs(&case)?;
        let program = programs.last().context("all layers are streamed")?;
        let choice = |_| CodeChoice::Fastest;
        let code = lanes::choose(program, simulated.core(), choice, flash_bytes)
            .map_err(|reason| anyhow::anyhow!("{reason}"))?;
        let mut device = Device::new(simulated, program, &code)?;
        let mean = mean_cycles(&mut device, &case, &code)?.run;
        println!(
            "streamed {network:?} {simulated:?}: {mean} cycles (expected {:.0}), {} B of flash, {} of stack, arena {}, cursor {}",
            code.cycles(),
            code.flash_bytes(),
            code.stack_bytes(),
            program.arena_bytes,
            program.cursor_bytes
        );
        assert!(mean <= most_cycles, "{mean}");
        assert_expected(code.cycles(), mean);
        assert!(code.flash_bytes() <= flash_bytes);
        assert!(program.arena_bytes <= most_bytes);
    }
    Ok(())
}
