//! What an inference returns.

use super::Accumulator;

/// What an inference returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Results {
    /// How many values.
    pub count: u32,
    /// Of which type.
    pub integer: ResultInteger,
    /// A byte of the arena from which on it has room for all of them beside the
    /// map that they are computed from; or where a stage keeps them. `None` where
    /// they take bytes of their own after the arena.
    pub place_byte: Option<u32>,
}

/// The type of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultInteger {
    /// Of a model: a byte, as it is stored.
    Byte,
    /// Of a network: its sums or activations.
    Sum(Accumulator),
}

impl Results {
    /// The integer of a network's results.
    ///
    /// # Panics
    /// Of a model, whose results are bytes.
    pub fn accumulator(&self) -> Accumulator {
        match self.integer {
            ResultInteger::Sum(accumulator) => accumulator,
            ResultInteger::Byte => unreachable!("only models give bytes"),
        }
    }
}

impl ResultInteger {
    /// Bytes of a result.
    pub const fn bytes(self) -> u32 {
        match self {
            Self::Byte => 1,
            Self::Sum(accumulator) => accumulator.bytes(),
        }
    }
}
