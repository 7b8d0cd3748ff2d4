//! Values of 16 bits: of which cells they are made, and sums of them.

use crate::arena::{load_one, signed, store_one};
use crate::packed::{Packed, for_each_weight, row_bytes};
use crate::product::offset;
use crate::stream::KeptSum;
use crate::sum::Sum;

/// The value at `cell`: wide, or an activation of `BITS` bits.
#[inline(always)]
pub fn value<const BITS: u32, const SIGNED: bool, const WIDE: bool>(
    arena: &[u8],
    cell: usize,
) -> i16 {
    if WIDE {
        return wide_value::<BITS>(arena, cell);
    }
    let value = load_one::<BITS>(arena, cell);
    if SIGNED {
        let [value] = signed::<BITS, 1>([value]);
        value.into()
    } else {
        value.into()
    }
}

/// The wide value whose first cell is `cell`, the least first.
#[inline(always)]
pub fn wide_value<const BITS: u32>(arena: &[u8], cell: usize) -> i16 {
    let mut value = 0u16;
    let mut shift = 0;
    while shift != 16 {
        let next = cell.wrapping_add((shift / BITS) as usize);
        value |= u16::from(load_one::<BITS>(arena, next)) << shift;
        shift = shift.wrapping_add(BITS);
    }
    value as i16
}

/// Stores a wide value from `cell` on.
#[inline(always)]
pub fn store_wide<const BITS: u32>(arena: &mut [u8], cell: usize, value: i16) {
    let mut shift = 0;
    while shift != 16 {
        let next = cell.wrapping_add((shift / BITS) as usize);
        let bits = (value as u16 >> shift) as u8 & (0xFF >> (8 - BITS));
        store_one::<BITS>(arena, next, bits);
        shift = shift.wrapping_add(BITS);
    }
}

/// `(value + 2^(right−1)) >> right`, whatever is loaded as `right`.
#[inline(always)]
pub(crate) fn round_half_up(value: i32, right: u8) -> i32 {
    match right {
        0 => value,
        // The bit below the point is a half.
        1..=31 => (value >> right).wrapping_add(value >> (right.wrapping_sub(1)) & 1),
        _ => 0,
    }
}

/// The nearest value of 16 bits.
#[inline(always)]
pub(crate) fn to_wide(value: i32) -> i16 {
    value.clamp(i16::MIN.into(), i16::MAX.into()) as i16
}

/// `clamp(rsh(sum, right))` of 16 bits.
#[inline(always)]
pub fn wide_activation<S: Sum + Into<i32>>(sum: S, right: u32) -> i16 {
    to_wide(round_half_up(sum.into(), right as u8))
}

/// Adds a whole map of wide values to every sum, as `multiply_accumulate_map` does with
/// activations; `before_wrap` counts values.
#[inline(always)]
pub fn multiply_accumulate_wide_map<const BITS: u32, const WEIGHT_BITS: u32, S: Sum, W: Packed>(
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
        let value = wide_value::<BITS>(arena, cell);
        if value != 0 {
            for_each_weight::<WEIGHT_BITS, S>(sums, weights, row, |sum, weight| {
                *sum = sum.add(product(value, weight));
            });
        }
        cell = cell.wrapping_add((16 / BITS) as usize);
        row = row.wrapping_add(row_bytes);
        index = index.wrapping_add(1);
    }
}

/// Adds a pixel of `count` wide values, the first of which is at `cell`, to sums that are kept,
/// as `add_to_sums` does with activations.
#[inline(always)]
pub fn add_wide_to_sums<const BITS: u32, const WEIGHT_BITS: u32, S: KeptSum>(
    arena: &mut [u8],
    (first, outputs): (usize, usize),
    (cell, count): (usize, usize),
    weights: impl Packed,
    first_weight: usize,
) {
    let (mut cell, mut row) = (cell, first_weight);
    let mut index = 0usize;
    while index != count {
        let value = wide_value::<BITS>(arena, cell);
        if value != 0 {
            let sums = S::kept(arena, first, outputs);
            for_each_weight::<WEIGHT_BITS, _>(sums, weights, row, |sum, weight| {
                *sum = S::from_bytes(*sum).add(product(value, weight)).to_bytes();
            });
        }
        cell = cell.wrapping_add((16 / BITS) as usize);
        row = row.wrapping_add(row_bytes::<WEIGHT_BITS>(outputs));
        index = index.wrapping_add(1);
    }
}

