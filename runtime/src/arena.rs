//! Activations in the arena: cells of 4 or 8 bits, the low nibble first.
//!
//! Every address was proven by the planner, so the checks below never fail;
//! they read 0 and store nothing instead of bringing in a panic.

/// The `C` values of the pixel at `cell`, as unsigned numbers of `BITS` bits.
///
/// `ALIGNED`: the pixel begins at a byte.
#[inline(always)]
pub fn load<const BITS: u32, const ALIGNED: bool, const C: usize>(
    arena: &[u8],
    cell: usize,
) -> [u8; C] {
    let mut values = [0; C];
    if BITS == 8 {
        if let Some(bytes) = arena.get(cell..cell.wrapping_add(C)) {
            for (value, byte) in values.iter_mut().zip(bytes) {
                *value = *byte;
            }
        }
    } else if ALIGNED || cell & 1 == 0 {
        unpack(arena, cell >> 1, &mut values);
    } else if let [first, rest @ ..] = &mut values[..] {
        *first = byte_at(arena, cell >> 1) >> 4;
        unpack(arena, (cell >> 1).wrapping_add(1), rest);
    }
    values
}

/// Bytes that hold `nibbles` nibbles. Not `div_ceil`: where a divisor is not
/// seen to be a constant, a panic comes with it.
#[inline(always)]
const fn bytes_of(nibbles: usize) -> usize {
    (nibbles >> 1).wrapping_add(nibbles & 1)
}

/// Nibbles from the byte `first` on.
#[inline(always)]
fn unpack(arena: &[u8], first: usize, values: &mut [u8]) {
    let end = first.wrapping_add(bytes_of(values.len()));
    let bytes = arena.get(first..end).unwrap_or(&[]);
    let (pairs, rest) = values.as_chunks_mut::<2>();
    for ([low, high], byte) in pairs.iter_mut().zip(bytes) {
        *low = byte & 0x0F;
        *high = byte >> 4;
    }
    if let ([value], Some(byte)) = (rest, bytes.last()) {
        *value = byte & 0x0F;
    }
}

#[inline(always)]
fn byte_at(arena: &[u8], byte: usize) -> u8 {
    match arena.get(byte) {
        Some(value) => *value,
        None => 0,
    }
}

/// The value at `cell`, as an unsigned number of `BITS` bits.
#[inline(always)]
pub fn load_one<const BITS: u32>(arena: &[u8], cell: usize) -> u8 {
    if BITS == 8 {
        byte_at(arena, cell)
    } else {
        let byte = byte_at(arena, cell >> 1);
        if cell & 1 == 0 {
            byte & 0x0F
        } else {
            byte >> 4
        }
    }
}

/// Reads numbers of `BITS` bits as two's complement.
#[inline(always)]
pub fn signed<const BITS: u32, const C: usize>(values: [u8; C]) -> [i8; C] {
    values.map(|value| ((value << (8 - BITS)) as i8) >> (8 - BITS))
}

/// Stores the `C` values of the pixel at `cell`, numbers of `BITS` bits.
///
/// `ALIGNED`: the pixel begins at a byte. A nibble that shares a byte with the
/// pixel keeps its value.
#[inline(always)]
pub fn store<const BITS: u32, const ALIGNED: bool, const C: usize>(
    arena: &mut [u8],
    cell: usize,
    values: [u8; C],
) {
    if BITS == 8 {
        if let Some(bytes) = arena.get_mut(cell..cell.wrapping_add(C)) {
            for (byte, value) in bytes.iter_mut().zip(values) {
                *byte = value;
            }
        }
    } else if ALIGNED || cell & 1 == 0 {
        pack(arena, cell >> 1, &values);
    } else if let [first, rest @ ..] = &values[..] {
        store_one::<4>(arena, cell, *first);
        pack(arena, (cell >> 1).wrapping_add(1), rest);
    }
}

/// Nibbles from the byte `first` on.
#[inline(always)]
fn pack(arena: &mut [u8], first: usize, values: &[u8]) {
    let end = first.wrapping_add(bytes_of(values.len()));
    let Some(bytes) = arena.get_mut(first..end) else {
        return;
    };
    let (pairs, rest) = values.as_chunks::<2>();
    for ([low, high], byte) in pairs.iter().zip(&mut *bytes) {
        *byte = low | high << 4;
    }
    if let ([value], Some(byte)) = (rest, bytes.last_mut()) {
        *byte = (*byte & 0xF0) | value;
    }
}

/// Stores one value of `BITS` bits; the other nibble of its byte stays.
#[inline(always)]
pub fn store_one<const BITS: u32>(arena: &mut [u8], cell: usize, value: u8) {
    if BITS == 8 {
        if let Some(byte) = arena.get_mut(cell) {
            *byte = value;
        }
    } else if let Some(byte) = arena.get_mut(cell >> 1) {
        *byte = if cell & 1 == 0 {
            (*byte & 0xF0) | value
        } else {
            (*byte & 0x0F) | value << 4
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nibbles_keep_their_neighbours() {
        for cell in 0..4 {
            let mut arena = [0xAA; 5];
            store::<4, false, 5>(&mut arena, cell, [1, 2, 3, 4, 5]);
            assert_eq!(load::<4, false, 5>(&arena, cell), [1, 2, 3, 4, 5]);
            for other in (0..10).filter(|other| !(cell..cell + 5).contains(other)) {
                assert_eq!(
                    load_one::<4>(&arena, other),
                    0xA,
                    "cell {other}, pixel at {cell}"
                );
            }
        }
    }

    #[test]
    fn aligned_pixels_are_the_same_cells() {
        let mut arena = [0; 4];
        store::<4, true, 4>(&mut arena, 2, [9, 8, 7, 6]);
        assert_eq!(arena, [0, 0x89, 0x67, 0]);
        assert_eq!(
            load::<4, false, 4>(&arena, 2),
            load::<4, true, 4>(&arena, 2)
        );
    }

    #[test]
    fn signed_values_fill_their_bits() {
        assert_eq!(signed::<4, 3>([0x8, 0xF, 0x7]), [-8, -1, 7]);
        assert_eq!(signed::<8, 3>([0x80, 0xFF, 0x7F]), [-128, -1, 127]);
    }
}
