//! Poolings.

use pulp::{Simd, with_simd};

use super::{EXAMPLES, Field, for_each_block, map_blocks};

/// The largest of each window.
pub(crate) fn maximum(input: &[f32], channels: usize, field: Field) -> Vec<f32> {
    let (from, to) = (
        field.input(channels).block(),
        field.output(channels).block(),
    );
    map_blocks(input, from, to, |input, output| {
        maximum_block(input, channels, field, output);
    })
}

#[with_simd(maximum_block = pulp::Arch::new())]
#[inline(always)]
fn maximum_block_with_simd<'a, S: Simd>(
    _: S,
    input: &'a [f32],
    channels: usize,
    field: Field,
    output: &'a mut [f32],
) {
    let pixel = channels * EXAMPLES;
    output.fill(f32::NEG_INFINITY);
    field.connect(channels, |at| {
        let output = &mut output[at.output..at.output + pixel];
        for (output, &input) in output.iter_mut().zip(&input[at.input..at.input + pixel]) {
            *output = output.max(input);
        }
    });
}

/// How the loss changes with each input: as with the maxima that it is, of each window
/// the first of equals. `output`: the maxima.
pub(crate) fn maximum_gradient(
    input: &[f32],
    output: &[f32],
    gradient: &[f32],
    channels: usize,
    field: Field,
) -> Vec<f32> {
    let (from, to) = (
        field.input(channels).block(),
        field.output(channels).block(),
    );
    let mut of_input = vec![0.0; input.len()];
    for_each_block(&mut of_input, from, |index, of_input| {
        let input = &input[index * from..][..from];
        let output = &output[index * to..][..to];
        let mut left = gradient[index * to..][..to].to_vec();
        maximum_gradient_block(input, output, channels, field, &mut left, of_input);
    });
    of_input
}

/// `left`: of each output's gradient, what found no input yet.
#[with_simd(maximum_gradient_block = pulp::Arch::new())]
#[inline(always)]
fn maximum_gradient_block_with_simd<'a, S: Simd>(
    _: S,
    input: &'a [f32],
    output: &'a [f32],
    channels: usize,
    field: Field,
    left: &'a mut [f32],
    of_input: &'a mut [f32],
) {
    let pixel = channels * EXAMPLES;
    field.connect(channels, |at| {
        let output = &output[at.output..at.output + pixel];
        let left = &mut left[at.output..at.output + pixel];
        let input = &input[at.input..at.input + pixel];
        let of_input = &mut of_input[at.input..at.input + pixel];
        let both = of_input.iter_mut().zip(left.iter_mut());
        for (((of_input, left), &input), &output) in both.zip(input).zip(output) {
            let is_it = input == output;
            *of_input += if is_it { *left } else { 0.0 };
            *left = if is_it { 0.0 } else { *left };
        }
    });
}

/// The mean of each window, on a grid of that step, rounded down; 0 is no grid.
pub(crate) fn average(input: &[f32], channels: usize, field: Field, step: f32) -> Vec<f32> {
    let (from, to) = (
        field.input(channels).block(),
        field.output(channels).block(),
    );
    map_blocks(input, from, to, |input, output| {
        average_block(input, channels, field, step, output);
    })
}

#[with_simd(average_block = pulp::Arch::new())]
#[inline(always)]
fn average_block_with_simd<'a, S: Simd>(
    _: S,
    input: &'a [f32],
    channels: usize,
    field: Field,
    step: f32,
    output: &'a mut [f32],
) {
    let pixel = channels * EXAMPLES;
    field.connect(channels, |at| {
        let output = &mut output[at.output..at.output + pixel];
        for (output, &input) in output.iter_mut().zip(&input[at.input..at.input + pixel]) {
            *output += input;
        }
    });
    let count = field.taps() as f32;
    for output in output {
        // Of integers, the quotient rounded to the nearest number of f32 has the floor
        // of the quotient itself: below 2^24 there is always a number between that and
        // the next integer.
        *output = if step > 0.0 {
            (*output / step / count).floor() * step
        } else {
            *output / count
        };
    }
}

/// How the loss changes with each input.
pub(crate) fn average_gradient(gradient: &[f32], channels: usize, field: Field) -> Vec<f32> {
    let (from, to) = (
        field.output(channels).block(),
        field.input(channels).block(),
    );
    map_blocks(gradient, from, to, |gradient, of_input| {
        average_gradient_block(gradient, channels, field, of_input);
    })
}

#[with_simd(average_gradient_block = pulp::Arch::new())]
#[inline(always)]
fn average_gradient_block_with_simd<'a, S: Simd>(
    _: S,
    gradient: &'a [f32],
    channels: usize,
    field: Field,
    of_input: &'a mut [f32],
) {
    let pixel = channels * EXAMPLES;
    let share = 1.0 / field.taps() as f32;
    field.connect(channels, |at| {
        let of_input = &mut of_input[at.input..at.input + pixel];
        let gradient = &gradient[at.output..at.output + pixel];
        for (of_input, &gradient) in of_input.iter_mut().zip(gradient) {
            *of_input += gradient * share;
        }
    });
}
