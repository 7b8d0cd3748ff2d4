//! Runs a firmware in simavr: images in on standard input, one line of JSON out for each.
//!
//! The first line of output is a [`firmware::Footprint`], each later one an [`exchange::Answer`].
//!
//! [`firmware::Footprint`]: herringbone_simulator::firmware::Footprint
//! [`exchange::Answer`]: herringbone_simulator::exchange::Answer

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use herringbone_simulator::exchange::Exchange;
use herringbone_simulator::firmware::Firmware;
use herringbone_simulator::link::Link;
use herringbone_simulator::machine::Machine;

/// Runs a firmware in simavr: images in on standard input, one line of JSON out for each.
#[derive(Parser)]
struct Options {
    /// The firmware.
    elf: PathBuf,
    /// The microcontroller, as simavr calls it.
    #[arg(long, default_value = "atmega328p")]
    mcu: String,
    /// The clock in hertz.
    #[arg(long, default_value_t = 16_000_000)]
    frequency: u32,
    /// The address of GPIOR0 in data space.
    #[arg(long, default_value_t = 0x3E)]
    marker: u16,
    /// Bytes in an image.
    #[arg(long)]
    image_bytes: usize,
    /// Bytes in an answer.
    #[arg(long)]
    answer_bytes: usize,
    /// Cycles after which a firmware that has neither taken nor sent a byte is called hung.
    #[arg(long, default_value_t = 320_000_000)]
    patience: u64,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let firmware = Firmware::read(&options.elf)?;
    let mut output = io::stdout().lock();
    print_line(&mut output, &firmware.footprint)?;

    let machine = Machine::new(&options.mcu, options.frequency, &firmware.segments)?;
    let mut exchange = Exchange::new(
        machine,
        &firmware,
        Link::Serial,
        options.marker,
        options.patience,
    )?;
    let mut input = io::stdin().lock();
    let mut image = vec![0; options.image_bytes];
    while read_image(&mut input, &mut image)? {
        let answer = exchange.exchange(&image, options.answer_bytes)?;
        print_line(&mut output, &answer)?;
    }
    Ok(())
}

/// Fills `image`; false at the end of the input.
fn read_image(input: &mut impl Read, image: &mut [u8]) -> Result<bool> {
    let mut filled = 0;
    while filled < image.len() {
        match input.read(&mut image[filled..])? {
            0 if filled == 0 => return Ok(false),
            0 => anyhow::bail!("the last image has {filled} of {} bytes", image.len()),
            count => filled += count,
        }
    }
    Ok(true)
}

fn print_line(output: &mut impl Write, line: &impl serde::Serialize) -> Result<()> {
    let line = serde_json::to_string(line)?;
    writeln!(output, "{line}")
        .and_then(|()| output.flush())
        .context("cannot write to standard output")
}
