//! What functions are made of.

use crate::backend::avr::isa::instruction::{CodeLabel, Instruction};

/// What instructions are for, in the numbers of `.debug_herringbone`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Loops, calls.
    Other = 0,
    /// Finding and unpacking activations.
    Load = 1,
    /// Multiples, products and sums.
    MultiplyAccumulate = 2,
    /// From sums to activations.
    Requantise = 3,
    /// Packing and storing activations.
    Store = 4,
    /// Pooling, that of the raw input too.
    Pool = 5,
}

/// What a function is made of.
#[derive(Clone, Debug)]
pub(crate) enum ListingItem {
    Instruction(Instruction),
    Label(CodeLabel),
    Purpose(Purpose),
    /// A table; an even count of bytes.
    Bytes(CodeLabel, Vec<u8>),
    /// A table that is in the first 64 KB of flash.
    NearBytes(CodeLabel, Vec<u8>),
}
