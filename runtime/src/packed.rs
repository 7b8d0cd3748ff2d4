//! Packed weights, in flash or in SRAM.
//!
//! A row has the weights of one value, one for each sum. It begins at a byte;
//! several weights share one, the first in the low bits, each as offset binary:
//! `w + 2^(BITS − 1)`.

use crate::flash::Flash;

/// The bytes of packed weights.
pub trait Packed: Copy {
    /// The byte at `index`; 0 past the end.
    fn byte(self, index: usize) -> u8;

    /// The bytes from `first` on.
    fn bytes(self, first: usize) -> impl Iterator<Item = u8>;
}

impl<const N: usize> Packed for &'static Flash<u8, N> {
    #[inline(always)]
    fn byte(self, index: usize) -> u8 {
        self.get(index)
    }

    #[inline(always)]
    fn bytes(self, first: usize) -> impl Iterator<Item = u8> {
        self.bytes_from(first)
    }
}

impl<const N: usize> Packed for &[u8; N] {
    #[inline(always)]
    fn byte(self, index: usize) -> u8 {
        match self.get(index) {
            Some(byte) => *byte,
            None => 0,
        }
    }

    #[inline(always)]
    fn bytes(self, first: usize) -> impl Iterator<Item = u8> {
        self.get(first..).unwrap_or_default().iter().copied()
    }
}

/// Bytes of a row of `length` weights. Not `div_ceil`: where a divisor is not
/// seen to be a constant, a panic comes with it.
#[inline(always)]
pub(crate) const fn row_bytes<const BITS: u32>(length: usize) -> usize {
    let per_byte_log2 = 3 - BITS.ilog2();
    length.wrapping_add((1 << per_byte_log2) - 1) >> per_byte_log2
}

/// The weight in the lowest `BITS` bits.
#[inline(always)]
pub(crate) fn lowest<const BITS: u32>(packed: u8) -> i8 {
    (packed & (0xFF >> (8 - BITS))).wrapping_sub(1 << (BITS - 1)) as i8
}

/// Calls `with` for each sum and its weight of the row that begins at byte
/// `first`.
#[inline(always)]
pub(crate) fn for_each_weight<const BITS: u32, S>(
    sums: &mut [S],
    weights: impl Packed,
    first: usize,
    mut with: impl FnMut(&mut S, i8),
) {
    let mut bytes = weights.bytes(first);
    match BITS {
        8 => {
            for (sum, byte) in sums.iter_mut().zip(bytes) {
                with(sum, lowest::<8>(byte));
            }
        }
        4 => {
            let (pairs, rest) = sums.as_chunks_mut::<2>();
            for ([first, second], packed) in pairs.iter_mut().zip(&mut bytes) {
                with(first, lowest::<4>(packed));
                with(second, lowest::<4>(packed >> 4));
            }
            for (sum, packed) in rest.iter_mut().zip(bytes) {
                with(sum, lowest::<4>(packed));
            }
        }
        _ => {
            for (group, packed) in sums.chunks_mut(4).zip(bytes) {
                let mut packed = packed;
                for sum in group {
                    with(sum, lowest::<2>(packed));
                    packed >>= 2;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static TABLE: Flash<u8, 2> = Flash::new([0x8F, 0x71]);

    fn row<const BITS: u32, const LENGTH: usize>(first: usize) -> [i8; LENGTH] {
        let mut row = [0; LENGTH];
        for_each_weight::<BITS, i8>(&mut row, &TABLE, first, |slot, weight| *slot = weight);
        row
    }

    #[test]
    fn weights_come_low_bits_first_as_offset_binary() {
        assert_eq!(row::<4, 4>(0), [7, 0, -7, -1]);
        assert_eq!(row::<4, 1>(1), [-7]);
        assert_eq!(row::<2, 5>(0), [1, 1, -2, 0, -1]);
        assert_eq!(row::<8, 2>(0), [0x0F, -15]);
    }

    #[test]
    fn a_row_takes_whole_bytes() {
        assert_eq!([0, 1, 2, 3].map(row_bytes::<4>), [0, 1, 1, 2]);
        assert_eq!([1, 4, 5].map(row_bytes::<2>), [1, 1, 2]);
        assert_eq!(row_bytes::<8>(3), 3);
    }
}
