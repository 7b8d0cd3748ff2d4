//! Runs a firmware in simavr: images in on standard input, one line of JSON out for each.
//!
//! The first line of output is a [`firmware::Footprint`], each later one an [`exchange::Answer`].
//!
//! [`firmware::Footprint`]: herringbone_simulator::firmware::Footprint
//! [`exchange::Answer`]: herringbone_simulator::exchange::Answer

use std::fs;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use herringbone_simulator::exchange::Exchange;
use herringbone_simulator::firmware::Firmware;
use herringbone_simulator::link::{Link, Pace, Registers, Slave};
use herringbone_simulator::machine::Machine;

/// Runs a firmware in simavr: images in on standard input, one line of JSON out for each.
#[derive(Parser)]
struct Options {
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
    /// The addresses of two I/O registers in data space, for a firmware that answers there and not
    /// on USART0: the first takes each byte, then the second changes.
    #[arg(long, num_args = 2, value_names = ["BYTE", "STROBE"])]
    answer_registers: Option<Vec<u16>>,
    /// The addresses of USICR and USISR in data space, for a firmware that takes bytes as a slave on
    /// three wires, and answers in registers.
    #[arg(long, num_args = 2, value_names = ["CONTROL", "STATUS"], requires = "answer_registers")]
    slave_registers: Option<Vec<u16>>,
    /// Cycles between two bytes of an image, for a firmware that receives by interrupt: it fails
    /// when it loses one. Left out: a byte arrives whenever the firmware waits for one.
    #[arg(long, conflicts_with = "answer_registers")]
    cycles_per_byte: Option<u64>,
    /// What the firmware gets before the first image, and acknowledges with a byte 0x06.
    #[arg(long, value_name = "FILE")]
    preamble: Option<PathBuf>,
    /// Bytes in an image. 0: the images are the firmware's own, and each byte of standard input
    /// asks for the answer to the next of them.
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
    let registers = |registers: &Option<Vec<u16>>| match registers.as_deref() {
        Some(&[first, second]) => Some((first, second)),
        _ => None,
    };
    let answers = registers(&options.answer_registers);
    let answers = answers.map(|(byte, strobe)| Registers::new(byte, strobe));
    let slave = registers(&options.slave_registers);
    let slave = slave.map(|(control, status)| Slave::new(control, status));
    let link = match (answers, slave, options.cycles_per_byte) {
        (Some(answers), Some(slave), _) => Link::Slave(slave, answers),
        (Some(answers), None, _) => Link::Registers(answers),
        (None, _, Some(cycles)) => Link::Paced(Pace::new(cycles)),
        (None, _, None) => Link::Serial,
    };
    let mut exchange = Exchange::new(machine, &firmware, link, options.marker, options.patience)?;
    if let Some(path) = &options.preamble {
        let preamble = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        exchange.prepare(&preamble)?;
    }

    let mut input = io::stdin().lock();
    let mut request = vec![0; options.image_bytes.max(1)];
    while read_image(&mut input, &mut request)? {
        let image = &request[..options.image_bytes];
        let answer = exchange.exchange(image, options.answer_bytes)?;
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
