//! What is emitted of a layer: geometry, weights and places as numbers.

use super::stream::Rounding;
use crate::network::NodeId;
use crate::program::ConstantParameters;

/// A map as it is stored: row by row without a gap, channels last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredMap {
    pub(crate) first_cell: u32,
    pub(crate) height: u32,
    pub(crate) width: u32,
    pub(crate) channels: u32,
}

impl StoredMap {
    /// Cells of a row.
    pub(crate) fn row_cells(&self) -> u32 {
        self.width * self.channels
    }

    /// Cells of all of it.
    pub(crate) fn cells(&self) -> u32 {
        self.height * self.row_cells()
    }
}

/// The weights of a sum with what is left out of it.
#[derive(Clone, Debug)]
pub(crate) struct Weights {
    /// `[row][output]`.
    factors: Vec<i32>,
    pub(crate) outputs: usize,
    /// What a sum begins with.
    pub(crate) biases: Vec<i32>,
    /// Whether a sum can be in the middle between two activations.
    pub(crate) ties: Vec<bool>,
    /// Of the sum, to an activation.
    pub(crate) right: u8,
}

impl Weights {
    /// `left` goes into the biases, as far as `right` allows: of
    /// `t = (s << left) + b` only bits that rounding looks at are kept, and where any of
    /// the others is set, `t` is no tie.
    pub(crate) fn new(constants: &ConstantParameters, outputs: u32, rounds: bool) -> Self {
        let left = constants.left;
        let right = constants.right;
        let dropped = match rounds {
            true => left.min(right.saturating_sub(1)),
            false => 0,
        };
        let weights = constants.weights.iter();
        Self {
            factors: weights
                .map(|&weight| i32::from(weight) << (left - dropped))
                .collect(),
            outputs: outputs as usize,
            biases: constants
                .biases
                .iter()
                .map(|&bias| bias >> dropped)
                .collect(),
            ties: constants
                .biases
                .iter()
                .map(|&bias| bias & ((1 << dropped) - 1) == 0)
                .collect(),
            right: (right - dropped) as u8,
        }
    }

    /// Values that are read, each with a row of weights.
    pub(crate) fn rows(&self) -> usize {
        self.factors.len() / self.outputs
    }

    /// The factor of a value of that row in a sum.
    pub(crate) fn factor(&self, row: usize, output: usize) -> i32 {
        self.factors[row * self.outputs + output]
    }
}

/// A convolution, and the pooling after it.
#[derive(Clone, Debug)]
pub(crate) struct Convolution {
    pub(crate) node: NodeId,
    pub(crate) weights: Weights,
    pub(crate) input: StoredMap,
    /// Outputs of the convolution that are computed.
    pub(crate) computed: (u32, u32),
    /// Where they go, or the largest of each window.
    pub(crate) output: StoredMap,
    pub(crate) kernel: (u32, u32),
    pub(crate) stride: (u32, u32),
    /// Rows above and columns left of the map.
    pub(crate) padding: (u32, u32),
    /// Rows of a window of the pooling, which is two columns wide.
    pub(crate) pooled: Option<(NodeId, u32)>,
    /// From the last row and column on.
    pub(crate) backward: bool,
    /// Pixels that are computed at once, in the lanes of a register.
    pub(crate) lanes: u32,
    pub(crate) bits: u32,
}

impl Convolution {
    pub(crate) fn rounding(&self) -> Rounding {
        Rounding {
            right: self.weights.right,
            bits: self.bits,
        }
    }
}

/// A sum over a whole map.
#[derive(Clone, Debug)]
pub(crate) struct Dense {
    pub(crate) node: NodeId,
    pub(crate) weights: Weights,
    pub(crate) input: StoredMap,
    pub(crate) bits: u32,
    pub(crate) outputs: DenseOutputs,
}

/// Where the outputs of a dense layer go.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DenseOutputs {
    /// As activations from that cell on.
    Map(u32),
    /// As they are, of that many bytes each, to the results.
    Results(u32),
}

/// A layer.
#[derive(Clone, Debug)]
pub(crate) enum Layer {
    Convolution(Convolution),
    Dense(Dense),
}
