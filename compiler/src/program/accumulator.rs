//! The integers that sums are kept in.

use super::proof::ValueRange;
use crate::network::Bits;
use std::fmt;

/// The integer that a layer's sums are kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Accumulator {
    /// 16 bits, two's complement.
    I16,
    /// 32 bits, two's complement.
    I32,
}

impl Accumulator {
    /// Of weights that are only known at run time: 16 bits where weights have at
    /// most 4 bits and activations 4, else 32.
    pub const fn at_run_time(bits: Bits) -> Self {
        if bits.weights <= 4 && bits.activations == 4 {
            Accumulator::I16
        } else {
            Accumulator::I32
        }
    }

    pub const fn bytes(self) -> u32 {
        match self {
            Accumulator::I16 => 2,
            Accumulator::I32 => 4,
        }
    }

    /// The narrowest that holds all of those values.
    pub(super) fn holding(range: ValueRange) -> Option<Self> {
        match range.bytes() {
            1 | 2 => Some(Self::I16),
            3 | 4 => Some(Self::I32),
            _ => None,
        }
    }
}

impl fmt::Display for Accumulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Accumulator::I16 => "i16",
            Accumulator::I32 => "i32",
        })
    }
}
