//! `cargo xtask`: the commands of CONTRIBUTING.md.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use xtask::measure::Format;
use xtask::paths::Weights;
use xtask::sensing::{gesture, voice};
use xtask::{
    bare, build, demo, firmware, measure, microbit, page, params, targets, test, toolchain,
};

/// Builds, demonstrates, measures and tests herringbone. What a command misses on this machine, it
/// installs, and says so.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Classifies handwritten digits on a simulated Arduino Uno; or by three networks on this
    /// machine
    Demo {
        /// Recognise spoken digits, by sound or by features, or gestures instead
        #[arg(value_enum)]
        what: Option<What>,
        /// The sounds, a folder that examples/voice/make_wavs.py has made; their features, one that
        /// examples/keyword/make_rows.py has made; or the gestures, a table as
        /// examples/gesture/session.csv, which is used when this is left out
        #[arg(long, value_name = "PATH", requires = "what")]
        data: Option<PathBuf>,
        /// Classify on another simulated part than the Uno's
        #[arg(long, value_name = "PART", conflicts_with_all = ["what", "host"],
            value_parser = PossibleValuesParser::new(bare::names()))]
        part: Option<String>,
        /// Classify MNIST digits: the folder with the t10k idx files, plain or .gz
        #[arg(long, value_name = "DIR")]
        images: Option<PathBuf>,
        /// How many of the images to classify
        #[arg(long, value_name = "N", default_value_t = 100)]
        count: usize,
        /// Run the networks of uno, uno-accurate and tiny85 on this machine; needs no AVR
        /// toolchain
        #[arg(long)]
        host: bool,
        #[command(flatten)]
        weights: WeightsOption,
    },
    /// Builds one firmware and prints its ELF file's path on the last line
    Build {
        /// The firmware's name
        #[arg(value_parser = PossibleValuesParser::new(firmware::all_names().chain(bare::names())))]
        firmware: String,
        #[command(flatten)]
        weights: WeightsOption,
    },
    /// Writes the parameters that firmware loads at run time
    Params {
        /// The firmware's name
        #[arg(value_parser = PossibleValuesParser::new(firmware::names()))]
        firmware: String,
        #[command(flatten)]
        weights: WeightsOption,
        /// Where to write them
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Measures cycles, by layer and kind of instruction, SRAM, stack and flash of firmware
    Measure {
        /// The firmware to measure; all, when left out
        #[arg(value_name = "FIRMWARE", 
            value_parser = PossibleValuesParser::new(firmware::all_names().chain(bare::names())))]
        firmware: Vec<String>,
        /// Print all that was measured as JSON
        #[arg(long)]
        json: bool,
        /// Print the README's tables: all firmware, and the layers of the first
        #[arg(long, conflicts_with = "json")]
        markdown: bool,
        /// Measure on MNIST digits instead of the shipped ones; firmware that takes spoken digits is
        /// measured on random bytes
        #[arg(long, value_name = "DIR")]
        images: Option<PathBuf>,
        /// How many of the images to measure on
        #[arg(long, value_name = "N", default_value_t = 100, requires = "images")]
        count: usize,
        /// Measure the TensorFlow Lite models of this folder on a BBC micro:bit v1 instead, beside
        /// what others publish of them
        #[arg(long, value_name = "DIR", conflicts_with_all = ["firmware", "images", "weights"])]
        models: Option<PathBuf>,
        #[command(flatten)]
        weights: WeightsOption,
    },
    /// Builds the page on which one types a network and watches the chip run it, and serves it
    Page {
        /// The folder to build it into, which any static host can serve
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// The port to serve it at, on this machine alone
        #[arg(long, default_value_t = 8010)]
        port: u16,
        /// Build it alone
        #[arg(long)]
        no_serve: bool,
    },
    /// Runs TensorFlow Lite models on a BBC micro:bit v1 in qemu, and prints what they take
    Microbit {
        /// The models, int8 at both ends
        #[arg(value_name = "FILE.tflite", required = true)]
        models: Vec<PathBuf>,
        /// How many drawn inputs to run, and to compare with the evaluator on this machine
        #[arg(long, value_name = "N", default_value_t = 5)]
        count: usize,
    },
    /// Tests everything: format, lints, documentation, crates, firmware
    Test {
        /// Test more random networks and bare 32-bit cores as well, and fuzz: ten minutes for
        /// each target, or HERRINGBONE_FUZZ_SECONDS
        #[arg(long)]
        long: bool,
    },
    /// Makes the compiler's table of AVR parts from avr-libc's headers
    Targets,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    Voice,
    Keyword,
    Gesture,
}

