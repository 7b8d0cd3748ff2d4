//! Firmware that reads a sensor: what a simulated Arduino Uno hears, or how it is moved.

mod computed;
pub mod gesture;
pub mod voice;

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use serde::Serialize;

pub use computed::Computed;

use crate::classifier::Footprint;
use crate::firmware::Firmware;
use crate::paths::Weights;
use crate::{build, firmware, toolchain};

/// What a firmware has answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The name of the class.
    pub name: String,
    /// Samples that have waited at most while the firmware computed.
    pub waited: u32,
    /// Whether samples were lost.
    pub has_lost: bool,
    /// Cycles from the last sample that it is made of to the end of the line.
    pub cycles: u64,
}

impl Answer {
    /// Of the line: the class, the samples that waited, and `lost` where some were.
    fn new(line: &str, cycles: u64) -> Result<Self> {
        let mut words = line.split(' ');
        let name = words.next().unwrap_or_default().to_owned();
        let waited = words.next().and_then(|it| it.parse().ok());
        Ok(Self {
            name,
            waited: waited.with_context(|| format!("the firmware has answered {line:?}"))?,
            has_lost: words.next().is_some(),
            cycles,
        })
    }
}

/// Builds the firmware of that name, and starts a program of the simulator that runs it: the
/// process, and the firmware.
fn start(name: &str, program: &str) -> Result<(Child, PathBuf)> {
    let uno = firmware::find(name)?;
    let elf = build::firmware(uno, &Weights::default(), toolchain::avr()?)?.executable;
    let program = build::simulator()?.with_file_name(program);
    let child = Command::new(&program)
        .arg(&elf)
        .args(["--mcu", uno.mcu])
        .args(["--frequency", &uno.frequency.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    Ok((child, elf))
}

/// All that a firmware has answered, and what it takes.
#[derive(Clone, Debug)]
pub struct Answers {
    /// The firmware, built.
    pub elf: PathBuf,
    /// In their order.
    pub answers: Vec<Answer>,
    /// The deepest stack, in bytes.
    pub stack: u64,
    /// What it takes before it runs.
    pub footprint: Footprint,
}

/// What a firmware that reads a sensor takes.
#[derive(Clone, Debug, Serialize)]
pub struct Measurement {
    firmware: &'static str,
    mcu: &'static str,
    /// The clock in hertz.
    frequency: u32,
    answers: usize,
    /// Samples that have waited at most, and that have room to.
    most_waited: u32,
    capacity: u32,
    /// Microseconds from one sample to the next.
    microseconds_per_sample: u32,
    /// Cycles from the last sample of an input to the end of the line, at most.
    most_cycles: u64,
    /// Bytes of SRAM in `.data`, `.bss` and `.noinit`.
    sram_static: u64,
    /// The deepest stack, interrupts included, in bytes.
    stack: u64,
    /// Bytes of flash, of the whole firmware.
    flash: u64,
    /// Bytes of flash of the network's functions and tables.
    flash_network: u64,
}

/// Measures `firmware` on inputs that need no data from elsewhere.
///
/// # Errors
/// When something cannot be installed, built or read, or the firmware fails.
pub fn measure(firmware: &'static Firmware) -> Result<Measurement> {
    let (answers, capacity, microseconds_per_sample) = match firmware.name {
        voice::NAME => {
            let answers = voice::hear(&voice::tones(3))?;
            (answers, voice::CAPACITY, voice::MICROSECONDS)
        }
        _ => {
            let (samples, _) = gesture::session(&gesture::shipped_session())?;
            let answers = gesture::play(&samples)?;
            (answers, gesture::CAPACITY, gesture::MICROSECONDS)
        }
    };
    let Answers {
        answers,
        stack,
        footprint,
        elf: _,
    } = answers;
    let most = |of: fn(&Answer) -> u64| answers.iter().map(of).max().unwrap_or(0);
    Ok(Measurement {
        firmware: firmware.name,
        mcu: firmware.mcu,
        frequency: firmware.frequency,
        answers: answers.len(),
        most_waited: most(|it| it.waited.into()) as u32,
        capacity,
        microseconds_per_sample,
        most_cycles: most(|it| it.cycles),
        sram_static: footprint.sram_static,
        stack,
        flash: footprint.flash,
        flash_network: footprint.network(),
    })
}

impl Measurement {
    /// Heads of a table of these.
    pub const HEADS: [&str; 9] = [
        "firmware",
        "part",
        "last sample to answer, ms",
        "samples waiting, at most",
        "of",
        "ms a sample",
        "static SRAM",
        "deepest stack",
        "flash",
    ];

    /// A row of that table.
    #[must_use]
    pub fn cells(&self) -> [String; Self::HEADS.len()] {
        let milliseconds = self.most_cycles as f64 * 1e3 / f64::from(self.frequency);
        let period = f64::from(self.microseconds_per_sample) / 1000.0;
        [
            format!("`{}`", self.firmware),
            format!("{}, {} MHz", self.mcu, self.frequency / 1_000_000),
            format!("{milliseconds:.1}"),
            self.most_waited.to_string(),
            self.capacity.to_string(),
            period.to_string(),
            indicatif::HumanCount(self.sram_static).to_string(),
            self.stack.to_string(),
            indicatif::HumanCount(self.flash).to_string(),
        ]
    }
}
