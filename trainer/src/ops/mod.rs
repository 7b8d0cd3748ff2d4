//! The layers as differentiable operations on burn's tensors.
//!
//! On this machine's CPU they run the kernels of `kernels`; on every other
//! device, and on numbers other than `f32`, they are composed of burn's own operations
//! (`composed`). Maps have five dimensions: blocks, rows, columns, channels, examples of
//! a block.

mod composed;
mod flex;
mod layers;
mod own;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use burn::tensor::{DType, Device, Tensor};
use herringbone_compiler::network::ReceptiveField;

pub use crate::kernels::Deviation;
use crate::own::{OwnPlace, Rounding};
use crate::quantise::Grid;
use layers::{Activate, Average, Convolve, Depthwise, Maximum, Normalise, Quantise};

/// Feature maps of a batch: blocks, rows, columns, channels, examples of a block.
pub type Maps = Tensor<5>;

fn has_kernels<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.dtype() == DType::F32 && tensor.device().inner() == Device::flex()
}

/// Sums of a convolution. `weights`: outputs, rows, columns, channels.
pub fn convolve(maps: Maps, weights: Tensor<4>, field: ReceptiveField) -> Maps {
    if has_kernels(&maps) {
        flex::binary(Convolve(field.into()), maps, weights)
    } else {
        composed::convolve(maps, weights, field)
    }
}

/// Sums of a convolution channel by channel. `weights`: rows, columns, channels.
pub fn depthwise(maps: Maps, weights: Tensor<3>, field: ReceptiveField) -> Maps {
    if has_kernels(&maps) {
        flex::binary(Depthwise(field.into()), maps, weights)
    } else {
        composed::depthwise(maps, weights, field)
    }
}

/// Each channel less the mean that it has over the batch, by its deviation there, or by that of
/// all channels: batch normalisation (Ioffe & Szegedy 2015) without the factor, which the next
/// layer's weights have too.
pub fn normalise(sums: Maps, deviation: Deviation) -> Maps {
    if has_kernels(&sums) {
        flex::unary(Normalise(deviation), sums)
    } else {
        composed::normalise(sums, deviation)
    }
}

/// Adds a bias to each channel's sums and clips and rounds them onto a grid; the
/// gradient passes straight through the rounding (Bengio, Léonard & Courville 2013),
/// strictly between the clips. `exponent`: that of the grid's step, which has a gradient
/// too; its number is the grid's already.
pub fn activate(sums: Maps, bias: Tensor<1>, grid: Grid, exponent: Option<Tensor<1>>) -> Maps {
    match (exponent, has_kernels(&sums)) {
        (None, true) => flex::binary(Activate(grid), sums, bias),
        (Some(exponent), true) => flex::ternary(Activate(grid), sums, bias, exponent),
        (exponent, false) => composed::activate(sums, bias, grid, exponent),
    }
}

/// The nearest numbers of a grid; the gradient passes straight through, beyond the
/// clips too, so that a weight that was clipped can come back. `exponent`: as for
/// [`activate`].
pub fn quantise<const D: usize>(
    numbers: Tensor<D>,
    grid: Grid,
    exponent: Option<Tensor<1>>,
) -> Tensor<D> {
    match (exponent, has_kernels(&numbers)) {
        (None, true) => flex::unary(Quantise(grid), numbers),
        (Some(exponent), true) => flex::binary(Quantise(grid), numbers, exponent),
        (exponent, false) => composed::quantise(numbers, grid, exponent),
    }
}

/// The largest of each window, none of which may reach beyond the map; of equals, the
/// gradient goes to the first.
pub fn maximum(maps: Maps, field: ReceptiveField) -> Maps {
    if has_kernels(&maps) {
        flex::unary(Maximum(field.into()), maps)
    } else {
        composed::maximum(maps, field)
    }
}

/// The mean of each window, none of which may reach beyond the map, rounded down onto a
/// grid of that step; 0 is no grid.
pub fn average(maps: Maps, field: ReceptiveField, step: f32) -> Maps {
    if has_kernels(&maps) {
        let field = field.into();
        flex::unary(Average { field, step }, maps)
    } else {
        composed::average(maps, field, step)
    }
}

/// The channels of the first, then those of the next.
pub fn concatenate(maps: Vec<Maps>) -> Maps {
    Tensor::cat(maps, 3)
}

/// What recurrent cells, a tree or prototypes make of maps; `parameters`: those of the place,
/// one after the other. Of any numbers, but on this machine's CPU alone.
pub(crate) fn own(
    place: Arc<OwnPlace>,
    rounding: Rounding,
    sharpness: Option<f32>,
    maps: Maps,
    parameters: Tensor<1>,
) -> Maps {
    let node = own::Node {
        place,
        rounding,
        sharpness,
    };
    flex::binary(node, maps, parameters)
}