#[derive(Args)]
struct WeightsOption {
    /// Other weights than those that ship, a safetensors file
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(Options::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Demo {
            what: Some(What::Voice),
            data,
            count,
            ..
        } => {
            let data = data.context("the sounds are missing: give --data DIR")?;
            voice::run(&data, count)
        }
        Command::Demo {
            what: Some(What::Keyword),
            data,
            count,
            ..
        } => {
            let data = data.context("the features are missing: give --data DIR")?;
            demo::spoken(&data, count)
        }
        Command::Demo {
            what: Some(What::Gesture),
            data,
            ..
        } => gesture::run(data.as_deref()),
        Command::Demo {
            part: Some(part),
            images,
            count,
            weights,
            ..
        } => {
            let weights = Weights::choose(weights.weights)?;
            let bare = bare::find(&part).context("clap takes no other name")?;
            bare::demo::run(bare, images.as_deref(), count, &weights)
        }
        Command::Demo {
            what: None,
            part: None,
            data: _,
            images,
            count,
            host,
            weights,
        } => {
            let weights = Weights::choose(weights.weights)?;
            demo::run(images.as_deref(), count, host, &weights)
        }
        Command::Build { firmware, weights } => {
            if let Some(bare) = bare::find(&firmware) {
                let weights = Weights::choose(weights.weights)?;
                println!("{}", bare::build(bare, &weights)?.executable.display());
                return Ok(());
            }
            let firmware = firmware::find(&firmware)?;
            let weights = Weights::choose_for(&[firmware], weights.weights)?;
            let toolchain = toolchain::avr()?;
            let elf = build::firmware(firmware, &weights, toolchain)?.executable;
            println!("{}", elf.display());
            Ok(())
        }
        Command::Params {
            firmware,
            weights,
            out,
        } => {
            let firmware = firmware::find(&firmware)?;
            params::run(firmware, &Weights::choose(weights.weights)?, &out)
        }
        Command::Measure {
            firmware,
            json,
            markdown,
            images,
            count,
            models,
            weights,
        } => {
            let (bare, selected): (Vec<_>, Vec<_>) = if firmware.is_empty() {
                let avr = firmware::ALL.iter().chain(&firmware::SENSING).collect();
                (bare::ALL.iter().collect(), avr)
            } else {
                let avr = firmware.iter().filter(|name| bare::find(name).is_none());
                let avr = avr.map(|name| firmware::find(name));
                let bare = firmware.iter().filter_map(|name| bare::find(name));
                (bare.collect(), avr.collect::<Result<Vec<_>>>()?)
            };
            let format = match (json, markdown) {
                (true, _) => Format::Json,
                (_, true) => Format::Markdown,
                _ => Format::Text,
            };
            if let Some(folder) = models {
                return measure::models::run(&folder, format);
            }
            measure::run(
                (&selected, &bare),
                format,
                images.as_deref(),
                count,
                weights.weights,
            )
        }
        Command::Page {
            out,
            port,
            no_serve,
        } => {
            let out = out.unwrap_or_else(page::folder);
            page::build(&out)?;
            if no_serve {
                println!("{}", out.display());
                return Ok(());
            }
            page::serve(&out, port)
        }
        Command::Microbit { models, count } => microbit::run(&models, count),
        Command::Test { long } => test::run(long),
        Command::Targets => targets::run(),
    }
}
