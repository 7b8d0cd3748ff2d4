//! What becomes of weights between the steps of an optimizer.

use burn::module::Param;
use burn::tensor::Tensor;

use crate::model::Model;
use crate::quantise::{Grid, Scales};

/// How long a step of weights with integers is, of Adam's, times the largest integer's size, or
/// times the distance of two integers, whichever is longer. Adam's steps have the size of the
/// learning rate, however small a layer's weights are. While sums were normalised, their size made
/// no difference, and they grew; folding took that back. With equal steps, weights of a layer with
/// many inputs would cross several integers within ten of them.
const SHARE_OF_LARGEST: f32 = 0.25;
const SHARE_OF_DISTANCE: f32 = 2.0;

/// How long a step of biases is, of Adam's.
const SHARE_OF_BIASES: f32 = 0.4;

/// How long a step of the exponents is, of Adam's: each change of a power of two makes all
/// weights of a layer learn again, so they change about once, not several times an epoch.
const SHARE_OF_EXPONENTS: f32 = 0.1;

impl Model {
    /// Shortens the step that has led here from `before`, of a model with integers of those
    /// scales, whose weights have that many bits.
    pub(crate) fn shorten_step(&mut self, before: &Self, bits: u32, scales: &Scales) {
        let of_sums = self.sums.iter_mut().zip(&before.sums).zip(&scales.sums);
        for ((sum, before), scales) in of_sums {
            if let (Some(now), Some(before)) = (&mut sum.parameters, &before.parameters) {
                let grid = Grid::of_bits(bits, true, scales.weight);
                let (least, _) = grid.range();
                let share = (SHARE_OF_DISTANCE * grid.step).max(SHARE_OF_LARGEST * -least);
                let share = share.min(1.0);
                now.weights = shortened(&now.weights, &before.weights, share);
                now.bias = shortened(&now.bias, &before.bias, SHARE_OF_BIASES);
            }
            if let (Some(now), Some(before)) = (&mut sum.exponents, &before.exponents) {
                *now = shortened(now, before, SHARE_OF_EXPONENTS);
            }
        }
    }

    /// Takes weights back that have gone beyond the range of their integers, so that
    /// they do not have far to go when their sign changes.
    pub fn clip_weights(&mut self, bits: u32, scales: &Scales) {
        for (sum, scales) in self.sums.iter_mut().zip(&scales.sums) {
            let Some(parameters) = &mut sum.parameters else {
                continue;
            };
            let grid = Grid::of_bits(bits, true, scales.weight);
            // Half a step further is the same integer.
            let (least, largest) = (grid.least - 0.5, grid.largest + 0.5);
            parameters.weights = parameters.weights.clone().map(|weights| {
                let clipped = weights
                    .inner()
                    .clamp(least * grid.step, largest * grid.step);
                Tensor::from_inner(clipped).require_grad()
            });
        }
    }
}

/// `before`, and that share of the step from there to `now`.
fn shortened<const D: usize>(
    now: &Param<Tensor<D>>,
    before: &Param<Tensor<D>>,
    share: f32,
) -> Param<Tensor<D>> {
    let before = before.val().inner();
    now.clone().map(|now| {
        let step = now.inner() - before.clone();
        Tensor::from_inner(before + step * share).require_grad()
    })
}

/// Moves the running mean of the weights on, by that share of what they are now.
pub(crate) fn average(mean: &mut [(Vec<f32>, Vec<f32>)], model: &Model, share: f32) {
    for ((weights, bias), now) in mean.iter_mut().zip(model.numbers()) {
        for (mean, now) in [(weights, now.0), (bias, now.1)] {
            for (mean, now) in mean.iter_mut().zip(now) {
                *mean += share * (now - *mean);
            }
        }
    }
}

#[cfg(test)]
mod tests;
