//! The same of burn's own operations, for every device.

use burn::tensor::module::conv2d;
use burn::tensor::ops::{ConvOptions, PadMode};
use burn::tensor::{Tensor, s};
use herringbone_compiler::network::{Kernel, ReceptiveField};

use super::Maps;
use crate::kernels::{Deviation, LEAST_VARIANCE};
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

pub(super) fn convolve(maps: Maps, weights: Tensor<4>, field: ReceptiveField) -> Maps {
    convolve_groups(maps, weights.permute([0, 3, 1, 2]), field, 1)
}

pub(super) fn depthwise(maps: Maps, weights: Tensor<3>, field: ReceptiveField) -> Maps {
    let [height, width, channels] = weights.dims();
    let weights = weights
        .permute([2, 0, 1])
        .reshape([channels, 1, height, width]);
    convolve_groups(maps, weights, field, channels)
}

fn convolve_groups(maps: Maps, weights: Tensor<4>, field: ReceptiveField, groups: usize) -> Maps {
    let examples = maps.dims()[4];
    let [top, left, bottom, right] =
        [field.top, field.left, field.bottom(), field.right()].map(|it| it as usize);
    let mut maps = channels_first(maps);
    if field.is_padded() {
        maps = maps.pad((left, right, top, bottom), PadMode::Constant(0.0));
    }
    let stride = [field.stride.rows, field.stride.columns].map(|it| it as usize);
    let options = ConvOptions::new(stride, [0, 0], [1, 1], groups);
    in_blocks(conv2d(maps, weights, None, options), examples)
}

/// The nearest numbers of a grid, as [`Grid::nearest`] has them.
fn nearest<const D: usize>(numbers: Tensor<D>, grid: Grid) -> Tensor<D> {
    if grid.step == 0.0 {
        return numbers.clamp(grid.least, grid.largest);
    }
    let multiples = numbers / grid.step;
    let multiples = match grid.halves_up {
        true => (multiples + 0.5).floor(),
        false => multiples.round(),
    };
    multiples.clamp(grid.least, grid.largest) * grid.step
}

/// What becomes of numbers, as [`Grid::moved`] has it.
fn moved<const D: usize>(numbers: Tensor<D>, grid: Grid) -> Tensor<D> {
    let nearest = nearest(numbers.clone(), grid);
    if grid.share == 1.0 {
        return nearest;
    }
    let unclipped = if grid.least < 0.0 {
        numbers
    } else {
        numbers.clamp_min(0.0)
    };
    unclipped.clone() + (nearest - unclipped) * grid.share
}

/// `values`, with the gradient of `numbers`.
fn straight_through<const D: usize>(numbers: Tensor<D>, values: Tensor<D>) -> Tensor<D> {
    // In this order nothing is rounded: the difference is 0.
    numbers.clone() - numbers.detach() + values
}

/// 1 strictly between the clips, else 0.
fn inside<const D: usize>(values: &Tensor<D>, grid: Grid) -> Tensor<D> {
    let (low, high) = grid.range();
    let passes = values.clone().greater_elem(low);
    let passes = passes.bool_and(values.clone().lower_elem(high));
    Tensor::ones_like(values).mask_fill(passes.bool_not(), 0.0)
}

/// `values`, with the gradient that the exponent of the grid's step has of `numbers`, as
/// [`Grid::by_exponent`] has it.
fn with_exponent<const D: usize>(
    values: Tensor<D>,
    numbers: Tensor<D>,
    grid: Grid,
    exponent: Option<Tensor<1>>,
) -> Tensor<D> {
    let Some(exponent) = exponent else {
        return values;
    };
    let rounded = nearest(numbers.clone(), grid);
    let slope = rounded - inside(&numbers, grid) * numbers;
    let slope = slope * (grid.share * std::f32::consts::LN_2);
    let nothing = (exponent.clone() - exponent.detach()).reshape([1; D]);
    values + slope * nothing
}

pub(super) fn normalise(sums: Maps, deviation: Deviation) -> Maps {
    let mean = |maps: Maps| maps.mean_dim(0).mean_dim(1).mean_dim(2).mean_dim(4);
    let centred = sums.clone() - mean(sums);
    let variance = mean(centred.clone() * centred.clone());
    let variance = match deviation {
        Deviation::OfChannel => variance,
        Deviation::OfLayer => variance.mean_dim(3),
    };
    centred / (variance + LEAST_VARIANCE).sqrt()
}

pub(super) fn activate(
    sums: Maps,
    bias: Tensor<1>,
    grid: Grid,
    exponent: Option<Tensor<1>>,
) -> Maps {
    let channels = bias.dims()[0];
    let sums = sums + bias.reshape([1, 1, 1, channels, 1]);
    let values = sums.clone().detach();
    // The gradient of burn's clamp has conventions of its own at the bounds.
    let mut slope = inside(&values, grid);
    if grid.share != 1.0 {
        let mut beyond = Tensor::ones_like(&values) - slope.clone();
        if grid.least >= 0.0 {
            beyond = beyond.mask_fill(values.clone().lower_equal_elem(0.0), 0.0);
        }
        slope = slope + beyond * (1.0 - grid.share);
    }
    let clipped = (sums - values.clone()) * slope;
    with_exponent(
        clipped + moved(values.clone(), grid),
        values,
        grid,
        exponent,
    )
}

pub(super) fn quantise<const D: usize>(
    numbers: Tensor<D>,
    grid: Grid,
    exponent: Option<Tensor<1>>,
) -> Tensor<D> {
    let values = numbers.clone().detach();
    let quantised = straight_through(numbers, moved(values.clone(), grid));
    with_exponent(quantised, values, grid, exponent)
}

/// For each tap of windows that are inside the map, what it reads.
fn taps(maps: &Maps, field: ReceptiveField) -> Vec<Maps> {
    let Kernel { height, width } = field.kernel;
    let axis = |tap: u32, outputs: u32, stride: u32| {
        let end = tap + (outputs - 1) * stride + 1;
        s![tap as usize..end as usize; stride as isize]
    };
    let of_tap = |row, column| {
        let rows = axis(row, field.outputs.height, field.stride.rows);
        let columns = axis(column, field.outputs.width, field.stride.columns);
        maps.clone().slice_dim(1, rows).slice_dim(2, columns)
    };
    let rows = 0..height;
    rows.flat_map(|row| (0..width).map(move |column| (row, column)))
        .map(|(row, column)| of_tap(row, column))
        .collect()
}

pub(super) fn maximum(maps: Maps, field: ReceptiveField) -> Maps {
    let taps: Tensor<6> = Tensor::stack(taps(&maps, field), 5);
    taps.max_dim(5).squeeze_dim(5)
}

pub(super) fn average(maps: Maps, field: ReceptiveField, step: f32) -> Maps {
    let taps: Tensor<6> = Tensor::stack(taps(&maps, field), 5);
    let count = field.kernel.taps();
    let sum: Maps = taps.sum_dim(5).squeeze_dim(5);
    let mean = sum.clone() / count;
    if step == 0.0 {
        return mean;
    }
    let floor = (sum.detach() / step / count).floor() * step;
    straight_through(mean, floor)
}