/// `value × weight`, modulo the width of the sum.
#[inline(always)]
fn product<S: Sum>(value: i16, weight: i8) -> S {
    S::of_bias(times(value, weight))
}

#[inline(always)]
pub(crate) fn times(value: impl Into<i32>, weight: i8) -> i32 {
    value.into().wrapping_mul(weight.into())
}

/// Puts the wide values of a pixel in the caller's array, from `first` on.
#[inline(always)]
pub fn emit_wide<const BITS: u32>(
    results: &mut [i16],
    (first, count): (usize, usize),
    arena: &[u8],
    cell: usize,
) {
    let mut cell = cell;
    let slots = results.get_mut(first..first.wrapping_add(count));
    for slot in slots.unwrap_or_default() {
        *slot = wide_value::<BITS>(arena, cell);
        cell = cell.wrapping_add((16 / BITS) as usize);
    }
}

/// A matrix of packed weights, a row a sum.
#[derive(Clone, Copy)]
pub struct Matrix {
    /// The first byte of the first row.
    pub first: usize,
    /// Bytes from a row to the next.
    pub row_bytes: usize,
    /// Weights of a row.
    pub columns: usize,
}

impl Matrix {
    /// `Σ w·x` of a row, of matrices that begin at byte `first`; a weight of 0 reads no value.
    #[inline(always)]
    pub(crate) fn row<const WEIGHT_BITS: u32, V: Into<i32>>(
        &self,
        (weights, first): (impl Packed, usize),
        row: usize,
        mut value: impl FnMut(usize) -> V,
    ) -> i32 {
        let mut byte = first
            .wrapping_add(self.first)
            .wrapping_add(offset(row, self.row_bytes));
        let mut sum = 0i32;
        let mut index = 0usize;
        while index < self.columns {
            let mut packed = weights.byte(byte);
            let mut field = 0;
            while field != 8 && index < self.columns {
                let weight = crate::packed::lowest::<WEIGHT_BITS>(packed);
                if weight != 0 {
                    sum = sum.wrapping_add(times(value(index), weight));
                }
                packed = packed.checked_shr(WEIGHT_BITS).unwrap_or(0);
                field = WEIGHT_BITS.wrapping_add(field);
                index = index.wrapping_add(1);
            }
            byte = byte.wrapping_add(1);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flash::Flash;

    #[test]
    fn a_wide_value_is_its_cells_from_the_least_on() {
        for value in [i16::MIN, -1, 0, 0x1234, i16::MAX] {
            let mut arena = [0xAA; 4];
            store_wide::<4>(&mut arena, 1, value);
            assert_eq!(wide_value::<4>(&arena, 1), value);
            assert_eq!((arena[0] & 0xF, arena[2] >> 4, arena[3]), (0xA, 0xA, 0xAA));
            store_wide::<8>(&mut arena, 1, value);
            assert_eq!(arena[1..3], value.to_le_bytes());
            assert_eq!(wide_value::<8>(&arena, 1), value);
        }
    }

    #[test]
    fn halves_go_up() {
        for value in [i32::MIN, -7, -6, -5, -1, 0, 1, 2, 5, 6, i32::MAX] {
            for right in 1..40u8 {
                let exact = (i64::from(value) + (1 << (right - 1))) >> right;
                assert_eq!(
                    i64::from(round_half_up(value, right)),
                    exact,
                    "{value} {right}"
                );
            }
        }
        assert_eq!(round_half_up(-7, 0), -7);
    }

    #[test]
    fn a_row_is_unpacked_at_every_width() {
        static TABLE: Flash<u8, 5> = Flash::new([0, 0, 0x9F, 0x08, 0b01_10_11_00]);
        let matrix = |row_bytes, columns| Matrix {
            first: 1,
            row_bytes,
            columns,
        };
        let value = |index: usize| [10i16, 100, 1000][index];
        let of_4 = matrix(2, 3).row::<4, _>((&TABLE, 1), 0, value);
        assert_eq!(of_4, 7 * 10 + 100);
        let of_2 = matrix(1, 3).row::<2, _>((&TABLE, 0), 3, value);
        assert_eq!(of_2, -2 * 10 + 100);
        let of_8 = matrix(1, 1).row::<8, _>((&TABLE, 0), 1, value);
        assert_eq!(of_8, (0x9F - 128) * 10);
    }
}
