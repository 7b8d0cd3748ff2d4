//! What an operation makes of the values that it reads.

use super::arithmetic::{accumulate, finish, with_added, with_bias};
use super::{quantised, scores};
use crate::program::{ConstantParameters, Divisor, Operation, Pooling, SumParameters, WeightedSum};

/// Every channel of one output pixel, from the channels of each tap and of the
/// joined maps; of the taps, how many are inside of the map.
pub(super) fn output_pixel(
    operation: &Operation,
    (taps, inside): (&[Vec<i64>], usize),
    joined: &[Vec<i64>],
    bits: u32,
) -> Vec<i64> {
    let channels = || 0..taps[0].len();
    let of_channel = |channel: usize| taps.iter().map(move |tap| tap[channel]);
    let depthwise = |sum: &WeightedSum, joined: Option<&Vec<i64>>| -> Vec<i64> {
        channels()
            .map(|channel| {
                let added = joined.map_or(0, |joined| joined[channel]);
                output_of(sum, channel, of_channel(channel), added, bits)
            })
            .collect()
    };
    let added = joined.first();
    match operation {
        Operation::Convolution(sum) | Operation::Dense(sum) => convolve(sum, taps, added, bits),
        Operation::Depthwise(sum) => depthwise(sum, added),
        Operation::Separable {
            depthwise: first,
            pointwise,
        } => convolve(pointwise, &[depthwise(first, None)], added, bits),
        Operation::Pool(Pooling::Average(divisor)) => channels()
            .map(|channel| average(of_channel(channel).sum::<i64>(), *divisor))
            .collect(),
        Operation::Pool(Pooling::Maximum) => channels()
            .map(|channel| of_channel(channel).max().unwrap_or_default())
            .collect(),
        Operation::Concat => {
            let all = taps.iter().chain(joined).flatten();
            all.copied().collect()
        }
        Operation::Tree(tree) => scores::of_tree(tree, &taps.concat()),
        Operation::Prototypes(it) => scores::of_prototypes(it, &taps.concat()),
        Operation::Recurrent(_) => unreachable!("it takes its input in"),
        Operation::Quantised(it) => quantised::output_pixel(it, taps, inside, joined),
        Operation::Rearrange(_) => unreachable!("it moves values of whole maps"),
    }
}

/// One output of a dense layer, of values in the order in which they are stored.
pub(super) fn dense(
    operation: &Operation,
    output: usize,
    values: Vec<i64>,
    added: i64,
    bits: u32,
) -> i64 {
    let sums = operation.sums().next();
    let sum = sums.expect("a dense layer has a sum");
    let total = products(sum, output, values.into_iter());
    of_sum(operation, sum, output, total, added, bits)
}

/// What becomes of a dense layer's `Σ w·x`.
pub(super) fn of_sum(
    operation: &Operation,
    sum: &WeightedSum,
    output: usize,
    total: i64,
    added: i64,
    bits: u32,
) -> i64 {
    match operation {
        Operation::Quantised(it) => quantised::of_sum(it, output, total),
        Operation::Convolution(_)
        | Operation::Depthwise(_)
        | Operation::Separable { .. }
        | Operation::Dense(_)
        | Operation::Pool(_)
        | Operation::Concat
        | Operation::Recurrent(_)
        | Operation::Tree(_)
        | Operation::Prototypes(_)
        | Operation::Rearrange(_) => finished(sum, output, total, added, bits),
    }
}

/// What becomes of the values that a window has taken in.
pub(super) fn of_window(operation: &Operation, kept: i64) -> i64 {
    match operation {
        Operation::Quantised(it) => quantised::of_whole_window(it, kept),
        Operation::Pool(Pooling::Average(divisor)) => average(kept, *divisor),
        Operation::Pool(Pooling::Maximum) => kept,
        Operation::Convolution(_)
        | Operation::Depthwise(_)
        | Operation::Separable { .. }
        | Operation::Dense(_)
        | Operation::Concat
        | Operation::Recurrent(_)
        | Operation::Tree(_)
        | Operation::Prototypes(_)
        | Operation::Rearrange(_) => unreachable!("only poolings keep windows"),
    }
}

/// A sum divided and rounded down.
pub(super) fn average(sum: i64, divisor: Divisor) -> i64 {
    sum.div_euclid(divisor.0.into())
}

/// Weighted sums over all taps and channels.
fn convolve(sum: &WeightedSum, taps: &[Vec<i64>], added: Option<&Vec<i64>>, bits: u32) -> Vec<i64> {
    (0..sum.outputs as usize)
        .map(|output| {
            let added = added.map_or(0, |added| added[output]);
            output_of(sum, output, taps.iter().flatten().copied(), added, bits)
        })
        .collect()
}

/// One output of a sum over `values`, one for each row of weights.
pub(super) fn output_of(
    sum: &WeightedSum,
    output: usize,
    values: impl Iterator<Item = i64>,
    added: i64,
    bits: u32,
) -> i64 {
    let total = products(sum, output, values);
    finished(sum, output, total, added, bits)
}

/// `Σ w·x` of an output, of a value for each row of weights.
pub(super) fn products(sum: &WeightedSum, output: usize, values: impl Iterator<Item = i64>) -> i64 {
    let weights = constants(sum).weights[output..].iter();
    let products = values.zip(weights.step_by(sum.outputs as usize));
    accumulate(sum.accumulator, 0, products)
}

/// What becomes of `Σ w·x`.
pub(super) fn finished(sum: &WeightedSum, output: usize, total: i64, added: i64, bits: u32) -> i64 {
    let constants = constants(sum);
    let total = with_bias(sum.accumulator, constants, output, total);
    let total = with_added(sum.accumulator, constants.skip, total, added);
    finish(sum.finish, total, constants.right, bits)
}

pub(super) fn constants(sum: &WeightedSum) -> &ConstantParameters {
    match &sum.parameters {
        SumParameters::Constant(constants) => constants,
        SumParameters::Runtime(_) => unreachable!("the parameters are put in before the run"),
    }
}
