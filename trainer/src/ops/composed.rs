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

pub(super) fn activate(sums: Maps, bias: Tensor<1>, grid: Grid) -> Maps {
    let channels = bias.dims()[0];
    let sums = sums + bias.reshape([1, 1, 1, channels, 1]);
    let (low, high) = grid.range();
    let clipped = sums.clamp(low, high);
    if grid.step == 0.0 {
        return clipped;
    }
    let rounded = (clipped.clone().detach() / grid.step).round() * grid.step;
    clipped.clone() + (rounded - clipped.detach())
}

pub(super) fn quantise<const D: usize>(numbers: Tensor<D>, grid: Grid) -> Tensor<D> {
    let value = numbers.clone().detach();
    let nearest = (value.clone() / grid.step).round();
    let nearest = nearest.clamp(grid.least, grid.largest) * grid.step;
    numbers + (nearest - value)
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
    mean.clone() + (floor - mean.detach())
}
