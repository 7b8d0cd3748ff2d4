//! The integers of a weights file, checked against the network they belong to.

mod error;
mod expected;
mod metadata;
mod read;
mod value;

pub use error::WeightsError;
pub use expected::{ExpectedTensor, Role, expected_tensors};
pub use metadata::{Metadata, Normalisation, Scale, canonical, written_bits};
pub use read::{load, read};
pub use value::{PathPart, WeightsPath, WeightsValue};

use crate::network::LayerId;

/// How far a sum is shifted before the bias is added and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    /// Bits to the left, before the bias.
    pub left: u8,
    /// Bits to the right, rounded half to even, after the bias.
    pub right: u8,
}

/// The parameters of one weighted sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// In the file's order: `[out, rows, columns, in]` for a convolution, `[out, in]`
    /// for a dense or pointwise layer, `[rows, columns, in]` for a depthwise one.
    pub weight: Vec<i8>,
    /// One an output.
    pub bias: Vec<i16>,
    /// Shared by all outputs.
    pub shift: Shift,
}

/// The parameters of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayerParameters {
    /// Of a layer without weights.
    None,
    /// Of `C1` and `D`.
    Single(Parameters),
    /// Of `C2`.
    Separable {
        /// Of the depthwise half.
        depthwise: Parameters,
        /// Of the pointwise half.
        pointwise: Parameters,
    },
}

impl LayerParameters {
    /// How many weights are not 0.
    pub fn nonzero(&self) -> u64 {
        let of = |sum: &Parameters| sum.weight.iter().filter(|&&weight| weight != 0).count() as u64;
        match self {
            LayerParameters::None => 0,
            LayerParameters::Single(sum) => of(sum),
            LayerParameters::Separable {
                depthwise,
                pointwise,
            } => of(depthwise) + of(pointwise),
        }
    }
}

/// The parameters of every layer of a network, each value within its bits and
/// each tensor of the right length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    layers: Vec<LayerParameters>,
}

impl Weights {
    /// Weights from one entry a layer of the declaration.
    pub(crate) fn new(layers: Vec<LayerParameters>) -> Self {
        Self { layers }
    }

    /// The parameters of that layer.
    pub fn layer(&self, id: LayerId) -> &LayerParameters {
        &self.layers[id.0]
    }
}
