//! Loops over the numbers of a frame, in Rust.

use super::{Turning, load, store};

/// A power of two that samples are multiplied by.
pub(crate) struct Scaling {
    exponent: i8,
}

impl Scaling {
    /// 2^−`exponent`.
    pub(crate) fn new(exponent: i8) -> Self {
        Self { exponent }
    }
}

/// Multiplies samples by the scaling, and by `weight`: `(sample · weight + 2¹⁴) >> 15`.
pub(crate) fn weigh(samples: &mut [i16], places: [usize; 2], weight: i16, scaling: &Scaling) {
    for place in places {
        let sample = load(samples, place);
        let scaled = match scaling.exponent {
            down @ 0.. => sample >> down,
            up => sample << up.unsigned_abs(),
        };
        let product = i32::from(scaled) * i32::from(weight);
        store(samples, place, ((product + (1 << 14)) >> 15) as i16);
    }
}

/// `one² + other²`.
#[inline(always)]
fn squares(one: i16, other: i16) -> u32 {
    let square = |it: i16| (i32::from(it) * i32::from(it)) as u32;
    square(one) + square(other)
}

/// The sum of all samples.
pub(crate) fn sum(samples: &[i16]) -> i32 {
    samples.iter().map(|&sample| i32::from(sample)).sum()
}

/// Subtracts `mean` from all samples; gives a number with as many bits as the widest of them, less
/// its sign.
pub(crate) fn centre(samples: &mut [i16], mean: i16) -> u16 {
    let mut peak = 0;
    for sample in samples {
        *sample = sample.saturating_sub(mean);
        peak |= (*sample ^ (*sample >> 15)) as u16;
    }
    peak
}

/// Divides the power at `place`, shifted down by `shift` bits, among two bands: `share` 256ths go
/// to `begun`, and the rest to `ended`.
pub(crate) fn divide(
    samples: &[i16],
    place: usize,
    shift: u8,
    share: u8,
    begun: &mut u32,
    ended: &mut u32,
) {
    let [low, high] = number(samples, place, false).map(|half| u32::from(half as u16));
    let power = (high << 16 | low) >> shift;
    let upper = ((u64::from(power) * u64::from(share)) >> 8) as u32;
    *begun += upper;
    *ended += power - upper;
}

/// `number · (cosine − i · sine)`, each part rounded once.
#[inline(always)]
fn rotated([re, im]: [i16; 2], cosine: i16, sine: i16) -> [i16; 2] {
    let product = |one: i16, other: i16| i32::from(one) * i32::from(other);
    let rounded = |sum: i32| ((sum + (1 << 14)) >> 15) as i16;
    [
        rounded(product(re, cosine) + product(im, sine)),
        rounded(product(im, cosine) - product(re, sine)),
    ]
}

/// Halves every sample, rounded down.
pub(super) fn halve(samples: &mut [i16]) {
    for sample in samples {
        *sample >>= 1;
    }
}

/// Moves each complex number to the place whose index has the same bits in reverse order.
pub(super) fn reorder(samples: &mut [i16]) {
    let points = samples.len() / 2;
    let unused_bits = usize::BITS - points.trailing_zeros();
    for index in 0..points {
        let reversed = index.reverse_bits() >> unused_bits;
        if index < reversed {
            samples.swap(2 * index, 2 * reversed);
            samples.swap(2 * index + 1, 2 * reversed + 1);
        }
    }
}

/// The number at `place`, halved if asked.
fn number(samples: &[i16], place: usize, is_halved: bool) -> [i16; 2] {
    [place, place + 1].map(|place| load(samples, place) >> u8::from(is_halved))
}

/// The sums and differences of pairs; gives bits that they need: `x ^ 2x` of all high bytes,
/// or-ed.
pub(super) fn add_pairs(samples: &mut [i16], turning: &Turning) -> u8 {
    let Turning {
        half,
        groups,
        turn,
        cosine,
        sine,
        is_halved,
    } = *turning;
    let mut peak = 0;
    for quarters in 0..half.min(2) {
        for group in 0..groups {
            let first = 2 * turn + quarters * half + 4 * half * group;
            let second = first + 2 * half;
            let one = number(samples, first, is_halved);
            let mut other = number(samples, second, is_halved);
            if quarters == 1 {
                other = [other[1], -other[0]];
            }
            if turn > 0 {
                other = rotated(other, cosine, sine);
            }
            for part in 0..2 {
                let (sum, difference) = (one[part] + other[part], one[part] - other[part]);
                store(samples, first + part, sum);
                store(samples, second + part, difference);
                for of in [sum, difference] {
                    let high = (of >> 8) as u8;
                    peak |= high ^ (high << 1);
                }
            }
        }
    }
    peak
}

/// From the spectrum of half as many complex numbers to the powers of the samples' spectrum: those
/// of `bin` and of the one as far from the end.
pub(super) fn separate(samples: &mut [i16], bin: usize, [cosine, sine]: [i16; 2]) {
    let (low, high) = (2 * bin, samples.len() - 2 * bin);
    let [low_re, low_im] = number(samples, low, false);
    let [high_re, high_im] = number(samples, high, false);
    // Twice the spectra of the samples at even and at odd places.
    let [even_re, even_im] = [low_re + high_re, low_im - high_im];
    let odd = [low_re - high_re, low_im + high_im];
    let [odd_re, odd_im] = rotated(odd, cosine, sine);
    let half_of_sum = |one: i16, other: i16| ((i32::from(one) + i32::from(other)) >> 1) as i16;
    let half_of_difference =
        |one: i16, other: i16| ((i32::from(one) - i32::from(other)) >> 1) as i16;
    let low_power = squares(
        half_of_sum(even_re, odd_im),
        half_of_difference(even_im, odd_re),
    );
    let high_power = squares(
        half_of_difference(even_re, odd_im),
        half_of_sum(even_im, odd_re),
    );
    put(samples, low, low_power);
    put(samples, high, high_power);
}

/// The power of the bin in the middle, which is as far from both ends.
pub(super) fn square_middle(samples: &mut [i16]) {
    let middle = samples.len() / 2;
    let [re, im] = number(samples, middle, false);
    put(samples, middle, squares(re, im));
}

fn put(samples: &mut [i16], place: usize, power: u32) {
    store(samples, place, power as i16);
    store(samples, place + 1, (power >> 16) as i16);
}
