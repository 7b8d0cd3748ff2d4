//! What is done to each sum of a layer: its bias is added, and it becomes an
//! activation on its grid.

use pulp::{Simd, with_simd};

use super::{EXAMPLES, for_each_block, map_blocks, sum_over_blocks};
use crate::quantise::Grid;

/// Numbers between the same channel of neighbouring pixels.
fn pixel(bias: &[f32]) -> usize {
    bias.len() * EXAMPLES
}

/// Activations of sums. `bias`: one a channel.
pub(crate) fn activate(sums: &[f32], bias: &[f32], block: usize, grid: Grid) -> Vec<f32> {
    map_blocks(sums, block, block, |sums, activations| {
        activate_block(sums, bias, grid, activations);
    })
}

#[with_simd(activate_block = pulp::Arch::new())]
#[inline(always)]
fn activate_block_with_simd<'a, S: Simd>(
    _: S,
    sums: &'a [f32],
    bias: &'a [f32],
    grid: Grid,
    activations: &'a mut [f32],
) {
    for (activations, sums) in activations
        .chunks_exact_mut(pixel(bias))
        .zip(sums.chunks_exact(pixel(bias)))
    {
        let activations = activations.as_chunks_mut::<EXAMPLES>().0;
        let sums = sums.as_chunks::<EXAMPLES>().0;
        for ((activations, sums), &bias) in activations.iter_mut().zip(sums).zip(bias) {
            for (activation, &sum) in activations.iter_mut().zip(sums) {
                *activation = grid.moved(sum + bias);
            }
        }
    }
}

/// How the loss changes with each sum, of how it changes with each activation; and
/// with each bias.
pub(crate) fn activation_gradient(
    sums: &[f32],
    bias: &[f32],
    gradient: &[f32],
    block: usize,
    grid: Grid,
) -> (Vec<f32>, Vec<f32>) {
    let mut of_sums = vec![0.0; sums.len()];
    for_each_block(&mut of_sums, block, |index, of_sums| {
        let sums = &sums[index * block..][..block];
        let gradient = &gradient[index * block..][..block];
        gradient_block(sums, bias, gradient, grid, of_sums);
    });
    let of_bias = channel_sums(&of_sums, bias.len(), block);
    (of_sums, of_bias)
}

#[with_simd(gradient_block = pulp::Arch::new())]
#[inline(always)]
fn gradient_block_with_simd<'a, S: Simd>(
    _: S,
    sums: &'a [f32],
    bias: &'a [f32],
    gradient: &'a [f32],
    grid: Grid,
    of_sums: &'a mut [f32],
) {
    for ((of_sums, sums), gradient) in of_sums
        .chunks_exact_mut(pixel(bias))
        .zip(sums.chunks_exact(pixel(bias)))
        .zip(gradient.chunks_exact(pixel(bias)))
    {
        let of_sums = of_sums.as_chunks_mut::<EXAMPLES>().0;
        let sums = sums.as_chunks::<EXAMPLES>().0;
        let gradient = gradient.as_chunks::<EXAMPLES>().0;
        for (((of_sums, sums), gradient), &bias) in
            of_sums.iter_mut().zip(sums).zip(gradient).zip(bias)
        {
            for ((of_sum, &sum), &gradient) in of_sums.iter_mut().zip(sums).zip(gradient) {
                *of_sum = gradient * grid.slope(sum + bias);
            }
        }
    }
}

/// How the loss changes with the exponent of the grid's step.
pub(crate) fn activation_exponent_gradient(
    sums: &[f32],
    bias: &[f32],
    gradient: &[f32],
    block: usize,
    grid: Grid,
) -> f32 {
    let blocks = sums.len() / block;
    let of_channels = sum_over_blocks(blocks, bias.len(), |index, totals| {
        let sums = &sums[index * block..][..block];
        let gradient = &gradient[index * block..][..block];
        exponent_block(sums, bias, gradient, grid, totals);
    });
    of_channels.iter().sum()
}

#[with_simd(exponent_block = pulp::Arch::new())]
#[inline(always)]
fn exponent_block_with_simd<'a, S: Simd>(
    _: S,
    sums: &'a [f32],
    bias: &'a [f32],
    gradient: &'a [f32],
    grid: Grid,
    totals: &'a mut [f32],
) {
    for (sums, gradient) in sums
        .chunks_exact(pixel(bias))
        .zip(gradient.chunks_exact(pixel(bias)))
    {
        let sums = sums.as_chunks::<EXAMPLES>().0;
        let gradient = gradient.as_chunks::<EXAMPLES>().0;
        let totals = totals.as_chunks_mut::<EXAMPLES>().0;
        for (((totals, sums), gradient), &bias) in
            totals.iter_mut().zip(sums).zip(gradient).zip(bias)
        {
            for ((total, &sum), &gradient) in totals.iter_mut().zip(sums).zip(gradient) {
                *total += gradient * grid.by_exponent(sum + bias);
            }
        }
    }
}

/// The sum of each channel over pixels and examples.
pub(super) fn channel_sums(numbers: &[f32], channels: usize, block: usize) -> Vec<f32> {
    let blocks = numbers.len() / block;
    sum_over_blocks(blocks, channels, |index, sums| {
        add_pixels(&numbers[index * block..][..block], sums);
    })
}

#[with_simd(add_pixels = pulp::Arch::new())]
#[inline(always)]
fn add_pixels_with_simd<'a, S: Simd>(_: S, numbers: &'a [f32], sums: &'a mut [f32]) {
    for pixel in numbers.chunks_exact(sums.len()) {
        for (sum, &number) in sums.iter_mut().zip(pixel) {
            *sum += number;
        }
    }
}
