//! Layers that compute while their input arrives, pixel by pixel: which pixels
//! complete one of their own, and what they keep until then.

use crate::arena::{load, store};
use crate::packed::{Packed, for_each_weight, row_bytes};
use crate::product::Value;
use crate::product::offset;
use crate::sum::{Sum, at_most, product};

/// A row and a column.
pub type Pixel = (u16, u16);

/// Its place in a map of `width` columns.
#[inline(always)]
pub fn pixel_index((row, column): Pixel, width: usize) -> usize {
    offset(row.into(), width).wrapping_add(column.into())
}

/// The output of a kernel that has that many rows above and columns left of its
/// last tap, which the pixel completes; `None` where the kernel would reach
/// beyond the map.
#[inline(always)]
pub fn completed_field((row, column): Pixel, (rows_above, columns_left): Pixel) -> Option<Pixel> {
    row.checked_sub(rows_above)
        .zip(column.checked_sub(columns_left))
}

/// The window of 2^`HEIGHT_LOG2` × 2^`WIDTH_LOG2` pixels that a pixel is part of.
#[inline(always)]
pub fn window_of<const HEIGHT_LOG2: u32, const WIDTH_LOG2: u32>((row, column): Pixel) -> Pixel {
    (row >> HEIGHT_LOG2, column >> WIDTH_LOG2)
}

/// Whether a pixel is the first of its window.
#[inline(always)]
pub fn begins<const HEIGHT_LOG2: u32, const WIDTH_LOG2: u32>((row, column): Pixel) -> bool {
    row & mask(HEIGHT_LOG2) == 0 && column & mask(WIDTH_LOG2) == 0
}

/// The window that a pixel is the last of.
#[inline(always)]
pub fn completed<const HEIGHT_LOG2: u32, const WIDTH_LOG2: u32>(pixel: Pixel) -> Option<Pixel> {
    let (last_row, last_column) = (mask(HEIGHT_LOG2), mask(WIDTH_LOG2));
    let last = pixel.0 & last_row == last_row && pixel.1 & last_column == last_column;
    last.then_some(window_of::<HEIGHT_LOG2, WIDTH_LOG2>(pixel))
}

#[inline(always)]
const fn mask(bits: u32) -> u16 {
    1u16.wrapping_shl(bits).wrapping_sub(1)
}

/// `index` modulo `length`, for an index below twice that: no division.
#[inline(always)]
pub fn around(index: usize, length: usize) -> usize {
    if index >= length {
        index.wrapping_sub(length)
    } else {
        index
    }
}

/// Where the column's item begins in a row of items of `each` units, the first
/// of which begins at `first`.
#[inline(always)]
pub fn place_in_row(column: u16, each: usize, first: usize) -> usize {
    offset(column.into(), each).wrapping_add(first)
}

/// Takes a pixel into the maxima of its window, which begin at `cell`, the first
/// one of a byte.
#[inline(always)]
pub fn merge_maxima<const BITS: u32, const SIGNED: bool, const C: usize>(
    arena: &mut [u8],
    cell: usize,
    begins: bool,
    mut values: [u8; C],
) {
    if !begins {
        // By the sign's complement, two's complement is ordered as unsigned.
        let sign = if SIGNED { 1 << (BITS - 1) } else { 0 };
        let largest = load::<BITS, true, C>(arena, cell);
        for (value, largest) in values.iter_mut().zip(largest) {
            if largest ^ sign > *value ^ sign {
                *value = largest;
            }
        }
    }
    store::<BITS, true, C>(arena, cell, values);
}

/// The bytes of the `C` sums of a window: 16 values of 4 bits fit one each, 16
/// of 8 bits two.
#[inline(always)]
fn window_sums<const BITS: u32, const C: usize>(arena: &mut [u8], first: usize) -> &mut [u8] {
    let bytes = C.wrapping_mul(if BITS == 8 { 2 } else { 1 });
    arena
        .get_mut(first..first.wrapping_add(bytes))
        .unwrap_or_default()
}

/// Takes a pixel into the sums of its window, which begin at byte `first`.
#[inline(always)]
pub fn merge_sums<const BITS: u32, V: Value, const C: usize>(
    arena: &mut [u8],
    first: usize,
    begins: bool,
    values: [V; C],
) {
    let sums = window_sums::<BITS, C>(arena, first);
    if begins {
        sums.fill(0);
    }
    if BITS == 8 {
        for (sum, value) in sums.as_chunks_mut().0.iter_mut().zip(values) {
            *sum = i16::from_le_bytes(*sum)
                .wrapping_add(value.into())
                .to_le_bytes();
        }
    } else {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum = sum.wrapping_add(value.into() as u8);
        }
    }
}

