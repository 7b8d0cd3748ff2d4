//! `cargo xtask demo gesture`: a simulated Arduino Uno that is moved, by the accelerometer on its
//! two-wire bus.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::{Answer, Answers, Computed, start};
use crate::classifier::Footprint;
use crate::firmware;
use crate::paths;

/// What `cargo xtask build` calls the firmware.
pub const NAME: &str = "uno-gesture";
/// Samples of a window, and from one window to the next.
pub const WINDOW: usize = 64;
const STRIDE: usize = 16;
/// Samples that may wait.
pub(super) const CAPACITY: u32 = 8;
/// Microseconds from one sample to the next.
pub(super) const MICROSECONDS: u32 = 20_000;

/// As the simulator's `move` prints it.
#[derive(Deserialize)]
struct Line {
    line: String,
    cycles: u64,
    cycles_per_sample: u64,
    stack_bytes: u64,
}

/// An acceleration along x, y and z, in counts of 1/8192 g.
pub type Sample = [i16; 3];

/// The session that ships.
#[must_use]
pub fn shipped_session() -> PathBuf {
    paths::root().join("examples/gesture/session.csv")
}

/// The samples of a session, and the gesture that each is of: a table with the columns x, y, z and
/// gesture, as `make_gestures.py` writes it.
///
/// # Errors
/// When it cannot be read, or is none.
pub fn session(path: &Path) -> Result<(Vec<Sample>, Vec<String>)> {
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("cannot read {}", path.display()))?;
    let row = |line: &str| {
        let (sample, name) = line.rsplit_once(',')?;
        let axes: Result<Vec<i16>, _> = sample.split(',').map(str::parse).collect();
        Some((Sample::try_from(axes.ok()?).ok()?, name.to_owned()))
    };
    let rows = text.lines().zip(1..).skip(1).map(|(line, number)| {
        row(line).with_context(|| format!("{}:{number}: no sample and gesture", path.display()))
    });
    rows.collect()
}

/// The gesture that all samples of the window of the answer at `index` are of; none of a window
/// with two.
#[must_use]
pub fn gesture_of(names: &[String], index: usize) -> Option<&str> {
    let names = names.get(index * STRIDE..)?.get(..WINDOW)?;
    let name = names.first()?;
    names.iter().all(|it| it == name).then_some(name)
}

/// The values of the window of the answer at `index`.
#[must_use]
pub fn window(samples: &[Sample], index: usize) -> &[i16] {
    samples[index * STRIDE..][..WINDOW].as_flattened()
}

/// Lets the firmware's sensor measure `samples`, and takes its answers: one for each window.
///
/// # Errors
/// When something cannot be installed or built, or the firmware fails.
pub fn play(samples: &[Sample]) -> Result<Answers> {
    let (mut child, elf) = start(NAME, "move")?;
    let bytes: Vec<u8> = samples
        .as_flattened()
        .iter()
        .flat_map(|it| it.to_le_bytes())
        .collect();
    let mut input = child.stdin.take().context("no standard input")?;
    input.write_all(&bytes)?;
    drop(input);
    let output = child.stdout.take().context("no standard output")?;
    let mut lines = BufReader::new(output).lines();
    let footprint = lines.next().context("the simulator has not started")??;
    let footprint: Footprint = serde_json::from_str(&footprint)?;
    let (mut answers, mut stack) = (Vec::new(), 0);
    for line in lines {
        let line: Line = serde_json::from_str(&line?)?;
        let newest = answers.len() * STRIDE + WINDOW - 1;
        let measured = newest as u64 * line.cycles_per_sample;
        answers.push(Answer::new(
            &line.line,
            line.cycles.saturating_sub(measured),
        )?);
        stack = line.stack_bytes;
    }
    ensure!(child.wait()?.success(), "the firmware has failed");
    Ok(Answers {
        elf,
        answers,
        stack,
        footprint,
    })
}

/// Plays a session, or the one that ships, and prints what the firmware makes of it, a line for
/// each half a second.
///
/// # Errors
/// When something cannot be installed, built or read, or the firmware fails.
pub fn run(data: Option<&Path>) -> Result<()> {
    let shipped = shipped_session();
    let (samples, names) = session(data.unwrap_or(&shipped))?;
    let Answers {
        answers,
        stack,
        footprint,
        elf: _,
    } = play(&samples)?;
    let network = Computed::of(firmware::find(NAME)?)?;
    let (mut right, mut all, mut other) = (0, 0, 0);
    for (index, answer) in answers.iter().enumerate() {
        let newest = index * STRIDE + WINDOW;
        let seconds = newest as f64 * f64::from(MICROSECONDS) / 1e6;
        let wanted = gesture_of(&names, index);
        all += usize::from(wanted.is_some());
        right += usize::from(wanted == Some(&answer.name));
        other += usize::from(network.name(window(&samples, index))? != answer.name);
        let wanted = wanted.unwrap_or("from one gesture to the next");
        println!("{seconds:5.2} s  {:<8}  {wanted}", answer.name);
    }
    let lost = answers.iter().filter(|it| it.has_lost).count();
    let most_waited = answers.iter().map(|it| it.waited).max().unwrap_or(0);
    let most_cycles = answers.iter().map(|it| it.cycles).max().unwrap_or(0);
    let frequency = firmware::find(NAME)?.frequency;
    println!(
        "{right} of {all} windows of one gesture right ({:.2} %); {other} of {} answers are not \
         what this machine computes\n\
         {:.1} ms at most from a window's last sample to its answer; {most_waited} of {CAPACITY} \
         samples have waited at most, and {lost} answers report lost ones\n\
         SRAM: {} bytes static and {stack} of stack; flash: {} bytes",
        100.0 * right as f64 / all.max(1) as f64,
        answers.len(),
        most_cycles as f64 * 1e3 / f64::from(frequency),
        footprint.sram_static,
        footprint.flash,
    );
    Ok(())
}
