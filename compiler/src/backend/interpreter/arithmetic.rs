//! Sums as the program keeps them: modulo the accumulator's width.

use super::scores::{round_half_up, to_wide};
use crate::program::{Accumulator, ConstantParameters, Finish};
use std::ops::RangeInclusive;

/// The value modulo the accumulator's width, in two's complement.
pub(super) fn wrap(accumulator: Accumulator, value: i64) -> i64 {
    match accumulator {
        Accumulator::I16 => value as i16 as i64,
        Accumulator::I32 => value as i32 as i64,
    }
}

/// `total + Σ w·x`, every intermediate value in the accumulator.
pub(super) fn accumulate<'a>(
    accumulator: Accumulator,
    total: i64,
    products: impl Iterator<Item = (i64, &'a i8)>,
) -> i64 {
    products.fold(total, |total, (value, &weight)| {
        wrap(accumulator, total + value * i64::from(weight))
    })
}

/// `(total << left) + bias`, every intermediate value in the accumulator.
pub(super) fn with_bias(
    accumulator: Accumulator,
    constants: &ConstantParameters,
    output: usize,
    total: i64,
) -> i64 {
    let wrapped = |value| wrap(accumulator, value);
    let shifted = (0..constants.left).fold(total, |total, _| wrapped(2 * total));
    wrapped(shifted + i64::from(constants.biases[output]))
}

/// `total + (added << skip)`, every intermediate value in the accumulator.
pub(super) fn with_added(accumulator: Accumulator, skip: u32, total: i64, added: i64) -> i64 {
    let wrapped = |value| wrap(accumulator, value);
    let shifted = (0..skip).fold(added, |added, _| wrapped(2 * added));
    wrapped(total + shifted)
}

/// What becomes of a sum, for activations of `bits` bits.
pub(super) fn finish(finish: Finish, total: i64, right: u32, bits: u32) -> i64 {
    match finish {
        Finish::Exact => total,
        Finish::Wide => to_wide(round_half_up(total, right.min(255) as u8)),
        Finish::Relu => round_half_even(total.max(0), right).clamp(0, (1 << bits) - 1),
        Finish::Signed => {
            let range = signed_range(bits);
            round_half_even(total, right).clamp(*range.start(), *range.end())
        }
    }
}

/// Two's complement of `bits` bits.
pub(super) fn signed_range(bits: u32) -> RangeInclusive<i64> {
    -(1 << (bits - 1))..=(1 << (bits - 1)) - 1
}

fn round_half_even(total: i64, right: u32) -> i64 {
    // From 2^33 on, any sum of 32 bits is less than half.
    let unit = 1i64 << right.min(33);
    let (quotient, rest) = (total.div_euclid(unit), total.rem_euclid(unit));
    match (2 * rest).cmp(&unit) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Equal => quotient + (quotient & 1),
        std::cmp::Ordering::Greater => quotient + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_to_the_even_neighbour() {
        let rounded = |totals: [i64; 6], right| totals.map(|total| round_half_even(total, right));
        assert_eq!(rounded([-6, -2, -1, 1, 2, 6], 2), [-2, 0, 0, 0, 0, 2]);
        assert_eq!(rounded([-3, -2, -1, 1, 2, 3], 1), [-2, -1, 0, 0, 1, 2]);
        assert_eq!(round_half_even(i32::MIN.into(), 255), 0);
        assert_eq!(round_half_even(-7, 0), -7);
    }
}
