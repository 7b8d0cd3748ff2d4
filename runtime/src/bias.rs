//! Biases, in flash or among the parameters that were loaded at run time.

use crate::flash::Flash;
use crate::packed::Packed;
use crate::product::offset;

/// The biases of a sum.
pub trait Biases: Copy {
    /// The bias of that output.
    fn bias(self, output: usize) -> i32;
}

impl<const N: usize> Biases for &'static Flash<i16, N> {
    #[inline(always)]
    fn bias(self, output: usize) -> i32 {
        self.get(output).into()
    }
}

impl<const N: usize> Biases for &'static Flash<i32, N> {
    #[inline(always)]
    fn bias(self, output: usize) -> i32 {
        self.get(output)
    }
}

/// Biases of `BYTES` bytes, 1, 2 or 4, in little-endian two's complement.
#[derive(Clone, Copy)]
pub struct LoadedBiases<'a, const BYTES: usize, const N: usize> {
    parameters: &'a [u8; N],
    first: usize,
}

impl<'a, const BYTES: usize, const N: usize> LoadedBiases<'a, BYTES, N> {
    /// From byte `first` of `parameters` on.
    #[inline(always)]
    pub const fn new(parameters: &'a [u8; N], first: usize) -> Self {
        Self { parameters, first }
    }
}

impl<const BYTES: usize, const N: usize> Biases for LoadedBiases<'_, BYTES, N> {
    #[inline(always)]
    fn bias(self, output: usize) -> i32 {
        let index = self.first.wrapping_add(offset(output, BYTES));
        let byte = |place: usize| self.parameters.byte(index.wrapping_add(place));
        match BYTES {
            1 => (byte(0) as i8).into(),
            2 => i16::from_le_bytes([byte(0), byte(1)]).into(),
            _ => i32::from_le_bytes([byte(0), byte(1), byte(2), byte(3)]),
        }
    }
}

/// A number of bits to shift by, as it was loaded.
#[inline(always)]
pub fn shift<const N: usize>(parameters: &[u8; N], index: usize) -> u32 {
    parameters.byte(index).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loaded_biases_are_signed_and_little_endian() {
        let parameters = [9, 0xFE, 0xFF, 0x01, 0x80];
        let narrow = LoadedBiases::<1, 5>::new(&parameters, 1);
        assert_eq!([0, 1, 2].map(|output| narrow.bias(output)), [-2, -1, 1]);
        let wide = LoadedBiases::<2, 5>::new(&parameters, 1);
        assert_eq!([0, 1].map(|output| wide.bias(output)), [-2, -32767]);
        let widest = LoadedBiases::<4, 5>::new(&parameters, 1);
        assert_eq!(widest.bias(0), -0x7FFE_0002);
    }
}
