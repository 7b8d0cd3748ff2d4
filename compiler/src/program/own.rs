//! The parameters of operations that are more than weighted sums, as bytes: one layout for
//! tables in flash and for those that are loaded at run time. Integers are little-endian,
//! matrices are rows of weights as [`pack_row`] packs them.

use super::{pack_row, packed_row_bytes, unpack_row};

/// Where an operation's own parameters are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnPlace<T> {
    /// Known to the compiler.
    Constant(T),
    /// From that byte on, of those that are loaded at run time.
    Runtime(u32),
}

impl<T> OwnPlace<T> {
    /// Those that the compiler knows.
    pub fn constant(&self) -> Option<&T> {
        match self {
            OwnPlace::Constant(parameters) => Some(parameters),
            OwnPlace::Runtime(_) => None,
        }
    }

    /// The first byte of those that are loaded.
    pub fn loaded(&self) -> Option<&u32> {
        match self {
            OwnPlace::Constant(_) => None,
            OwnPlace::Runtime(byte) => Some(byte),
        }
    }

    /// The same, where they are known.
    ///
    /// # Panics
    /// Where they come at run time.
    pub fn known(&self) -> &T {
        self.constant().expect("the parameters are put in before")
    }
}

/// A matrix among an operation's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// The first byte of its first row.
    pub first_byte: u32,
    /// Rows: one a sum.
    pub rows: u32,
    /// Weights of a row: one a value.
    pub columns: u32,
    /// Bytes from a row to the next.
    pub row_bytes: u32,
}

/// Hands out an operation's bytes.
pub(super) struct Bytes {
    weight_bits: u32,
    /// How many are handed out.
    pub(super) count: u32,
}

impl Bytes {
    pub(super) fn new(weight_bits: u32) -> Self {
        Self {
            weight_bits,
            count: 0,
        }
    }

    /// The first of that many.
    pub(super) fn take(&mut self, bytes: u32) -> u32 {
        let first = self.count;
        self.count = first.saturating_add(bytes);
        first
    }

    pub(super) fn matrix(&mut self, rows: u32, columns: u32) -> Matrix {
        let row_bytes = packed_row_bytes(columns, self.weight_bits);
        Matrix {
            first_byte: self.take(rows.saturating_mul(row_bytes)),
            rows,
            columns,
            row_bytes,
        }
    }
}

impl Matrix {
    pub(super) fn pack(&self, weights: &[i8], weight_bits: u32, bytes: &mut Vec<u8>) {
        for row in weights.chunks(self.columns as usize) {
            bytes.extend(pack_row(row, weight_bits));
        }
    }

    pub(super) fn unpack(&self, bytes: &[u8], weight_bits: u32) -> Vec<i8> {
        let row = |row: u32| {
            let first = (self.first_byte + row * self.row_bytes) as usize;
            let packed = &bytes[first..first + self.row_bytes as usize];
            unpack_row(packed, self.columns, weight_bits)
        };
        (0..self.rows).flat_map(row).collect()
    }
}

/// The 16 bits of the entry of an array that begins there.
pub(super) fn word(bytes: &[u8], first: u32, index: u32) -> i16 {
    let first = (first + 2 * index) as usize;
    i16::from_le_bytes([bytes[first], bytes[first + 1]])
}
