//! Weighted sums, and what becomes of them.

use crate::arena::{load, load_one, signed};
use crate::bias::Biases;
use crate::packed::{Packed, for_each_weight, row_bytes};
use crate::product::Value;

/// The integer of a layer's sums: arithmetic modulo its width, for the sum
/// itself is proven to fit.
pub trait Sum: Copy + Default + PartialOrd {
    /// Of a product.
    fn widen(value: i16) -> Self;
    /// Of a bias, modulo the width.
    fn of_bias(bias: i32) -> Self;
    /// `self + other`.
    fn add(self, other: Self) -> Self;
    /// `self × 2^left`.
    fn shift_left(self, left: u32) -> Self;
    /// `self / 2^right`, rounded to nearest, halves to even.
    fn round_half_even(self, right: u32) -> Self;
    /// The nearest value in `low..=high`.
    fn clamp_to(self, low: i16, high: i16) -> i16;
}

macro_rules! impl_sum {
    ($integer:ty) => {
        impl Sum for $integer {
            #[inline(always)]
            fn widen(value: i16) -> Self {
                value.into()
            }

            #[inline(always)]
            fn of_bias(bias: i32) -> Self {
                bias as Self
            }

            #[inline(always)]
            fn add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }

            #[inline(always)]
            fn shift_left(self, left: u32) -> Self {
                // A sum that fits is shifted out whole only when it is 0.
                if left < Self::BITS { self << left } else { 0 }
            }

            #[inline(always)]
            fn round_half_even(self, right: u32) -> Self {
                if right == 0 {
                    return self;
                }
                if right >= Self::BITS {
                    // |self / 2^right| ≤ 1/2, and half goes to 0.
                    return 0;
                }
                let floor = self >> right;
                let half = 1 << (right - 1);
                let rest = self & (half | (half - 1));
                let up = rest > half || (rest == half && floor & 1 == 1);
                floor.wrapping_add(up.into())
            }

            #[inline(always)]
            fn clamp_to(self, low: i16, high: i16) -> i16 {
                if self < low.into() {
                    low
                } else if self > high.into() {
                    high
                } else {
                    self as i16
                }
            }
        }
    };
}

impl_sum!(i16);
impl_sum!(i32);

/// `value × weight`; `NARROW` where that fits 8 bits, one instruction on AVR.
#[inline(always)]
pub(crate) fn product<const NARROW: bool, S: Sum>(value: impl Value, weight: i8) -> S {
    S::widen(if NARROW {
        value.times_narrow(weight).into()
    } else {
        value.times(weight)
    })
}

/// `value × factor`, `factor` being a positive constant of the code.
#[inline(always)]
pub fn multiple<const NARROW: bool, S: Sum>(value: impl Value, factor: i8) -> S {
    S::widen(if NARROW {
        value.multiple(factor).into()
    } else {
        value.times(factor)
    })
}

/// Adds one tap to every sum: `sums[o] += Σ values[i] × weights[i][o]`, the rows
/// of weights packed one after the other from byte `first` on. A value that is
/// 0 (most are, after ReLU) skips its row.
///
/// Not inlined: a layer calls it for each tap, and the code is its loops.
#[inline(never)]
pub fn multiply_accumulate<
    const WEIGHT_BITS: u32,
    const NARROW: bool,
    S: Sum,
    V: Value,
    W: Packed,
    const IN: usize,
    const OUT: usize,
>(
    sums: &mut [S; OUT],
    values: &[V; IN],
    weights: W,
    first: usize,
) {
    let mut row = first;
    for &value in values {
        if value.into() != 0 {
            add_row::<WEIGHT_BITS, NARROW, S>(sums, value, weights, row);
        }
        row = row.wrapping_add(row_bytes::<WEIGHT_BITS>(OUT));
    }
}