/// The averages of a window, as the `BITS` bits that are stored: its sums, which
/// begin at byte `first`, shifted down.
#[inline(always)]
pub fn averages<const BITS: u32, const SIGNED: bool, const C: usize>(
    arena: &mut [u8],
    first: usize,
    shift: u32,
) -> [u8; C] {
    let sums = window_sums::<BITS, C>(arena, first);
    let mut values = [0; C];
    let mask = 0xFF >> (8 - BITS);
    if BITS == 8 {
        // At most 16 × 255, a sum has no upper bit but its sign.
        for (value, sum) in values.iter_mut().zip(sums.as_chunks().0) {
            *value = (i16::from_le_bytes(*sum) >> shift) as u8;
        }
    } else {
        for (value, &mut sum) in values.iter_mut().zip(sums) {
            let average = if SIGNED {
                (sum as i8 >> shift) as u8
            } else {
                sum >> shift
            };
            *value = average & mask;
        }
    }
    values
}

/// A sum that is kept in the arena, least byte first.
pub trait KeptSum: Sum {
    type Bytes: Copy;

    /// `count` sums from byte `first` on.
    fn kept(arena: &mut [u8], first: usize, count: usize) -> &mut [Self::Bytes];
    /// As it is kept.
    fn to_bytes(self) -> Self::Bytes;
    /// What is kept.
    fn from_bytes(bytes: Self::Bytes) -> Self;
}

macro_rules! impl_kept_sum {
    ($integer:ty) => {
        impl KeptSum for $integer {
            type Bytes = [u8; size_of::<$integer>()];

            #[inline(always)]
            fn kept(arena: &mut [u8], first: usize, count: usize) -> &mut [Self::Bytes] {
                let bytes = arena.get_mut(first..).unwrap_or_default();
                at_most(bytes.as_chunks_mut().0, count)
            }

            #[inline(always)]
            fn to_bytes(self) -> Self::Bytes {
                self.to_le_bytes()
            }

            #[inline(always)]
            fn from_bytes(bytes: Self::Bytes) -> Self {
                Self::from_le_bytes(bytes)
            }
        }
    };
}

impl_kept_sum!(i16);
impl_kept_sum!(i32);

/// Sets `count` sums from byte `first` on to 0.
#[inline(always)]
pub fn begin_sums<S: KeptSum>(arena: &mut [u8], first: usize, count: usize) {
    S::kept(arena, first, count).fill(S::default().to_bytes());
}

/// Adds a pixel to the `count` sums that are kept from byte `first` on:
/// `sums[o] += Σ values[i] × weights[i][o]`, the rows of weights packed one
/// after the other from byte `first_weight` on. A value that is 0 skips its row.
#[inline(always)]
pub fn add_to_sums<const WEIGHT_BITS: u32, const NARROW: bool, S: KeptSum, V: Value>(
    arena: &mut [u8],
    (first, count): (usize, usize),
    values: &[V],
    weights: impl Packed,
    first_weight: usize,
) {
    let mut row = first_weight;
    for &value in values {
        if value.into() != 0 {
            let sums = S::kept(arena, first, count);
            for_each_weight::<WEIGHT_BITS, _>(sums, weights, row, |sum, weight| {
                let added = S::from_bytes(*sum).add(product::<NARROW, S>(value, weight));
                *sum = added.to_bytes();
            });
        }
        row = row.wrapping_add(row_bytes::<WEIGHT_BITS>(count));
    }
}

/// Puts `finish(output, sum)` in the place of each of `count` sums, from byte
/// `first` on.
#[inline(always)]
pub fn finish_sums<S: KeptSum>(
    arena: &mut [u8],
    (first, count): (usize, usize),
    mut finish: impl FnMut(usize, S) -> S,
) {
    let mut output = 0usize;
    for sum in S::kept(arena, first, count) {
        *sum = finish(output, S::from_bytes(*sum)).to_bytes();
        output = output.wrapping_add(1);
    }
}

/// The sum of that output, of those that are kept from byte `first` on.
#[inline(always)]
pub fn kept_sum<S: KeptSum>(arena: &mut [u8], first: usize, output: usize) -> S {
    match S::kept(arena, first, output.wrapping_add(1)).get(output) {
        Some(sum) => S::from_bytes(*sum),
        None => S::default(),
    }
}

