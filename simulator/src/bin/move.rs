//! Runs a firmware that reads an accelerometer: samples in on standard input, one line of JSON out
//! for each of its answers, after one of what the firmware takes before it runs.
//!
//! A sample is 6 bytes: the accelerations along x, y and z, little-endian, in counts of 1/8192 g.
//! Each line of output is an [`Answer`](herringbone_simulator::moving::Answer).

use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Parser;
use herringbone_simulator::firmware::Firmware;
use herringbone_simulator::moving;

/// Runs a firmware that reads an accelerometer: samples in on standard input, one line of JSON out
/// for each of its answers.
#[derive(Parser)]
struct Options {
    elf: PathBuf,
    /// The microcontroller, as simavr calls it.
    #[arg(long, default_value = "atmega328p")]
    mcu: String,
    /// The clock in hertz.
    #[arg(long, default_value_t = 16_000_000)]
    frequency: u32,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let firmware = Firmware::read(&options.elf)?;
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    let (samples, rest) = bytes.as_chunks::<6>();
    ensure!(rest.is_empty(), "the last sample is not whole");
    let samples: Vec<_> = samples
        .iter()
        .map(|&[x_low, x_high, y_low, y_high, z_low, z_high]| {
            [[x_low, x_high], [y_low, y_high], [z_low, z_high]].map(i16::from_le_bytes)
        })
        .collect();
    let mut output = io::stdout().lock();
    writeln!(output, "{}", serde_json::to_string(&firmware.footprint)?)?;
    moving::play(
        &options.mcu,
        options.frequency,
        &firmware,
        &samples,
        |answer| {
            writeln!(output, "{}", serde_json::to_string(&answer)?)?;
            Ok(output.flush()?)
        },
    )
}
