//! Sounds: wav files, mixed down to one channel and brought to one rate.

use std::path::Path;

use hound::{SampleFormat, WavReader};

use super::list::Item;
use super::{commonest, tell};
use crate::tables::{Layout, Lengths};
use crate::{InputShape, Options, Problems, Values};

/// Zeros of the sinc on either side by which sounds are resampled: what is above half of the
/// lower rate is 60 dB down, and more.
const ZEROS: f64 = 16.0;

/// How sounds are read.
pub(super) struct Sounds {
    pub(super) shape: InputShape,
    rate_hertz: u32,
}

/// Samples that are read at most: 2 GiB as they are held.
const MOST_SAMPLES: u64 = 1 << 29;

/// A header's rate is taken for a mistake where sounds would grow more than this many times.
const MOST_GROWTH: u32 = 64;

impl Sounds {
    /// Looks at the headers of all sounds.
    pub(super) fn open(
        root: &Path,
        items: &[Item],
        shape: Option<InputShape>,
        options: &Options,
        notes: &mut Vec<String>,
    ) -> Result<Self, Problems> {
        let (mut rates, mut lengths, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
        for item in items {
            match open(item) {
                Ok(reader) => {
                    rates.push(reader.spec().sample_rate);
                    lengths.push(reader.duration());
                }
                Err(message) => wrong.push(message),
            }
        }
        tell(std::mem::take(&mut wrong))?;
        let rate_hertz = options
            .sample_rate_hertz
            .or(commonest(&rates))
            .unwrap_or(1)
            .max(1);
        for (item, &rate) in items.iter().zip(&rates) {
            if rate < rate_hertz / MOST_GROWTH {
                wrong.push(format!(
                    "{} has {rate} samples a second: {rate_hertz} can't be made of fewer than {}",
                    item.path.display(),
                    rate_hertz / MOST_GROWTH
                ));
            }
        }
        tell(wrong)?;
        let others = rates.iter().filter(|&&rate| rate != rate_hertz).count();
        if others > 0 {
            notes.push(format!(
                "{others} of {} sounds are resampled to {rate_hertz} Hz (--sample-rate)",
                rates.len()
            ));
        }
        let resampled = |(&length, &rate): (&u32, &u32)| {
            (u64::from(length) * u64::from(rate_hertz)).div_ceil(u64::from(rate.max(1)))
        };
        let longest = lengths.iter().zip(&rates).map(resampled).max().unwrap_or(1);
        let width = shape.map_or(longest, |shape| u64::from(shape.width));
        let samples = longest.max(width).saturating_mul(items.len() as u64);
        let Some(width) = u32::try_from(width)
            .ok()
            .filter(|_| samples <= MOST_SAMPLES)
        else {
            return Err(format!(
                "{}: {} sounds of up to {longest} samples at {rate_hertz} Hz, the shorter ones \
                 filled up with silence, are more than {MOST_SAMPLES} samples: cut them, or give \
                 a lower --sample-rate",
                root.display(),
                items.len()
            )
            .into());
        };
        let shape = shape.unwrap_or(InputShape {
            height: 1,
            width,
            channels: 1,
        });
        if shape.channels != 1 {
            return Err(format!(
                "{}: sounds are read with 1 channel, the network takes {shape}",
                root.display()
            )
            .into());
        }
        Ok(Self { shape, rate_hertz })
    }

    /// The samples of all sounds as signed counts of 16 bits, and what was done to them.
    pub(super) fn read(&self, items: &[Item]) -> Result<(Values, Vec<String>), Problems> {
        // Rows are one after the other.
        let layout = Layout {
            rows: self.shape.values(),
            columns: 1,
        };
        let mut all = Vec::with_capacity(items.len() * layout.rows);
        let (mut lengths, mut wrong) = (Lengths::default(), Vec::new());
        for item in items {
            match samples(item) {
                Ok((samples, rate_hertz)) => {
                    let mut samples = resampled(samples, rate_hertz, self.rate_hertz);
                    let found = samples.len();
                    // Silence, not the last sample.
                    samples.resize(found.max(layout.rows), 0.0);
                    if found < layout.rows {
                        lengths.count_short();
                    } else {
                        lengths.count(layout.fit(&mut samples));
                    }
                    all.extend(samples);
                }
                Err(message) => wrong.push(message),
            }
        }
        tell(wrong)?;
        let unit = format!("samples ({} Hz)", self.rate_hertz);
        let notes = lengths.notes(layout.rows, &unit, "silence is added");
        Ok((Values::Numbers(all), notes))
    }
}

fn open(item: &Item) -> Result<WavReader<impl std::io::Read>, String> {
    let path = item.path.display();
    let wrong = |error: &dyn std::fmt::Display| format!("cannot read {path}: {error}");
    let reader = WavReader::open(&item.path).map_err(|error| wrong(&error))?;
    let file = std::fs::metadata(&item.path).map_err(|error| wrong(&error))?;
    let sample_bytes = u64::from(reader.spec().bits_per_sample.div_ceil(8));
    let needed = u64::from(reader.len()) * sample_bytes;
    if needed > file.len() {
        return Err(format!(
            "{path} is cut short: its header says {needed} bytes of samples, the file has {} bytes",
            file.len()
        ));
    }
    Ok(reader)
}

/// A sound's samples as counts of 16 bits, its channels mixed, and their rate.
fn samples(item: &Item) -> Result<(Vec<f32>, u32), String> {
    let mut reader = open(item)?;
    let spec = reader.spec();
    let channels = usize::from(spec.channels.max(1));
    let samples: Result<Vec<f32>, _> = match spec.sample_format {
        SampleFormat::Float => {
            let samples = reader.samples::<f32>();
            samples
                .map(|it| it.map(|it| it * f32::from(i16::MAX)))
                .collect()
        }
        SampleFormat::Int => {
            let scale = (16.0 - f32::from(spec.bits_per_sample)).exp2();
            let samples = reader.samples::<i32>();
            samples.map(|it| it.map(|it| it as f32 * scale)).collect()
        }
    };
    let samples =
        samples.map_err(|error| format!("cannot read {}: {error}", item.path.display()))?;
    if samples.iter().any(|it| !it.is_finite()) {
        return Err(format!(
            "{} has samples that are not numbers",
            item.path.display()
        ));
    }
    let mixed = samples.chunks_exact(channels);
    let mixed = mixed.map(|it| (it.iter().sum::<f32>() / channels as f32).round());
    Ok((mixed.collect(), spec.sample_rate))
}

/// The same sound at another rate: sums of the samples around each moment, weighed by a sinc
/// within a Hann window (Smith, "Digital Audio Resampling Home Page", section "Implementation").
fn resampled(samples: Vec<f32>, from_hertz: u32, to_hertz: u32) -> Vec<f32> {
    if from_hertz == to_hertz || from_hertz == 0 || samples.is_empty() {
        return samples;
    }
    let step = f64::from(from_hertz) / f64::from(to_hertz);
    // Nothing above half of the lower rate is kept.
    let cutoff = (1.0 / step).min(1.0);
    let reach = ZEROS / cutoff;
    let length = (samples.len() as f64 / step).round().max(1.0) as usize;
    let moment = |at: usize| {
        let middle = at as f64 * step;
        let first = (middle - reach).ceil().max(0.0) as usize;
        let last = ((middle + reach).floor() as usize).min(samples.len() - 1);
        let weighed = (first..=last).map(|index| {
            let distance = index as f64 - middle;
            let angle = std::f64::consts::PI * distance;
            let sinc = match distance == 0.0 {
                true => 1.0,
                false => (angle * cutoff).sin() / (angle * cutoff),
            };
            let window = 0.5 + 0.5 * (angle / reach).cos();
            f64::from(samples[index]) * sinc * window * cutoff
        });
        weighed.sum::<f64>().round() as f32
    };
    (0..length).map(moment).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_keeps_its_pitch_and_loudness_at_another_rate_and_what_is_too_high_goes() {
        let tone = |hertz: f64, rate: u32| {
            let sample = |at: u32| {
                let angle = std::f64::consts::TAU * hertz * f64::from(at) / f64::from(rate);
                (10_000.0 * angle.sin()) as f32
            };
            (0..rate / 4).map(sample).collect::<Vec<_>>()
        };
        for (from, to) in [(16_000, 8000), (11_025, 8000), (8000, 16_000)] {
            let found = resampled(tone(440.0, from), from, to);
            let wanted = tone(440.0, to);
            assert!(found.len().abs_diff(wanted.len()) <= 1);
            let inner = 100..wanted.len() - 100;
            let worst = inner
                .map(|at| (found[at] - wanted[at]).abs())
                .fold(0.0, f32::max);
            assert!(worst < 40.0, "{from} to {to}: {worst}");
        }
        let silent = resampled(tone(6000.0, 16_000), 16_000, 8000);
        let loudest = silent[100..silent.len() - 100]
            .iter()
            .fold(0.0_f32, |most, it| most.max(it.abs()));
        assert!(loudest < 40.0, "{loudest}");
    }
}
