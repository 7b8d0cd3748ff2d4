//! `cargo xtask demo voice`: spoken digits that a simulated Arduino Uno hears.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use herringbone_dataset::{Expected, InputShape, Options, Part, Source, Values};
use serde::Deserialize;

use crate::paths::Weights;
use crate::{build, firmware, toolchain};

/// Samples that the firmware takes, at 8,000 a second: `Voice::SAMPLES`, and a few more for the
/// time until it listens.
const SAMPLES: u32 = 8100;
/// Microseconds from one sample to the next.
const MICROSECONDS: u32 = 125;

/// As the simulator's `listen` prints it.
#[derive(Deserialize)]
struct Heard {
    line: String,
    stack_bytes: u16,
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

    let uno = firmware::find("uno-voice")?;
    let elf = build::firmware(uno, &Weights::default(), toolchain::avr()?)?.executable;
    let listen = build::simulator()?.with_file_name("listen");
    let mut child = Command::new(&listen)
        .arg(&elf)
        .args(["--mcu", uno.mcu])
        .args(["--frequency", &uno.frequency.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", listen.display()))?;
    let mut input = child.stdin.take().context("no standard input")?;
    let output = child.stdout.take().context("no standard output")?;
    let mut lines = BufReader::new(output).lines();

    // As many of each digit as there are, spread evenly.
    let step = sounds.len().div_ceil(count.max(1)).max(1);
    let (mut right, mut all, mut most_waited, mut stack_bytes, mut lost) = (0, 0, 0, 0, 0);
    for index in (0..sounds.len()).step_by(step) {
        let sound = &values[index * SAMPLES as usize..][..SAMPLES as usize];
        input.write_all(&SAMPLES.to_le_bytes())?;
        for &sample in sound {
            input.write_all(&(sample as i16).to_le_bytes())?;
        }
        input.flush()?;
        let line = lines.next().context("the simulator has stopped")??;
        let heard: Heard = serde_json::from_str(&line)?;
        let mut words = heard.line.split(' ');
        let digit = words.next().unwrap_or_default();
        let waited: u32 = words.next().unwrap_or_default().parse().unwrap_or(0);
        let wanted = &names[usize::from(sounds.labels[index])];
        all += 1;
        right += usize::from(digit == wanted);
        lost += usize::from(words.next().is_some());
        most_waited = most_waited.max(waited);
        stack_bytes = stack_bytes.max(heard.stack_bytes);
        println!("{}: heard {digit}, {wanted} was said", sounds.names[index]);
    }
    drop(input);
    child.wait()?;
    ensure!(all > 0, "there are no sounds");
    println!(
        "{right} of {all} right ({:.2} %); samples have waited {:.1} ms at most, and {lost} sounds \
         have lost some; deepest stack {stack_bytes} bytes",
        100.0 * right as f64 / all as f64,
        f64::from(most_waited * MICROSECONDS) / 1000.0,
    );
    Ok(())
}
