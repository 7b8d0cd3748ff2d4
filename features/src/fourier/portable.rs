//! Loops over the numbers of a frame, in Rust.

use super::{load, store};

/// `(one · other + 2¹⁴) >> 15`.
#[inline(always)]
pub(crate) fn rounded_product(one: i16, other: i16) -> i16 {
    ((i32::from(one) * i32::from(other) + (1 << 14)) >> 15) as i16
}

/// `one² + other²`.
#[inline(always)]
pub(crate) fn squares(one: i16, other: i16) -> u32 {
    let square = |it: i16| (i32::from(it) * i32::from(it)) as u32;
    square(one) + square(other)
}

/// `power · share >> 8`.
#[inline(always)]
pub(crate) fn share(power: u32, share: u8) -> u32 {
    ((u64::from(power) * u64::from(share)) >> 8) as u32
}

/// `number · (cosine − i · sine)`, each part rounded once.
#[inline(always)]
pub(super) fn rotated([re, im]: [i16; 2], cosine: i16, sine: i16) -> [i16; 2] {
    let product = |one: i16, other: i16| i32::from(one) * i32::from(other);
    let rounded = |sum: i32| ((sum + (1 << 14)) >> 15) as i16;
    [
        rounded(product(re, cosine) + product(im, sine)),
        rounded(product(im, cosine) - product(re, sine)),
    ]
}

/// Bits that samples need: `x ^ 2x` of all high bytes, or-ed.
pub(super) fn peak<const FRAME: usize>(samples: &[i16; FRAME]) -> u8 {
    samples.iter().fold(0, |peak, &sample| {
        let high = (sample >> 8) as u8;
        peak | (high ^ (high << 1))
    })
}

/// Halves every sample, rounded down.
pub(crate) fn halve(samples: &mut [i16]) {
    for sample in samples {
        *sample >>= 1;
    }
}

/// The sums and differences of numbers that are `half` apart, the second one as it is: the first
/// of each group of `2 · half`.
pub(super) fn add_pairs(samples: &mut [i16], half: usize, _step: usize) {
    pairs(samples, half, 0, |number| number);
}

/// The same of the number in the middle of each half, the second one turned by a quarter.
pub(super) fn add_turned_pairs(samples: &mut [i16], half: usize, _step: usize) {
    pairs(samples, half, half / 2, |[re, im]| [im, -re]);
}

/// The same of the number at `turn`, the second one turned by an angle.
pub(super) fn add_rotated_pairs(
    samples: &mut [i16],
    half: usize,
    _step: usize,
    turn: usize,
    [cosine, sine]: [i16; 2],
) {
    pairs(samples, half, turn, |number| rotated(number, cosine, sine));
}

fn pairs(samples: &mut [i16], half: usize, turn: usize, turned: impl Fn([i16; 2]) -> [i16; 2]) {
    let mut first = 2 * turn;
    while first < samples.len() {
        let second = first + 2 * half;
        let one = [load(samples, first), load(samples, first + 1)];
        let other = turned([load(samples, second), load(samples, second + 1)]);
        for part in 0..2 {
            store(samples, first + part, one[part] + other[part]);
            store(samples, second + part, one[part] - other[part]);
        }
        first += 4 * half;
    }
}
