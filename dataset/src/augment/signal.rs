//! Changes of a signal's values: how loud it is, how noisy, and what of it is hidden.

use super::Augmentation;
use crate::{InputShape, Rng};

/// Changes the values of an input. Draws nothing of `random` for what is switched off.
pub(super) fn change(
    limits: &Augmentation,
    shape: InputShape,
    random: &mut Rng,
    values: &mut [u8],
) {
    let channels = shape.channels as usize;
    if limits.gain > 0.0 || limits.noise_levels > 0.0 {
        let gain = match limits.gain > 0.0 {
            true => 1.0 + limits.gain as f32 * random.signed_unit(),
            false => 1.0,
        };
        // A quiet recording as often as a noisy one.
        let deviation = match limits.noise_levels > 0.0 {
            true => limits.noise_levels as f32 * random.signed_unit().abs(),
            false => 0.0,
        };
        for channel in 0..channels {
            let mean = mean(values.iter().skip(channel).step_by(channels));
            for value in values.iter_mut().skip(channel).step_by(channels) {
                let noise = match deviation > 0.0 {
                    true => deviation * random.normal(),
                    false => 0.0,
                };
                let changed = mean + gain * (f32::from(*value) - mean) + noise;
                // A cast of a float saturates.
                *value = changed.round() as u8;
            }
        }
    }
    let [height, width] = [shape.height, shape.width].map(|side| side as usize);
    let rows = values.len() / height;
    let (moments, bands) = match height {
        1 => (width, 0),
        _ => (height, width),
    };
    if limits.time_mask > 0 {
        let mask = Mask::draw(limits.time_mask, moments, random);
        let size = values.len() / moments;
        let mean = mean(values.iter());
        values[mask.first * size..][..mask.length * size].fill(mean as u8);
    }
    if limits.frequency_mask > 0 && bands > 0 {
        let mask = Mask::draw(limits.frequency_mask, bands, random);
        let mean = mean(values.iter());
        for row in values.chunks_exact_mut(rows) {
            row[mask.first * channels..][..mask.length * channels].fill(mean as u8);
        }
    }
}

/// What is hidden of a side.
struct Mask {
    first: usize,
    length: usize,
}

impl Mask {
    /// So many at most, anywhere.
    fn draw(most: u32, side: usize, random: &mut Rng) -> Self {
        let most = (most as usize).min(side);
        let length = random.below(most + 1);
        Self {
            first: random.below(side - length + 1),
            length,
        }
    }
}

fn mean<'a>(values: impl Iterator<Item = &'a u8>) -> f32 {
    let (mut sum, mut count) = (0_u64, 0_u64);
    for &value in values {
        sum += u64::from(value);
        count += 1;
    }
    sum as f32 / count.max(1) as f32
}