/// `sums[o] += value × weights[o]`, the row of weights packed from byte `first`
/// on.
#[inline(always)]
fn add_row<const WEIGHT_BITS: u32, const NARROW: bool, S: Sum>(
    sums: &mut [S],
    value: impl Value,
    weights: impl Packed,
    first: usize,
) {
    for_each_weight::<WEIGHT_BITS, S>(sums, weights, first, |sum, weight| {
        *sum = sum.add(product::<NARROW, S>(value, weight));
    });
}

/// Adds one tap of a depthwise kernel: `sums[c] += values[c] × weights[c]`.
#[inline(never)]
pub fn multiply_accumulate_each<
    const WEIGHT_BITS: u32,
    const NARROW: bool,
    S: Sum,
    V: Value,
    W: Packed,
    const C: usize,
>(
    sums: &mut [S; C],
    values: &[V; C],
    weights: W,
    first: usize,
) {
    let mut values = values.iter();
    for_each_weight::<WEIGHT_BITS, S>(sums, weights, first, |sum, weight| {
        if let Some(&value) = values.next() {
            *sum = sum.add(product::<NARROW, S>(value, weight));
        }
    });
}

/// Adds a whole map to every sum: `sums[o] += Σ values[i] × weights[i][o]` over
/// `count` values as they are stored, from `cell` on; after `before_wrap` of
/// them the map goes on at cell 0. Row `i` of weights begins `row_bytes × i`
/// bytes after byte `first`.
#[inline(always)]
pub fn multiply_accumulate_map<
    const BITS: u32,
    const SIGNED: bool,
    const WEIGHT_BITS: u32,
    const NARROW: bool,
    S: Sum,
    W: Packed,
>(
    sums: &mut [S],
    arena: &[u8],
    cell: usize,
    (before_wrap, count): (usize, usize),
    weights: W,
    (first, row_bytes): (usize, usize),
) {
    let (mut cell, mut row) = (cell, first);
    let mut index = 0usize;
    while index != count {
        if index == before_wrap {
            cell = 0;
        }
        let value = load_one::<BITS>(arena, cell);
        if value != 0 {
            if SIGNED {
                let [value] = signed::<BITS, 1>([value]);
                add_row::<WEIGHT_BITS, NARROW, S>(sums, value, weights, row);
            } else {
                add_row::<WEIGHT_BITS, NARROW, S>(sums, value, weights, row);
            }
        }
        cell = cell.wrapping_add(1);
        row = row.wrapping_add(row_bytes);
        index = index.wrapping_add(1);
    }
}

/// The first `count` sums, or all where there are not as many.
#[inline(always)]
pub fn at_most<S>(sums: &mut [S], count: usize) -> &mut [S] {
    let count = count.min(sums.len());
    sums.get_mut(..count).unwrap_or_default()
}

/// `sums[o] = sums[o] × 2^left + biases[o]`.
#[inline(always)]
pub fn add_biases<S: Sum>(sums: &mut [S], biases: impl Biases, left: u32) {
    let mut index = 0usize;
    for sum in sums {
        *sum = sum.shift_left(left).add(S::of_bias(biases.bias(index)));
        index = index.wrapping_add(1);
    }
}

/// `min(rhe(max(sum, 0) / 2^right), 2^BITS − 1)`.
#[inline(always)]
pub fn relu<const BITS: u32, S: Sum>(sum: S, right: u32) -> u8 {
    if sum <= S::default() {
        return 0;
    }
    sum.round_half_even(right).clamp_to(0, (1 << BITS) - 1) as u8
}

/// `clamp(rhe(sum / 2^right), −2^(BITS−1), 2^(BITS−1) − 1)`, as the `BITS` bits
/// that are stored.
#[inline(always)]
pub fn signed_activation<const BITS: u32, S: Sum>(sum: S, right: u32) -> u8 {
    let half = 1i16 << (BITS - 1);
    let value = sum
        .round_half_even(right)
        .clamp_to(-half, half.wrapping_sub(1));
    value as u8 & (0xFF >> (8 - BITS))
}

