//! Layers on this machine's CPU, forwards and backwards, a block of examples at a
//! time.
//!
//! Maps are in blocks of [`EXAMPLES`] examples: `[block][row][column][channel]
//! [example]`. The examples of a block are the lanes of vector instructions, so
//! that a network of five channels computes as fast as one of sixteen, and a block
//! of a small network stays in a core's cache from layer to layer. Blocks are
//! independent, and shared out among threads.

mod activation;
mod convolution;
mod depthwise;
mod field;
mod gates;
mod lanes;
mod normalisation;
mod pooling;
mod prototypes;
mod recurrent;
mod tree;

pub(crate) use activation::{activate, activation_exponent_gradient, activation_gradient};
pub(crate) use convolution::{convolve, input_gradient, weight_gradient};
pub(crate) use depthwise::{depthwise, depthwise_input_gradient, depthwise_weight_gradient};
pub(crate) use field::Field;
pub(crate) use gates::Functions;
pub(crate) use lanes::{Lanes, Matrix};
pub use normalisation::Deviation;
pub(crate) use normalisation::{LEAST_VARIANCE, Moments, normalisation_gradient, normalise};
pub(crate) use pooling::{average, average_gradient, maximum, maximum_gradient};
pub(crate) use prototypes::PrototypesPlace;
pub(crate) use recurrent::{Cell, CellRounding, Product, Recurrence};
pub(crate) use tree::{TreePlace, TreeRounding};

use rayon::prelude::*;

/// Examples of a block.
pub const EXAMPLES: usize = 16;

/// Rows, columns and channels of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MapShape {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
}

impl MapShape {
    /// Numbers of a pixel of a block.
    #[inline(always)]
    fn pixel(self) -> usize {
        self.channels * EXAMPLES
    }

    /// Numbers of a block.
    #[inline(always)]
    pub(crate) fn block(self) -> usize {
        self.height * self.width * self.pixel()
    }

    /// Where a pixel of a block begins.
    #[inline(always)]
    fn at(self, row: usize, column: usize) -> usize {
        (row * self.width + column) * self.pixel()
    }
}

/// Runs what makes a block of `output` of the block of that number, in parallel.
fn for_each_block(
    output: &mut [f32],
    numbers_per_block: usize,
    block: impl Fn(usize, &mut [f32]) + Sync + Send,
) {
    output
        .par_chunks_mut(numbers_per_block)
        .enumerate()
        .for_each(|(index, output)| block(index, output));
}

/// What `block` makes of every block of `from`, in blocks of that many numbers, which
/// are 0 before it does.
fn map_blocks(
    from: &[f32],
    from_block: usize,
    to_block: usize,
    block: impl Fn(&[f32], &mut [f32]) + Sync + Send,
) -> Vec<f32> {
    let mut to = vec![0.0; from.len() / from_block * to_block];
    for_each_block(&mut to, to_block, |index, to| {
        block(&from[index * from_block..][..from_block], to);
    });
    to
}

/// Blocks whose sums are made together: few enough for every thread to have some,
/// and the same on each machine, for the order of adding decides about the last
/// bits.
const BLOCKS_PER_SUM: usize = 2;

/// `sums` sums over all blocks and their examples; `block` adds to a lane of each for
/// every example.
fn sum_over_blocks(
    blocks: usize,
    sums: usize,
    block: impl Fn(usize, &mut [f32]) + Sync + Send,
) -> Vec<f32> {
    let groups = blocks.div_ceil(BLOCKS_PER_SUM);
    let partial: Vec<Vec<f32>> = (0..groups)
        .into_par_iter()
        .map(|group| {
            let mut sum = vec![0.0; sums * EXAMPLES];
            let first = group * BLOCKS_PER_SUM;
            for index in first..(first + BLOCKS_PER_SUM).min(blocks) {
                block(index, &mut sum);
            }
            sum
        })
        .collect();
    let mut total = vec![0.0; sums * EXAMPLES];
    for part in partial {
        for (total, part) in total.iter_mut().zip(part) {
            *total += part;
        }
    }
    total
        .chunks_exact(EXAMPLES)
        .map(|lanes| lanes.iter().sum())
        .collect()
}
