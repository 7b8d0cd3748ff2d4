//! How weights are packed: one layout for tables in flash and for parameters
//! that are loaded at run time.
//!
//! A sum's weights are rows. A row has the weights by which one value is
//! multiplied, one for each output:
//!
//! | sum | rows | a row |
//! | --- | --- | --- |
//! | convolution | `[tap][input]` | `[output]` |
//! | dense | `[input]`, in the order in which the map is stored | `[output]` |
//! | pointwise | `[input]` | `[output]` |
//! | depthwise | `[tap]` | `[channel]` |
//!
//! so that a value of 0 skips its row whole, and any other is added to all
//! outputs, one after the other. Every row begins at a byte; `8 / bits` weights
//! share a byte, the first in the low bits. A weight is stored as offset binary,
//! `w + 2^(bits − 1)`: 4 bits hold −8 as 0 and 7 as 15. Fields after a row's
//! end are 0.

/// Bytes of a row of that many weights.
pub fn packed_row_bytes(row_length: u32, weight_bits: u32) -> u32 {
    row_length.div_ceil(8 / weight_bits)
}

/// Packs one row of weights, each of which fits `weight_bits` bits.
pub fn pack_row(row: &[i8], weight_bits: u32) -> Vec<u8> {
    let offset = 1 << (weight_bits - 1);
    row.chunks((8 / weight_bits) as usize)
        .map(|group| {
            let fields = (0..).step_by(weight_bits as usize).zip(group);
            fields.fold(0, |byte, (shift, &weight)| {
                byte | (weight as u8).wrapping_add(offset) << shift
            })
        })
        .collect()
}

/// The weights of one packed row.
pub fn unpack_row(packed: &[u8], row_length: u32, weight_bits: u32) -> Vec<i8> {
    let (mask, offset) = (0xFF >> (8 - weight_bits), 1 << (weight_bits - 1));
    packed
        .iter()
        .flat_map(|&byte| {
            (0..8)
                .step_by(weight_bits as usize)
                .map(move |shift| byte >> shift)
        })
        .map(|field| (field & mask).wrapping_sub(offset) as i8)
        .take(row_length as usize)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_weight_is_zero_and_the_first_is_in_the_low_bits() {
        assert_eq!(pack_row(&[-8, 7, 0], 4), [0xF0, 0x08]);
        assert_eq!(pack_row(&[-2, 1, 0, -1, 1], 2), [0b01_10_11_00, 0b11]);
        assert_eq!(pack_row(&[-128, 0, 127], 8), [0x00, 0x80, 0xFF]);
    }

    #[test]
    fn unpacking_is_the_inverse_of_packing() {
        for bits in [2, 4, 8] {
            let half = 1i16 << (bits - 1);
            let all: Vec<i8> = (-half..half).map(|weight| weight as i8).collect();
            for length in 0..=all.len() {
                let packed = pack_row(&all[..length], bits);
                assert_eq!(packed.len() as u32, packed_row_bytes(length as u32, bits));
                assert_eq!(unpack_row(&packed, length as u32, bits), all[..length]);
            }
        }
    }
}
