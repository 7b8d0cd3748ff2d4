//! What operators of 8-bit models make of the values that they read.

use super::kernel::products;
use crate::program::{Operand, Pixelwise, PoolFinish, Pooling, Quantised, QuantisedKernel};
use herringbone_tflite::operators::PoolFunction;

/// Every channel of one output pixel, from the channels of each tap, `inside` of which are inside
/// of the map, and of the joined maps.
pub(super) fn output_pixel(
    operation: &Quantised,
    taps: &[Vec<i64>],
    inside: usize,
    joined: &[Vec<i64>],
) -> Vec<i64> {
    let all = || taps.iter().flatten().copied();
    let of_channel = |channel: usize| taps.iter().map(move |tap| tap[channel]);
    let pixel: Vec<i8> = match &operation.kernel {
        QuantisedKernel::Convolution(sum) | QuantisedKernel::Dense(sum) => {
            let outputs = 0..sum.biases.len();
            let byte = |output| sum.byte_of(output, products(&sum.products, output, all()) as i32);
            outputs.map(byte).collect()
        }
        QuantisedKernel::Depthwise { sum, multiplier } => {
            let outputs = 0..sum.biases.len();
            let byte = |output: usize| {
                let values = of_channel(output / *multiplier as usize);
                sum.byte_of(output, products(&sum.products, output, values) as i32)
            };
            outputs.map(byte).collect()
        }
        QuantisedKernel::Pool { pooling, finish } => (0..taps[0].len())
            .map(|channel| {
                let values = of_channel(channel);
                let kept = match pooling {
                    Pooling::Average(_) => values.sum(),
                    Pooling::Maximum => values.max().unwrap_or_default(),
                };
                of_window(*pooling, finish, kept, inside)
            })
            .collect(),
        QuantisedKernel::Pixel { .. } => taps[0].iter().map(|&value| value as i8).collect(),
        QuantisedKernel::Concat(parts) => {
            let running: Vec<i8> = taps[0].iter().map(|&value| value as i8).collect();
            let parts = parts.iter();
            parts
                .flat_map(|part| operand(part, &running, joined))
                .collect()
        }
    };
    let pixel = operation
        .followers
        .iter()
        .fold(pixel, |pixel, follower| pixelwise(follower, &pixel, joined));
    pixel.into_iter().map(i64::from).collect()
}

fn pixelwise(follower: &Pixelwise, pixel: &[i8], joined: &[Vec<i64>]) -> Vec<i8> {
    let pairs = |operands: &[Operand; 2]| {
        let [a, b] = operands.each_ref().map(|it| operand(it, pixel, joined));
        a.into_iter().zip(b)
    };
    match follower {
        Pixelwise::ByteMap(it) => {
            let mapped = pixel
                .iter()
                .map(|&value| it.table[usize::from(value as u8)]);
            mapped.map(|byte| byte as i8).collect()
        }
        Pixelwise::Addition(it, operands) => {
            pairs(operands).map(|(a, b)| it.of_pair(a, b)).collect()
        }
        Pixelwise::Multiplication(it, operands) => {
            pairs(operands).map(|(a, b)| it.of_pair(a, b)).collect()
        }
        Pixelwise::Softmax(it) => it.compute(pixel),
    }
}

fn operand(operand: &Operand, running: &[i8], joined: &[Vec<i64>]) -> Vec<i8> {
    match operand {
        Operand::Running => running.to_vec(),
        Operand::Joined(index) => joined[*index].iter().map(|&value| value as i8).collect(),
        Operand::Constant(values) => values.clone(),
    }
}

/// The byte of a dense layer's sum of products.
pub(super) fn of_sum(operation: &Quantised, output: usize, total: i64) -> i64 {
    let sum = operation.kernel.sum().expect("a dense layer has a sum");
    sum.byte_of(output, total as i32).into()
}

/// What becomes of the values that a window has taken in, every one of which is inside of the map.
pub(super) fn of_whole_window(operation: &Quantised, kept: i64) -> i64 {
    match &operation.kernel {
        QuantisedKernel::Pool { pooling, finish } => {
            let taps = match pooling {
                Pooling::Average(divisor) => divisor.0 as usize,
                Pooling::Maximum => 0,
            };
            of_window(*pooling, finish, kept, taps).into()
        }
        QuantisedKernel::Convolution(_)
        | QuantisedKernel::Depthwise { .. }
        | QuantisedKernel::Dense(_)
        | QuantisedKernel::Pixel { .. }
        | QuantisedKernel::Concat(_) => unreachable!("only poolings keep windows"),
    }
}

fn of_window(pooling: Pooling, finish: &PoolFinish, kept: i64, inside: usize) -> i8 {
    match (finish, pooling) {
        (PoolFinish::Mean(mean), _) => mean.of_sum(kept as i32),
        (PoolFinish::Within(range), Pooling::Average(_)) => {
            range.clamp(PoolFunction::average(kept as i32, inside as i32))
        }
        (PoolFinish::Within(range), Pooling::Maximum) => range.clamp(kept as i32),
    }
}
