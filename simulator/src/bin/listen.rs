//! Runs a firmware that listens: sounds in on standard input, one line of JSON out for each, after one of
//! what the firmware takes before it runs.
//!
//! A sound is its count of samples, 4 bytes, and the samples, 2 bytes each, little-endian. Each
//! line of output is a [`Heard`](herringbone_simulator::listening::Heard).

use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use herringbone_simulator::firmware::Firmware;
use herringbone_simulator::listening::Listener;

/// Runs a firmware that listens: sounds in on standard input, one line of JSON out for each.
#[derive(Parser)]
struct Options {
    elf: PathBuf,
    /// The microcontroller, as simavr calls it.
    #[arg(long, default_value = "atmega328p")]
    mcu: String,
    /// The clock in hertz.
    #[arg(long, default_value_t = 16_000_000)]
    frequency: u32,
    /// Samples a second.
    #[arg(long, default_value_t = 8000)]
    rate: u32,
    /// Print the cycles of each function too, at the end
    #[arg(long)]
    profile: bool,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let firmware = Firmware::read(&options.elf)?;
    let mut listener = Listener::new(&options.mcu, options.frequency, options.rate, &firmware)?;
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    writeln!(output, "{}", serde_json::to_string(&firmware.footprint)?)?;
    output.flush()?;
    loop {
        let mut count = [0; 4];
        match input.read(&mut count)? {
            0 => {
                if options.profile {
                    let cycles = listener.cycles_of_functions();
                    writeln!(output, "{}", serde_json::to_string(&cycles)?)?;
                }
                return Ok(());
            }
            read => input.read_exact(&mut count[read..])?,
        }
        let mut bytes = vec![0; 2 * u32::from_le_bytes(count) as usize];
        input
            .read_exact(&mut bytes)
            .context("the last sound is not whole")?;
        let samples = bytes
            .chunks_exact(2)
            .map(|it| i16::from_le_bytes([it[0], it[1]]));
        let heard = listener.hear(&samples.collect::<Vec<_>>())?;
        writeln!(output, "{}", serde_json::to_string(&heard)?)?;
        output.flush()?;
    }
}
