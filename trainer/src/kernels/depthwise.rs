//! Depthwise convolutions: a kernel a channel.

use pulp::{Simd, with_simd};

use super::{EXAMPLES, Extent, MapShape, map_blocks, sum_over_blocks};

/// A pair of pixels that a tap connects.
struct Connection {
    /// Where they begin in the blocks of the input and of the output.
    input: usize,
    output: usize,
    tap: usize,
}

/// All of them, output by output.
fn connections(
    input: MapShape,
    output: MapShape,
    kernel: Extent,
) -> impl Iterator<Item = Connection> {
    let rows = (0..output.height).flat_map(move |row| (0..output.width).map(move |it| (row, it)));
    rows.flat_map(move |(row, column)| {
        (0..kernel.taps()).map(move |tap| Connection {
            input: input.at(row + tap / kernel.width, column + tap % kernel.width),
            output: output.at(row, column),
            tap,
        })
    })
}

/// `to` += `from` × `weights`, channel by channel.
#[inline(always)]
fn add_products(to: &mut [f32], from: &[f32], weights: &[f32]) {
    let to = to.as_chunks_mut::<EXAMPLES>().0;
    let from = from.as_chunks::<EXAMPLES>().0;
    for ((to, from), &weight) in to.iter_mut().zip(from).zip(weights) {
        for (to, &from) in to.iter_mut().zip(from) {
            *to += from * weight;
        }
    }
}

/// Each channel's sum over its kernel. `weights`: `[row][column][channel]`.
pub(crate) fn depthwise(
    input: &[f32],
    input_shape: MapShape,
    weights: &[f32],
    kernel: Extent,
) -> Vec<f32> {
    let shape = input_shape.convolved(kernel, input_shape.channels);
    map_blocks(
        input,
        input_shape.block(),
        shape.block(),
        |input, output| {
            convolve_block(input, input_shape, weights, kernel, output);
        },
    )
}

#[with_simd(convolve_block = pulp::Arch::new())]
#[inline(always)]
fn convolve_block_with_simd<'a, S: Simd>(
    _: S,
    input: &'a [f32],
    input_shape: MapShape,
    weights: &'a [f32],
    kernel: Extent,
    output: &'a mut [f32],
) {
    let shape = input_shape.convolved(kernel, input_shape.channels);
    for at in connections(input_shape, shape, kernel) {
        add_products(
            &mut output[at.output..at.output + shape.pixel()],
            &input[at.input..at.input + shape.pixel()],
            &weights[at.tap * shape.channels..][..shape.channels],
        );
    }
}

/// How the loss changes with each input.
pub(crate) fn depthwise_input_gradient(
    gradient: &[f32],
    input_shape: MapShape,
    weights: &[f32],
    kernel: Extent,
) -> Vec<f32> {
    let shape = input_shape.convolved(kernel, input_shape.channels);
    map_blocks(
        gradient,
        shape.block(),
        input_shape.block(),
        |gradient, of_input| {
            input_gradient_block(gradient, input_shape, weights, kernel, of_input);
        },
    )
}

#[with_simd(input_gradient_block = pulp::Arch::new())]
#[inline(always)]
fn input_gradient_block_with_simd<'a, S: Simd>(
    _: S,
    gradient: &'a [f32],
    input_shape: MapShape,
    weights: &'a [f32],
    kernel: Extent,
    of_input: &'a mut [f32],
) {
    let shape = input_shape.convolved(kernel, input_shape.channels);
    for at in connections(input_shape, shape, kernel) {
        add_products(
            &mut of_input[at.input..at.input + shape.pixel()],
            &gradient[at.output..at.output + shape.pixel()],
            &weights[at.tap * shape.channels..][..shape.channels],
        );
    }
}

/// How the loss changes with each weight: `[row][column][channel]`.
pub(crate) fn depthwise_weight_gradient(
    input: &[f32],
    input_shape: MapShape,
    gradient: &[f32],
    kernel: Extent,
) -> Vec<f32> {
    let shape = input_shape.convolved(kernel, input_shape.channels);
    let blocks = input.len() / input_shape.block();
    let sums = kernel.taps() * shape.channels;
    sum_over_blocks(blocks, sums, |index, sums| {
        let input = &input[index * input_shape.block()..][..input_shape.block()];
        let gradient = &gradient[index * shape.block()..][..shape.block()];
        weight_gradient_block(input, input_shape, gradient, kernel, sums);
    })
}

#[with_simd(weight_gradient_block = pulp::Arch::new())]
#[inline(always)]
fn weight_gradient_block_with_simd<'a, S: Simd>(
    _: S,
    input: &'a [f32],
    input_shape: MapShape,
    gradient: &'a [f32],
    kernel: Extent,
    sums: &'a mut [f32],
) {
    let shape = input_shape.convolved(kernel, input_shape.channels);
    for at in connections(input_shape, shape, kernel) {
        let sums = &mut sums[at.tap * shape.pixel()..][..shape.pixel()];
        let input = &input[at.input..at.input + shape.pixel()];
        let gradient = &gradient[at.output..at.output + shape.pixel()];
        for ((sum, &input), &gradient) in sums.iter_mut().zip(input).zip(gradient) {
            *sum += input * gradient;
        }
    }
}
