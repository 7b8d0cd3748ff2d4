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
pub(crate) use machine::{Scaling, centre, divide, sum, weigh};

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

/// Turns `FRAME` windowed samples, all of −2¹³ to 2¹³ − 1, into the powers of the bins 1 to
/// `FRAME / 2 − 1`: that of bin `k` is at the samples `2k` and `2k + 1`, its low half first.
/// Gives the exponent of two that amplitudes are to be multiplied by.
pub(crate) fn powers<const FRAME: usize>(samples: &mut [i16; FRAME], tables: &impl Tables) -> i8 {
    machine::reorder(samples);
    let points = FRAME / 2;
    let (mut exponent, mut peak) = (0, 0);
    // Numbers of half of a group, and how many groups there are.
    let (mut half, mut groups) = (1, points / 2);
    while half < points {
        let is_halved = narrow(samples, peak, &mut exponent);
        peak = 0;
        // A pair in the second half of the numbers has the angle of one in the first half, and a
        // quarter of a turn more.
        let mut turn = 0;
        while turn == 0 || 2 * turn < half {
            let angle = turn * 2 * groups;
            let (cosine, sine) = (tables.sine(FRAME / 4 - angle), tables.sine(angle));
            let turning = Turning {
                half,
                groups,
                turn,
                cosine,
                sine,
                is_halved,
            };
            peak |= machine::add_pairs(samples, &turning);
            turn += 1;
        }
        half *= 2;
        groups /= 2;
    }
    if narrow(samples, peak, &mut exponent) {
        machine::halve(samples);
    }
    let mut bin = 1;
    while bin < points - bin {
        let (cosine, sine) = (tables.sine(FRAME / 4 - bin), tables.sine(bin));
        machine::separate(samples, bin, [cosine, sine]);
        bin += 1;
    }
    machine::square_middle(samples);
    exponent
}

/// Pairs of numbers of a stage whose sums and differences are to be made: the one at `turn` of
/// each group of `2 · half`, and the one `half / 2` further on, where there is one.
struct Turning {
    half: usize,
    groups: usize,
    turn: usize,
    /// Of the angle that a pair's second number is turned back by; not used for turn 0.
    cosine: i16,
    sine: i16,
    /// Whether the numbers are halved first.
    is_halved: bool,
}

/// Whether all samples, whose `peak` is that, are to be halved once more to be of −2¹³ to
/// 2¹³ − 1; counts how often they are halved.
fn narrow<const FRAME: usize>(samples: &mut [i16; FRAME], peak: u8, exponent: &mut i8) -> bool {
    if peak & 0x80 != 0 {
        machine::halve(samples);
        *exponent += 1;
    }
    // Branches, as rustc 1.95 to 1.97 lose `i8::from(peak & 0xC0 != 0)` where the caller branches
    // on the same comparison, returned: MIR's SimplifyComparisonIntegral removes it.
    if peak & 0xC0 != 0 {
        *exponent += 1;
        true
    } else {
        false
    }
}