/// The larger of each pair.
#[inline(always)]
pub fn keep_larger<V: Copy + PartialOrd, const C: usize>(largest: &mut [V; C], values: &[V; C]) {
    for (largest, &value) in largest.iter_mut().zip(values) {
        if value > *largest {
            *largest = value;
        }
    }
}

/// The sum of each pair. Sixteen values of 8 bits stay far within 16.
#[inline(always)]
pub fn add_each<V: Value, const C: usize>(sums: &mut [i16; C], values: &[V; C]) {
    for (sum, &value) in sums.iter_mut().zip(values) {
        *sum = sum.wrapping_add(value.into());
    }
}

/// Puts the results of one pixel in the caller's array, from `first` on.
#[inline(always)]
pub fn put<S: Copy, const C: usize>(results: &mut [S], first: usize, values: [S; C]) {
    if let Some(slots) = results.get_mut(first..first.wrapping_add(C)) {
        for (slot, value) in slots.iter_mut().zip(values) {
            *slot = value;
        }
    }
}

/// Puts the activations of the pixel at `cell` in the caller's array.
#[inline(always)]
pub fn emit<const BITS: u32, const ALIGNED: bool, const SIGNED: bool, const C: usize>(
    results: &mut [i16],
    first: usize,
    arena: &[u8],
    cell: usize,
) {
    let values = load::<BITS, ALIGNED, C>(arena, cell);
    if SIGNED {
        put(results, first, signed::<BITS, C>(values).map(i16::from));
    } else {
        put(results, first, values.map(i16::from));
    }
}

/// Puts the bytes of results in the arena, from `first` on.
#[inline(always)]
pub fn keep<const BYTES: usize, const C: usize>(
    arena: &mut [u8],
    first: usize,
    results: [[u8; BYTES]; C],
) {
    put(
        arena.get_mut(first..).unwrap_or_default().as_chunks_mut().0,
        0,
        results,
    );
}

/// The same values, wider.
#[inline(always)]
pub fn widened<const COUNT: usize>(values: [i16; COUNT]) -> [i32; COUNT] {
    values.map(i32::from)
}

/// The index of the first largest value.
#[inline(always)]
pub fn first_largest<S: Copy + PartialOrd>(values: &[S]) -> usize {
    let mut best = (0, None);
    for (index, &value) in values.iter().enumerate() {
        if best.1.is_none_or(|largest| value > largest) {
            best = (index, Some(value));
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_to_even_at_every_width() {
        let by_four = |sum: i16| sum.round_half_even(2);
        assert_eq!(
            [-6, -5, -2, 1, 2, 3, 6, 10].map(by_four),
            [-2, -1, 0, 0, 0, 1, 2, 2]
        );
        for right in 0..20 {
            for sum in i16::MIN..=i16::MAX {
                let exact = (f64::from(sum) / f64::from(1 << right)).round_ties_even();
                assert_eq!(
                    f64::from(sum.round_half_even(right)),
                    exact,
                    "{sum} >> {right}"
                );
                assert_eq!(f64::from(i32::from(sum).round_half_even(right)), exact);
            }
        }
        assert_eq!(i32::MIN.round_half_even(31), -1);
        assert_eq!((i32::MAX - 1).round_half_even(31), 1);
        assert_eq!(i32::MIN.round_half_even(32), 0);
    }

    #[test]
    fn activations_stay_within_their_bits() {
        assert_eq!(
            [-40, 0, 40, 4000].map(|sum: i32| relu::<4, _>(sum, 4)),
            [0, 0, 2, 15]
        );
        assert_eq!(
            [-400i16, -24, 24, 400].map(|sum| signed_activation::<4, _>(sum, 4)),
            [0x8, 0xE, 2, 7]
        );
        assert_eq!(relu::<8, i16>(i16::MAX, 0), 255);
    }

    #[test]
    fn the_first_of_equals_is_the_class() {
        assert_eq!(first_largest(&[-3, 7, 7]), 1);
        assert_eq!(first_largest(&[i16::MIN, i16::MIN]), 0);
    }
}
