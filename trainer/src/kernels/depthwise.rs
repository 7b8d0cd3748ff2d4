//! Depthwise convolutions: a kernel a channel.

use pulp::{Simd, with_simd};

use super::{EXAMPLES, Field, map_blocks, sum_over_blocks};

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
pub(crate) fn depthwise(input: &[f32], weights: &[f32], field: Field) -> Vec<f32> {
    let channels = weights.len() / field.taps();
    let (from, to) = (
        field.input(channels).block(),
        field.output(channels).block(),
    );
    map_blocks(input, from, to, |input, output| {
        convolve_block(input, weights, field, output);
    })
}

#[with_simd(convolve_block = pulp::Arch::new())]
#[inline(always)]
fn convolve_block_with_simd<'a, S: Simd>(
    _: S,
    input: &'a [f32],
    weights: &'a [f32],
    field: Field,
    output: &'a mut [f32],
) {
    let channels = weights.len() / field.taps();
    let pixel = channels * EXAMPLES;
    field.connect(channels, |at| {
        add_products(
            &mut output[at.output..at.output + pixel],
            &input[at.input..at.input + pixel],
            &weights[at.tap * channels..][..channels],
        );
    });
}

/// How the loss changes with each input.
pub(crate) fn depthwise_input_gradient(
    gradient: &[f32],
    weights: &[f32],
    field: Field,
) -> Vec<f32> {
    let channels = weights.len() / field.taps();
    let (from, to) = (
        field.output(channels).block(),
        field.input(channels).block(),
    );
    map_blocks(gradient, from, to, |gradient, of_input| {
        input_gradient_block(gradient, weights, field, of_input);
    })
}

#[with_simd(input_gradient_block = pulp::Arch::new())]
#[inline(always)]
fn input_gradient_block_with_simd<'a, S: Simd>(
    _: S,
    gradient: &'a [f32],
    weights: &'a [f32],
    field: Field,
    of_input: &'a mut [f32],
) {
    let channels = weights.len() / field.taps();
    let pixel = channels * EXAMPLES;
    field.connect(channels, |at| {
        add_products(
            &mut of_input[at.input..at.input + pixel],
            &gradient[at.output..at.output + pixel],
            &weights[at.tap * channels..][..channels],
        );
    });
}

/// How the loss changes with each weight: `[row][column][channel]`.
pub(crate) fn depthwise_weight_gradient(
    input: &[f32],
    gradient: &[f32],
    field: Field,
    channels: usize,
) -> Vec<f32> {
    let (from, to) = (
        field.input(channels).block(),
        field.output(channels).block(),
    );
    let blocks = input.len() / from;
    sum_over_blocks(blocks, field.taps() * channels, |index, sums| {
        let input = &input[index * from..][..from];
        let gradient = &gradient[index * to..][..to];
        weight_gradient_block(input, gradient, field, channels, sums);
    })
}

#[with_simd(weight_gradient_block = pulp::Arch::new())]
#[inline(always)]
fn weight_gradient_block_with_simd<'a, S: Simd>(
    _: S,
    input: &'a [f32],
    gradient: &'a [f32],
    field: Field,
    channels: usize,
    sums: &'a mut [f32],
) {
    let pixel = channels * EXAMPLES;
    field.connect(channels, |at| {
        let sums = &mut sums[at.tap * pixel..][..pixel];
        let input = &input[at.input..at.input + pixel];
        let gradient = &gradient[at.output..at.output + pixel];
        for ((sum, &input), &gradient) in sums.iter_mut().zip(input).zip(gradient) {
            *sum += input * gradient;
        }
    });
}
