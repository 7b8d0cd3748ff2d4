//! Why there is no machine code of a program.

use crate::network::NodeId;
use std::fmt;

/// Why a program is left to portable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There are no weights yet.
    NoWeights,
    /// Layers are computed as the input arrives that cannot be row by row, or some together.
    Streamed,
    /// A map is stored in another order than row by row, or around the arena's end.
    Order,
    /// An operation that there is no kernel for.
    Operation(NodeId),
    /// The results are bytes of a model, or sums that a layer keeps.
    Results,
    /// A leading average whose windows overlap, leave bytes out, or have too many for its sums.
    Intake,
    /// Inputs of more than 255 rows or columns.
    LargeInput,
    /// An average over more values than a product of 32 bits divides by.
    Pooling(NodeId),
    /// Rows that the stack does not hold.
    Rows(NodeId),
    /// Constants that are too large for 32 bits.
    Shift(NodeId),
    /// The flash does not hold the code.
    Flash,
    /// The SRAM does not hold the rows on the stack.
    Sram,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoWeights => write!(f, "there are no weights yet"),
            Self::Streamed => write!(f, "layers are computed pixel by pixel"),
            Self::Order => write!(f, "a map is not stored row by row"),
            Self::Operation(node) => write!(f, "node {node} has no kernel"),
            Self::Results => write!(f, "the results are neither sums nor a map of activations"),
            Self::Intake => write!(
                f,
                "windows of the leading `A` overlap, leave bytes out, or have more than 257 bytes"
            ),
            Self::LargeInput => write!(f, "the input has more than 255 rows or columns"),
            Self::Pooling(node) => write!(
                f,
                "node {node} is an average of more values than a word divides by"
            ),
            Self::Rows(node) => {
                write!(f, "the stack does not hold the rows that node {node} reads")
            }
            Self::Flash => write!(f, "the flash does not hold the code"),
            Self::Sram => write!(f, "the SRAM does not hold the rows on the stack"),
            Self::Shift(node) => write!(f, "node {node} shifts beyond 32 bits"),
        }
    }
}
