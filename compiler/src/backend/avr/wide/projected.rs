//! The sums of a projection, and the bytes that they take.

use crate::network::Element;
use crate::program::{Finish, WeightedSum};

/// `Σ w·x + bias`, shifted down with halves going up, as the nearest value of 16 bits.
#[derive(Clone, Copy)]
pub(super) struct ProjectedSums<'a> {
    /// Of each value, one an output.
    pub(super) weights: &'a [i8],
    pub(super) biases: &'a [i32],
    pub(super) outputs: u32,
    /// Whether values are two's complement.
    pub(super) signed: bool,
    /// Bits that sums are shifted down by.
    pub(super) right: u32,
}

impl<'a> ProjectedSums<'a> {
    pub(super) fn of(sum: &'a WeightedSum, signed: bool) -> Option<Self> {
        let constants = sum.parameters.constant()?;
        let is_projection = sum.reads == Element::Activation
            && sum.finish == Finish::Wide
            && !sum.adds
            && constants.left == 0;
        is_projection.then_some(Self {
            weights: &constants.weights,
            biases: &constants.biases,
            outputs: sum.outputs,
            signed,
            right: constants.right,
        })
    }

    /// Of each value, its weights.
    pub(super) fn rows(&self) -> impl Iterator<Item = &'a [i8]> + use<'a> {
        self.weights.chunks(self.outputs as usize)
    }

    /// Bytes that hold every sum with its bias, two at least.
    pub(super) fn bytes(&self) -> u32 {
        let (least, most) = match self.signed {
            true => (-128, 127),
            false => (0, 255),
        };
        let mut ranges: Vec<[i64; 2]> = self.biases.iter().map(|&bias| [bias.into(); 2]).collect();
        for row in self.rows() {
            for ([low, high], &weight) in ranges.iter_mut().zip(row) {
                let ends = [least, most].map(|value: i64| value * i64::from(weight));
                *low += ends[0].min(ends[1]);
                *high += ends[0].max(ends[1]);
            }
        }
        let holds = |bytes: u32| {
            let half = 1i64 << (8 * bytes - 1);
            let mut ranges = ranges.iter();
            ranges.all(|&[low, high]| -half <= low && high < half)
        };
        (2..4).find(|&bytes| holds(bytes)).unwrap_or(4)
    }
}
