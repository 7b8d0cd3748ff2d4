//! What an operation makes of the values that it reads.

use super::arithmetic::{accumulate, finish, with_bias};
use crate::program::{ConstantParameters, Operation, SumParameters, WeightedSum};

/// Every channel of one output pixel, from the channels of each tap.
pub(super) fn output_pixel(operation: &Operation, taps: &[Vec<i64>], bits: u32) -> Vec<i64> {
    let channels = || 0..taps[0].len();
    let of_channel = |channel: usize| taps.iter().map(move |tap| tap[channel]);
    match operation {
        Operation::Convolution(sum) | Operation::Dense(sum) => convolve(sum, taps, bits),
        Operation::Separable {
            depthwise,
            pointwise,
        } => {
            let between = channels()
                .map(|channel| output_of(depthwise, channel, of_channel(channel), bits))
                .collect();
            convolve(pointwise, &[between], bits)
        }
        Operation::AveragePool { shift } => channels()
            .map(|channel| of_channel(channel).sum::<i64>() >> shift)
            .collect(),
        Operation::MaxPool => channels()
            .map(|channel| of_channel(channel).max().unwrap_or_default())
            .collect(),
    }
}

/// Weighted sums over all taps and channels.
fn convolve(sum: &WeightedSum, taps: &[Vec<i64>], bits: u32) -> Vec<i64> {
    (0..sum.outputs as usize)
        .map(|output| output_of(sum, output, taps.iter().flatten().copied(), bits))
        .collect()
}

/// One output of a sum over `values`, one for each row of weights.
pub(super) fn output_of(
    sum: &WeightedSum,
    output: usize,
    values: impl Iterator<Item = i64>,
    bits: u32,
) -> i64 {
    let constants = constants(sum);
    let weights = constants.weights[output..].iter();
    let products = values.zip(weights.step_by(sum.outputs as usize));
    let total = accumulate(sum.accumulator, 0, products);
    finished(sum, output, total, bits)
}

/// What becomes of `Σ w·x`.
pub(super) fn finished(sum: &WeightedSum, output: usize, total: i64, bits: u32) -> i64 {
    let constants = constants(sum);
    let total = with_bias(sum.accumulator, constants, output, total);
    finish(sum.finish, total, constants.right, bits)
}

pub(super) fn constants(sum: &WeightedSum) -> &ConstantParameters {
    match &sum.parameters {
        SumParameters::Constant(constants) => constants,
        SumParameters::Runtime(_) => unreachable!("the parameters are put in before the run"),
    }
}
