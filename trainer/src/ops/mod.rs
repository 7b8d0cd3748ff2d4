//! The layers as differentiable operations on burn's tensors.
//!
//! On this machine's CPU they run the kernels of `kernels`; on every other
//! device, and on numbers other than `f32`, they are composed of burn's own operations
//! (`composed`). Maps have five dimensions: blocks, rows, columns, channels, examples of
//! a block.

mod composed;
mod flex;
mod layers;
#[cfg(test)]
mod tests;

use burn::tensor::{DType, Device, Tensor};

use crate::quantise::Grid;
use layers::{Activate, Average, Convolve, Depthwise, Maximum, Quantise};

/// Feature maps of a batch: blocks, rows, columns, channels, examples of a block.
pub type Maps = Tensor<5>;

fn has_kernels<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.dtype() == DType::F32 && tensor.device().inner() == Device::flex()
}

/// Sums of a convolution with stride 1 over whole kernels. `weights`: outputs, rows,
/// columns, channels.
pub fn convolve(maps: Maps, weights: Tensor<4>) -> Maps {
    if has_kernels(&maps) {
        flex::binary(Convolve, maps, weights)
    } else {
        composed::convolve(maps, weights)
    }
}

/// Sums of a convolution channel by channel. `weights`: rows, columns, channels.
pub fn depthwise(maps: Maps, weights: Tensor<3>) -> Maps {
    if has_kernels(&maps) {
        flex::binary(Depthwise, maps, weights)
    } else {
        composed::depthwise(maps, weights)
    }
}

/// Adds a bias to each channel's sums and clips and rounds them onto a grid; the
/// gradient passes straight through the rounding (Bengio, Léonard & Courville 2013),
/// strictly between the clips.
pub fn activate(sums: Maps, bias: Tensor<1>, grid: Grid) -> Maps {
    if has_kernels(&sums) {
        flex::binary(Activate(grid), sums, bias)
    } else {
        composed::activate(sums, bias, grid)
    }
}

/// The nearest numbers of a grid; the gradient passes straight through, beyond the
/// clips too, so that a weight that was clipped can come back.
pub fn quantise<const D: usize>(numbers: Tensor<D>, grid: Grid) -> Tensor<D> {
    if has_kernels(&numbers) {
        flex::unary(Quantise(grid), numbers)
    } else {
        composed::quantise(numbers, grid)
    }
}

/// The largest of each window; of equals, the gradient goes to the first.
pub fn maximum(maps: Maps, window: [usize; 2]) -> Maps {
    if has_kernels(&maps) {
        flex::unary(Maximum(window.into()), maps)
    } else {
        composed::maximum(maps, window)
    }
}

/// The mean of each window, rounded down onto a grid of that step; 0 is no grid.
pub fn average(maps: Maps, window: [usize; 2], step: f32) -> Maps {
    if has_kernels(&maps) {
        let window = window.into();
        flex::unary(Average { window, step }, maps)
    } else {
        composed::average(maps, window, step)
    }
}