/// Copies the results that are kept from byte `first` on.
#[inline(always)]
pub fn copy_sums<S: KeptSum>(arena: &mut [u8], first: usize, results: &mut [S]) {
    let kept = S::kept(arena, first, results.len());
    for (result, sum) in results.iter_mut().zip(kept) {
        *result = S::from_bytes(*sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flash::Flash;
    use crate::intake::Cursor;

    #[test]
    fn slots_go_around_their_ring_alone() {
        let mut cursor = Cursor::<1, 1, 2>::new();
        let slots = [(); 4].map(|()| {
            cursor.next_slot(1, 3);
            (cursor.slot(0), cursor.slot(1))
        });
        assert_eq!(slots, [(0, 1), (0, 2), (0, 0), (0, 1)]);
        assert_eq!(size_of::<Cursor<1, 1, 2>>(), 7);
    }

    #[test]
    fn a_field_is_completed_by_its_last_tap() {
        assert_eq!(completed_field((2, 4), (2, 2)), Some((0, 2)));
        assert_eq!(completed_field((1, 4), (2, 2)), None);
        assert_eq!(completed_field((2, 1), (2, 2)), None);
        assert_eq!(completed_field((0, 0), (0, 0)), Some((0, 0)));
    }

    #[test]
    fn a_window_begins_and_is_complete_once() {
        let pixels = || (0..4u16).flat_map(|row| (0..4u16).map(move |column| (row, column)));
        let of_a_row = pixels().filter(|&pixel| begins::<0, 1>(pixel));
        assert!(of_a_row.eq((0..4).flat_map(|row| [(row, 0), (row, 2)])));
        let whole = pixels().filter_map(completed::<2, 2>);
        assert!(whole.eq([(0, 0)]));
    }

    #[test]
    fn windows_keep_the_largest_of_either_sign() {
        let mut arena = [0xFF; 2];
        merge_maxima::<4, true, 3>(&mut arena, 0, true, [0x8, 0x1, 0x0]);
        merge_maxima::<4, true, 3>(&mut arena, 0, false, [0xF, 0xF, 0x7]);
        assert_eq!(arena, [0x1F, 0xF7]);
        merge_maxima::<4, false, 3>(&mut arena, 0, false, [0xE, 0x2, 0x9]);
        assert_eq!(arena, [0x2F, 0xF9]);
    }

    #[test]
    fn averages_round_down_at_every_width_and_sign() {
        let mut arena = [0xFF; 4];
        let average = |begins, values, arena: &mut [u8; 4]| {
            merge_sums::<8, i8, 2>(arena, 0, begins, values);
            averages::<8, true, 2>(arena, 0, 1)
        };
        average(true, [-128, 127], &mut arena);
        assert_eq!(average(false, [-127, 127], &mut arena), [0x80, 127]);
        merge_sums::<4, i8, 1>(&mut arena, 3, true, [-8]);
        merge_sums::<4, i8, 1>(&mut arena, 3, false, [1]);
        assert_eq!(averages::<4, true, 1>(&mut arena, 3, 1), [0xC]);
        for value in [15; 16].into_iter().enumerate() {
            merge_sums::<4, u8, 1>(&mut arena, 3, value.0 == 0, [value.1]);
        }
        assert_eq!(averages::<4, false, 1>(&mut arena, 3, 4), [15]);
    }

    #[test]
    fn sums_are_kept_from_pixel_to_pixel() {
        static WEIGHTS: Flash<u8, 4> = Flash::new([0x9F, 0x07, 0x80, 0x0F]);
        let mut arena = [0xAA; 8];
        begin_sums::<i16>(&mut arena, 1, 3);
        for _ in 0..2 {
            add_to_sums::<4, true, i16, _>(&mut arena, (1, 3), &[3u8, 15], &WEIGHTS, 0);
        }
        finish_sums(&mut arena, (1, 3), |output, sum: i16| sum + output as i16);
        let mut results = [0; 3];
        copy_sums::<i16>(&mut arena, 1, &mut results);
        assert_eq!(results, [2 * (21 - 120), 2 * 3 + 1, 2 * (-3 + 105) + 2]);
        assert_eq!(kept_sum::<i16>(&mut arena, 1, 2), results[2]);
        assert_eq!((arena[0], arena[7]), (0xAA, 0xAA));
    }
}
