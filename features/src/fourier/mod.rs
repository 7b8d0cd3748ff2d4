//! The spectrum of real samples, in place, in 16-bit integers with an exponent that all of them
//! share: block floating point (Oppenheim & Weinstein, Proc. IEEE 60(8), 1972).
//!
//! `FRAME` samples are taken for half as many complex numbers, whose spectrum, by decimation in
//! time, gives that of the samples (Sorensen et al., IEEE Trans. ASSP 35(6), 1987).

#[cfg(all(target_arch = "avr", target_feature = "mul"))]
mod avr;
#[cfg(not(all(target_arch = "avr", target_feature = "mul")))]
mod portable;

#[cfg(all(target_arch = "avr", target_feature = "mul"))]
use avr as machine;
#[cfg(not(all(target_arch = "avr", target_feature = "mul")))]
use portable as machine;

use crate::Tables;
pub(crate) use machine::{halve, rounded_product, share, squares};

/// The sample at `index`, which is there.
#[inline(always)]
pub(crate) fn load(samples: &[i16], index: usize) -> i16 {
    match samples.get(index) {
        Some(sample) => *sample,
        None => 0,
    }
}

/// Sets the sample at `index`, which is there.
#[inline(always)]
pub(crate) fn store(samples: &mut [i16], index: usize, value: i16) {
    if let Some(sample) = samples.get_mut(index) {
        *sample = value;
    }
}

/// `cos(2π · index / FRAME)`, of `index` from 0 to `FRAME / 2`.
#[inline(always)]
pub(crate) fn cosine<const FRAME: usize>(tables: &impl Tables, index: usize) -> i16 {
    if index <= FRAME / 4 {
        tables.sine(FRAME / 4 - index)
    } else {
        -tables.sine(index - FRAME / 4)
    }
}

/// `sin(2π · index / FRAME)`, of `index` from 0 to `FRAME / 2`.
#[inline(always)]
fn sine<const FRAME: usize>(tables: &impl Tables, index: usize) -> i16 {
    if index <= FRAME / 4 {
        tables.sine(index)
    } else {
        tables.sine(FRAME / 2 - index)
    }
}

/// Turns `FRAME` windowed samples, all of −2¹³ to 2¹³ − 1, into the powers of the bins 1 to
/// `FRAME / 2 − 1`: that of bin `k` is at the samples `2k` and `2k + 1`, its low half first.
/// Gives the exponent of two that amplitudes are to be multiplied by.
pub(crate) fn powers<const FRAME: usize>(samples: &mut [i16; FRAME], tables: &impl Tables) -> i8 {
    reorder(samples);
    let points = FRAME / 2;
    let mut exponent = 0;
    // Numbers of half of a group, and how many groups of the length of a half there are.
    let (mut half, mut step) = (1, points);
    while half < points {
        exponent += narrow(samples);
        machine::add_pairs(samples, half, step);
        if half > 1 {
            machine::add_turned_pairs(samples, half, step);
        }
        let mut turn = 1;
        while turn < half {
            if turn * 2 != half {
                let angle = turn * step;
                let cosine = cosine::<FRAME>(tables, angle);
                let sine = sine::<FRAME>(tables, angle);
                machine::add_rotated_pairs(samples, half, step, turn, [cosine, sine]);
            }
            turn += 1;
        }
        half *= 2;
        step /= 2;
    }
    exponent += narrow(samples);
    separate(samples, tables);
    exponent
}

/// Halves all samples until they are of −2¹³ to 2¹³ − 1; gives how often.
fn narrow<const FRAME: usize>(samples: &mut [i16; FRAME]) -> i8 {
    let peak = machine::peak(samples);
    if peak & 0x80 != 0 {
        machine::halve(samples);
        machine::halve(samples);
        2
    } else if peak & 0x40 != 0 {
        machine::halve(samples);
        1
    } else {
        0
    }
}

/// Moves each complex number to the place whose index has the same bits in reverse order.
fn reorder<const FRAME: usize>(samples: &mut [i16; FRAME]) {
    let points = FRAME / 2;
    let mut reversed = 0;
    let mut index = 0;
    while index < points {
        if index < reversed {
            for part in 0..2 {
                let (one, other) = (2 * index + part, 2 * reversed + part);
                let kept = load(samples, one);
                let moved = load(samples, other);
                store(samples, one, moved);
                store(samples, other, kept);
            }
        }
        // Counts up from the highest bit down.
        let mut bit = points / 2;
        while bit > 0 && reversed & bit != 0 {
            reversed ^= bit;
            bit /= 2;
        }
        reversed |= bit;
        index += 1;
    }
}

/// From the spectrum of half as many complex numbers to the powers of the samples' spectrum.
fn separate<const FRAME: usize>(samples: &mut [i16; FRAME], tables: &impl Tables) {
    let points = FRAME / 2;
    let mut bin = 1;
    while bin < points - bin {
        let (low, high) = (2 * bin, 2 * (points - bin));
        let [low_re, low_im] = [load(samples, low), load(samples, low + 1)];
        let [high_re, high_im] = [load(samples, high), load(samples, high + 1)];
        // Twice the spectra of the samples at even and at odd places.
        let even = [low_re + high_re, low_im - high_im];
        let odd = [low_re - high_re, low_im + high_im];
        let (cosine, sine) = (cosine::<FRAME>(tables, bin), sine::<FRAME>(tables, bin));
        let [odd_re, odd_im] = machine::rotated(odd, cosine, sine);
        let half_of_sum = |one: i16, other: i16| ((i32::from(one) + i32::from(other)) >> 1) as i16;
        let half_of_difference =
            |one: i16, other: i16| ((i32::from(one) - i32::from(other)) >> 1) as i16;
        let [even_re, even_im] = even;
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
        bin += 1;
    }
    let middle = squares(load(samples, points), load(samples, points + 1));
    put(samples, points, middle);
}

#[inline(always)]
fn put(samples: &mut [i16], place: usize, power: u32) {
    store(samples, place, power as i16);
    store(samples, place + 1, (power >> 16) as i16);
}
