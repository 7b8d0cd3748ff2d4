//! `cargo xtask demo voice`: spoken digits that a simulated Arduino Uno hears.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout};

use anyhow::{Context, Result, ensure};
use herringbone_dataset::{Expected, InputShape, Options, Part, Source, Values};
use serde::Deserialize;

use super::{Answer, Answers, start};
use crate::classifier::Footprint;
use crate::firmware;

/// Samples that the firmware takes, at 8,000 a second: `Voice::SAMPLES`, and a few more for the
/// time until it listens.
const SAMPLES: u32 = 8100;
/// Samples of an input: `Voice::SAMPLES`.
const INPUT_SAMPLES: u32 = 256 + 31 * 250;
/// Samples that may wait.
pub(super) const CAPACITY: u32 = 250;
/// Microseconds from one sample to the next.
pub(super) const MICROSECONDS: u32 = 125;
/// What `cargo xtask build` calls the firmware.
pub const NAME: &str = "uno-voice";

/// As the simulator's `listen` prints it.
#[derive(Deserialize)]
struct Heard {
    line: String,
    cycles: u64,
    stack_bytes: u64,
}

/// The firmware in the simulator.
struct Listener {
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    footprint: Footprint,
    elf: PathBuf,
    cycles_per_sample: u64,
}

impl Listener {
    fn start() -> Result<Self> {
        let uno = firmware::find(NAME)?;
        let (mut child, elf) = start(NAME, "listen")?;
        let input = child.stdin.take().context("no standard input")?;
        let output = child.stdout.take().context("no standard output")?;
        let mut lines = BufReader::new(output).lines();
        let footprint = lines.next().context("the simulator has not started")??;
        Ok(Self {
            child,
            input,
            lines,
            footprint: serde_json::from_str(&footprint)?,
            elf,
            cycles_per_sample: u64::from(uno.frequency / (1_000_000 / MICROSECONDS)),
        })
    }

    /// What the firmware answers to a sound, and its deepest stack so far in bytes.
    fn hear(&mut self, samples: impl ExactSizeIterator<Item = i16>) -> Result<(Answer, u64)> {
        let count = samples.len() as u32;
        let mut bytes = count.to_le_bytes().to_vec();
        bytes.extend(samples.flat_map(i16::to_le_bytes));
        self.input.write_all(&bytes)?;
        self.input.flush()?;
        let line = self.lines.next().context("the simulator has stopped")??;
        let heard: Heard = serde_json::from_str(&line)?;
        let sound = u64::from(INPUT_SAMPLES) * self.cycles_per_sample;
        let answer = Answer::new(&heard.line, heard.cycles.saturating_sub(sound))?;
        Ok((answer, heard.stack_bytes))
    }

    fn end(self) -> Result<()> {
        let Self {
            mut child, input, ..
        } = self;
        drop(input);
        ensure!(child.wait()?.success(), "the firmware has failed");
        Ok(())
    }
}

/// Lets the firmware hear those sounds, of 8,000 samples a second.
///
/// # Errors
/// When something cannot be installed or built, or the firmware fails.
pub fn hear(sounds: &[Vec<i16>]) -> Result<Answers> {
    let mut listener = Listener::start()?;
    let (footprint, elf) = (listener.footprint.clone(), listener.elf.clone());
    let (mut answers, mut stack) = (Vec::new(), 0);
    for sound in sounds {
        let (answer, stack_bytes) = listener.hear(sound.iter().copied())?;
        answers.push(answer);
        stack = stack_bytes;
    }
    listener.end()?;
    Ok(Answers {
        elf,
        answers,
        stack,
        footprint,
    })
}

/// As many sounds as that, each of a few tones over noise that rise and fall, always the same.
#[must_use]
pub fn tones(count: u32) -> Vec<Vec<i16>> {
    let mut noise = 1_u32;
    let mut sound = |number: u32| {
        (0..SAMPLES)
            .map(|at| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let time = f64::from(at * MICROSECONDS) / 1e6;
                let rise = (std::f64::consts::PI * time).sin().max(0.0);
                let tone = |hertz: f64| (std::f64::consts::TAU * hertz * time).sin();
                let tones = tone(150.0) + tone(500.0 + 300.0 * f64::from(number)) + tone(2400.0);
                let noise = f64::from((noise >> 16) as i16) / 65_536.0;
                (5000.0 * rise * (tones + noise)) as i16
            })
            .collect()
    };
    (0..count).map(&mut sound).collect()
}

/// Lets the firmware hear `count` sounds of `data`, a folder with a folder of wav files for each
/// digit, or its part for testing.
///
/// # Errors
/// When something cannot be installed, built or read, or the firmware fails.
pub fn run(data: &Path, count: usize) -> Result<()> {
    let expected = Expected {
        shape: Some(InputShape {
            height: 1,
            width: SAMPLES,
            channels: 1,
        }),
        classes: None,
    };
    let options = Options {
        sample_rate_hertz: Some(1_000_000 / MICROSECONDS),
        ..Options::default()
    };
    let source = Source::open(data, expected, &options)
        .context("the sounds cannot be read: examples/voice/make_wavs.py makes some")?;
    let part = match source.has(Part::Test) {
        true => Part::Test,
        false => Part::Training,
    };
    let sounds = source.read(part)?.context("there are no sounds")?;
    let Values::Numbers(values) = &sounds.values else {
        anyhow::bail!("{} has no sounds", data.display());
    };
    let names = source.class_names();

    // As many of each digit as there are, spread evenly.
    let step = sounds.len().div_ceil(count.max(1)).max(1);
    let (mut right, mut all, mut most_waited, mut deepest, mut lost) = (0, 0, 0, 0, 0);
    let mut listener = Listener::start()?;
    for index in (0..sounds.len()).step_by(step) {
        let sound = &values[index * SAMPLES as usize..][..SAMPLES as usize];
        let (answer, stack_bytes) = listener.hear(sound.iter().map(|&it| it as i16))?;
        let wanted = &names[usize::from(sounds.labels[index])];
        all += 1;
        right += usize::from(answer.name == *wanted);
        lost += usize::from(answer.has_lost);
        most_waited = most_waited.max(answer.waited);
        deepest = stack_bytes;
        println!(
            "{}: heard {}, {wanted} was said",
            sounds.names[index], answer.name
        );
    }
    let footprint = listener.footprint.clone();
    listener.end()?;
    ensure!(all > 0, "there are no sounds");
    println!(
        "{right} of {all} right ({:.2} %); samples have waited {:.1} ms at most, and {lost} sounds \
         have lost some\nSRAM: {} bytes static and {deepest} of stack; flash: {} bytes",
        100.0 * right as f64 / all as f64,
        f64::from(most_waited * MICROSECONDS) / 1000.0,
        footprint.sram_static,
        footprint.flash,
    );
    Ok(())
}
