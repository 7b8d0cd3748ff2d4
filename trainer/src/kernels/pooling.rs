//! Poolings: windows beside each other, of which a last one that does not fit is
//! dropped.

use pulp::{Simd, with_simd};

use super::{Extent, MapShape, for_each_block, map_blocks};

/// Runs `pixel` with where each pixel of the output begins, and where its window's
/// pixels do.
#[inline(always)]
fn for_each_window(
    input: MapShape,
    window: Extent,
    mut pixel: impl FnMut(usize, &mut dyn Iterator<Item = usize>),
) {
    let output = input.pooled(window);
    for row in 0..output.height {
        for column in 0..output.width {
            let mut taps = (0..window.taps()).map(|tap| {
                input.at(
                    row * window.height + tap / window.width,
                    column * window.width + tap % window.width,
                )
            });
            pixel(output.at(row, column), &mut taps);
        }
    }
}

/// The largest of each window.
pub(crate) fn maximum(input: &[f32], shape: MapShape, window: Extent) -> Vec<f32> {
    let pooled = shape.pooled(window).block();
    map_blocks(input, shape.block(), pooled, |input, output| {
        maximum_block(input, shape, window, output);
    })
}

#[with_simd(maximum_block = pulp::Arch::new())]
#[inline(always)]
fn maximum_block_with_simd<'a, S: Simd>(
    _: S,
    input: &'a [f32],
    shape: MapShape,
    window: Extent,
    output: &'a mut [f32],
) {
    let pixel = shape.pixel();
    for_each_window(shape, window, |at, taps| {
        let output = &mut output[at..at + pixel];
        output.fill(f32::NEG_INFINITY);
        for tap in taps {
            for (output, &input) in output.iter_mut().zip(&input[tap..tap + pixel]) {
                *output = output.max(input);
            }
        }
    });
}

/// How the loss changes with each input: as with the maximum that it is, the first
/// of equals. `output`: the maxima.
pub(crate) fn maximum_gradient(
    input: &[f32],
    output: &[f32],
    gradient: &[f32],
    shape: MapShape,
    window: Extent,
) -> Vec<f32> {
    let pooled = shape.pooled(window).block();
    let mut of_input = vec![0.0; input.len()];
    for_each_block(&mut of_input, shape.block(), |index, of_input| {
        let input = &input[index * shape.block()..][..shape.block()];
        let output = &output[index * pooled..][..pooled];
        let mut left = gradient[index * pooled..][..pooled].to_vec();
        maximum_gradient_block(input, output, shape, window, &mut left, of_input);
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
    shape: MapShape,
    window: Extent,
    left: &'a mut [f32],
    of_input: &'a mut [f32],
) {
    let pixel = shape.pixel();
    for_each_window(shape, window, |at, taps| {
        let output = &output[at..at + pixel];
        let left = &mut left[at..at + pixel];
        for tap in taps {
            let input = &input[tap..tap + pixel];
            let of_input = &mut of_input[tap..tap + pixel];
            let both = of_input.iter_mut().zip(left.iter_mut());
            for (((of_input, left), &input), &output) in both.zip(input).zip(output) {
                let is_it = input == output;
                *of_input = if is_it { *left } else { 0.0 };
                *left = if is_it { 0.0 } else { *left };
            }
        }
    });
}

/// The mean of each window, on a grid of that step, rounded down; 0 is no grid.
pub(crate) fn average(input: &[f32], shape: MapShape, window: Extent, step: f32) -> Vec<f32> {
    let pooled = shape.pooled(window).block();
    map_blocks(input, shape.block(), pooled, |input, output| {
        average_block(input, shape, window, step, output);
    })
}

#[with_simd(average_block = pulp::Arch::new())]
#[inline(always)]
fn average_block_with_simd<'a, S: Simd>(
    _: S,
    input: &'a [f32],
    shape: MapShape,
    window: Extent,
    step: f32,
    output: &'a mut [f32],
) {
    let pixel = shape.pixel();
    let share = 1.0 / window.taps() as f32;
    for_each_window(shape, window, |at, taps| {
        let output = &mut output[at..at + pixel];
        for tap in taps {
            for (output, &input) in output.iter_mut().zip(&input[tap..tap + pixel]) {
                *output += input;
            }
        }
        for output in output {
            *output *= share;
            if step > 0.0 {
                *output = (*output / step).floor() * step;
            }
        }
    });
}

/// How the loss changes with each input.
pub(crate) fn average_gradient(gradient: &[f32], shape: MapShape, window: Extent) -> Vec<f32> {
    let pooled = shape.pooled(window).block();
    map_blocks(gradient, pooled, shape.block(), |gradient, of_input| {
        average_gradient_block(gradient, shape, window, of_input);
    })
}

#[with_simd(average_gradient_block = pulp::Arch::new())]
#[inline(always)]
fn average_gradient_block_with_simd<'a, S: Simd>(
    _: S,
    gradient: &'a [f32],
    shape: MapShape,
    window: Extent,
    of_input: &'a mut [f32],
) {
    let pixel = shape.pixel();
    let share = 1.0 / window.taps() as f32;
    for_each_window(shape, window, |at, taps| {
        for tap in taps {
            let of_input = &mut of_input[tap..tap + pixel];
            for (of_input, &gradient) in of_input.iter_mut().zip(&gradient[at..at + pixel]) {
                *of_input = gradient * share;
            }
        }
    });
}
