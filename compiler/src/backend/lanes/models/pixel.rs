//! What a pixel of an 8-bit layer's outputs is made of.

use super::layers::KnownScales;
use crate::backend::PixelValues;
use crate::network::NodeId;
use crate::program::{
    ByteScales, Operation, Quantised, QuantisedKernel, RescaledSum, SumParameters,
};
use std::ops::Range;

/// Values of a tap up to which all taps are put one after the other before the sums.
const MOST_GATHERED: u32 = 4;

/// The most weights that are looked at as instructions.
const MOST_WEIGHTS: usize = 100_000;

/// Which values a sum takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All of them.
    All,
    /// Those of its own channel.
    OwnChannel,
}

/// The sums of a pixel, and how they become bytes. A value `x` is taken as `x + 128`.
#[derive(Clone, Debug)]
pub struct PixelSums {
    /// The layer.
    pub node: NodeId,
    /// Which values a sum takes.
    pub reach: Reach,
    /// Where the values are.
    pub values: PixelValues,
    /// Values that are one after the other.
    pub values_of_piece: u32,
    /// Sums.
    pub outputs: u32,
    /// By value and output; where a sum takes those of its channel, by tap and channel.
    pub weights: Vec<i8>,
    /// From sums to bytes.
    pub scales: ByteScales,
}

impl PixelSums {
    /// Of an operator, if there is code for it. `Dense` reads a whole map, which has to lie in one
    /// piece.
    pub(super) fn of(
        (node, operation): (NodeId, &Operation),
        in_one_piece: bool,
        known: &mut KnownScales,
    ) -> Option<Self> {
        let Quantised { kernel, .. } = operation.quantised()?;
        // Values of a tap.
        let (sum, reach, values) = match kernel {
            QuantisedKernel::Convolution(sum) => (sum, Reach::All, sum.products.inputs),
            QuantisedKernel::Depthwise { sum, multiplier: 1 } => {
                (sum, Reach::OwnChannel, sum.products.outputs)
            }
            // Of a single channel, which all outputs take.
            QuantisedKernel::Depthwise { sum, multiplier }
                if sum.products.outputs == *multiplier =>
            {
                (sum, Reach::All, 1)
            }
            QuantisedKernel::Dense(sum) if in_one_piece => (sum, Reach::All, sum.products.inputs),
            QuantisedKernel::Depthwise { .. }
            | QuantisedKernel::Dense(_)
            | QuantisedKernel::Pool { .. }
            | QuantisedKernel::Pixel { .. }
            | QuantisedKernel::Concat(_) => return None,
        };
        let scales = known.of(node, sum)?;
        Some(Self::with_scales(node, (sum, reach, values), scales))
    }

    fn with_scales(
        node: NodeId,
        (sum, reach, values): (&RescaledSum, Reach, u32),
        scales: ByteScales,
    ) -> Self {
        let SumParameters::Constant(constants) = &sum.products.parameters else {
            unreachable!("a model's weights are constants")
        };
        let outputs = sum.products.outputs;
        let mut sums = Self {
            node,
            reach,
            values: PixelValues::Together,
            values_of_piece: values,
            outputs,
            weights: constants.weights.to_vec(),
            scales,
        };
        let of_a_tap = match reach {
            Reach::All => values * outputs,
            Reach::OwnChannel => outputs,
        };
        let taps = sums.products() / of_a_tap;
        if reach == Reach::All && (taps == 1 || values <= MOST_GATHERED) {
            sums.values_of_piece *= taps;
            return sums;
        }
        let of_tap =
            |tap: u32| &constants.weights[(tap * of_a_tap) as usize..][..of_a_tap as usize];
        let matters = |tap: &u32| of_tap(*tap).iter().any(|&weight| weight != 0);
        let mut pieces: Vec<u32> = (0..taps).filter(matters).collect();
        if pieces.is_empty() {
            pieces.push(0);
        }
        let weights = pieces.iter().flat_map(|&tap| of_tap(tap));
        sums.weights = weights.copied().collect();
        sums.values = match (&pieces[..], reach) {
            (&[tap], Reach::All) => PixelValues::OfOneTap(tap),
            _ => PixelValues::ByAddress(pieces),
        };
        sums
    }

    /// Whether weights can be instructions: not where each is used once alone.
    pub(super) fn can_be_unrolled(&self) -> bool {
        self.reach == Reach::All && self.weights.len() <= MOST_WEIGHTS
    }

    /// Multiply-accumulates.
    #[must_use]
    pub fn products(&self) -> u32 {
        self.weights.len() as u32
    }

    /// Rows of weights.
    pub(super) fn rows(&self) -> u32 {
        self.weights.len() as u32 / self.outputs
    }

    pub(super) fn weight(&self, row: u32, output: u32) -> i32 {
        self.weights[(row * self.outputs + output) as usize].into()
    }
}

/// Some outputs that are computed at once, the next ones after them, and so on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) first: u32,
    pub(super) each: u32,
    pub(super) times: u32,
}

impl Block {
    /// All outputs, at most that many at once.
    pub(super) fn all(outputs: u32, most: u32) -> Vec<Self> {
        let each = outputs.div_ceil(outputs.div_ceil(most));
        let times = outputs / each;
        let block = Self {
            first: 0,
            each,
            times,
        };
        let rest = Self {
            first: each * times,
            each: outputs % each,
            times: 1,
        };
        let blocks = [block, rest].into_iter();
        blocks.filter(|block| block.each > 0).collect()
    }

    /// The outputs of each time.
    pub(super) fn passes(self) -> impl Iterator<Item = Range<u32>> {
        (0..self.times).map(move |pass| {
            let first = self.first + pass * self.each;
            first..first + self.each
        })
    }
}
