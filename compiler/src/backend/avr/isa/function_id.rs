//! The names of functions.

use crate::network::NodeId;
use std::fmt;

/// What a function is for; shown as its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionId {
    /// Takes a byte of the input in.
    Absorb,
    /// Takes a pixel into a window of that streamed pooling.
    Take(NodeId),
    /// Computes the results from a complete input.
    Infer,
    /// Computes that layer's outputs; of a streamed one, the next.
    Layer(NodeId),
    /// The upper half of a product, for what is left to the caller.
    High,
    /// Runs the segment that is that job, over maps that are complete.
    Segment(usize),
}

impl fmt::Display for FunctionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absorb => f.write_str("absorb"),
            Self::Take(layer) => write!(f, "take_{}", layer.index()),
            Self::High => f.write_str("high"),
            Self::Infer => f.write_str("infer"),
            Self::Layer(layer) => write!(f, "layer_{}", layer.index()),
            Self::Segment(job) => write!(f, "segment_{job}"),
        }
    }
}
