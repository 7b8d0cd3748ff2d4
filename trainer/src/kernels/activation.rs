//! What is done to each sum of a layer: its bias is added, and it becomes an
//! activation on its grid.

use pulp::Arch;

use super::{EXAMPLES, for_each_block, sum_over_blocks};
use crate::quantise::Grid;

/// Numbers between the same channel of neighbouring pixels.
fn pixel(bias: &[f32]) -> usize {
    bias.len() * EXAMPLES
}

/// Activations of sums. `bias`: one a channel.
pub(crate) fn activate(sums: &[f32], bias: &[f32], block: usize, grid: Grid) -> Vec<f32> {
    let mut activations = vec![0.0; sums.len()];
    let arch = Arch::new();
    for_each_block(&mut activations, block, |index, activations| {
        let sums = &sums[index * block..][..block];
        arch.dispatch(|| {
            for (activations, sums) in activations
                .chunks_exact_mut(pixel(bias))
                .zip(sums.chunks_exact(pixel(bias)))
            {
                let activations = activations.as_chunks_mut::<EXAMPLES>().0;
                let sums = sums.as_chunks::<EXAMPLES>().0;
                for ((activations, sums), &bias) in activations.iter_mut().zip(sums).zip(bias) {
                    for (activation, &sum) in activations.iter_mut().zip(sums) {
                        *activation = grid.nearest(sum + bias);
                    }
                }
            }
        });
    });
    activations
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
    let arch = Arch::new();
    for_each_block(&mut of_sums, block, |index, of_sums| {
        let sums = &sums[index * block..][..block];
        let gradient = &gradient[index * block..][..block];
        arch.dispatch(|| {
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
                        *of_sum = if grid.passes(sum + bias) {
                            gradient
                        } else {
                            0.0
                        };
                    }
                }
            }
        });
    });
    let of_bias = channel_sums(&of_sums, bias.len(), block);
    (of_sums, of_bias)
}

/// The sum of each channel over pixels and examples.
fn channel_sums(numbers: &[f32], channels: usize, block: usize) -> Vec<f32> {
    sum_over_blocks(numbers.len() / block, channels, |index, sums| {
        Arch::new().dispatch(|| {
            let numbers = &numbers[index * block..][..block];
            for pixel in numbers.chunks_exact(channels * EXAMPLES) {
                let pixel = pixel.as_chunks::<EXAMPLES>().0;
                for (sum, numbers) in sums.iter_mut().zip(pixel) {
                    // In halves, so that the order is one that vectors have.
                    let mut halves = *numbers;
                    let mut half = EXAMPLES / 2;
                    while half > 0 {
                        for lane in 0..half {
                            halves[lane] += halves[lane + half];
                        }
                        half /= 2;
                    }
                    *sum += halves[0];
                }
            }
        });
    })
}
