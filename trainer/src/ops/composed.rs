//! The same of burn's own operations, for every device.

use burn::tensor::Tensor;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;

use super::Maps;
use crate::quantise::Grid;

/// Examples, channels, rows, columns.
fn channels_first(maps: Maps) -> Tensor<4> {
    let [blocks, height, width, channels, examples] = maps.dims();
    let maps = maps.permute([0, 4, 3, 1, 2]);
    maps.reshape([blocks * examples, channels, height, width])
}

fn in_blocks(maps: Tensor<4>, examples: usize) -> Maps {
    let [batch, channels, height, width] = maps.dims();
    let maps: Maps = maps.reshape([batch / examples, examples, channels, height, width]);
    maps.permute([0, 3, 4, 2, 1])
}

pub(super) fn convolve(maps: Maps, weights: Tensor<4>) -> Maps {
    let examples = maps.dims()[4];
    let weights = weights.permute([0, 3, 1, 2]);
    let options = ConvOptions::new([1, 1], [0, 0], [1, 1], 1);
    in_blocks(
        conv2d(channels_first(maps), weights, None, options),
        examples,
    )
}

pub(super) fn depthwise(maps: Maps, weights: Tensor<3>) -> Maps {
    let [_, _, _, channels, examples] = maps.dims();
    let [height, width, _] = weights.dims();
    let weights = weights
        .permute([2, 0, 1])
        .reshape([channels, 1, height, width]);
    let options = ConvOptions::new([1, 1], [0, 0], [1, 1], channels);
    in_blocks(
        conv2d(channels_first(maps), weights, None, options),
        examples,
    )
}

/// The nearest numbers of a grid, as [`Grid::nearest`] has them.
fn nearest<const D: usize>(numbers: Tensor<D>, grid: Grid) -> Tensor<D> {
    if grid.step == 0.0 {
        return numbers.clamp(grid.least, grid.largest);
    }
    let multiples = (numbers / grid.step).round();
    multiples.clamp(grid.least, grid.largest) * grid.step
}

/// `values`, with the gradient of `numbers`.
fn straight_through<const D: usize>(numbers: Tensor<D>, values: Tensor<D>) -> Tensor<D> {
    // In this order nothing is rounded: the difference is 0.
    numbers.clone() - numbers.detach() + values
}

pub(super) fn activate(sums: Maps, bias: Tensor<1>, grid: Grid) -> Maps {
    let channels = bias.dims()[0];
    let sums = sums + bias.reshape([1, 1, 1, channels, 1]);
    let values = sums.clone().detach();
    // The gradient of burn's clamp has conventions of its own at the bounds.
    let (low, high) = grid.range();
    let passes = values.clone().greater_elem(low);
    let passes = passes.bool_and(values.clone().lower_elem(high));
    let clipped = (sums - values.clone()).mask_fill(passes.bool_not(), 0.0);
    clipped + nearest(values, grid)
}

pub(super) fn quantise<const D: usize>(numbers: Tensor<D>, grid: Grid) -> Tensor<D> {
    let nearest = nearest(numbers.clone().detach(), grid);
    straight_through(numbers, nearest)
}

/// Rows and columns of windows apart from those within a window.
fn windows(maps: Maps, [rows, columns]: [usize; 2]) -> Tensor<7> {
    let [blocks, height, width, channels, examples] = maps.dims();
    let (high, wide) = (height / rows, width / columns);
    let used = maps.narrow(1, 0, high * rows).narrow(2, 0, wide * columns);
    used.reshape([blocks, high, rows, wide, columns, channels, examples])
}

pub(super) fn maximum(maps: Maps, window: [usize; 2]) -> Maps {
    let windows = windows(maps, window);
    let [blocks, high, rows, wide, columns, channels, examples] = windows.dims();
    let taps: Tensor<6> = windows.permute([0, 1, 3, 5, 6, 2, 4]).reshape([
        blocks,
        high,
        wide,
        channels,
        examples,
        rows * columns,
    ]);
    taps.max_dim(5)
        .reshape([blocks, high, wide, channels, examples])
}

pub(super) fn average(maps: Maps, window: [usize; 2], step: f32) -> Maps {
    let windows = windows(maps, window);
    let [blocks, high, _, wide, _, channels, examples] = windows.dims();
    let mean: Maps = windows
        .mean_dim(2)
        .mean_dim(4)
        .reshape([blocks, high, wide, channels, examples]);
    if step == 0.0 {
        return mean;
    }
    let floor = (mean.clone().detach() / step).floor() * step;
    straight_through(mean, floor)
}
