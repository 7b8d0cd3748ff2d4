//! What becomes of weights between the steps of an optimizer.

use burn::module::Param;
use burn::tensor::Tensor;
use herringbone_compiler::network::{Bits, TensorRole};

use crate::model::Model;
use crate::own::Segment;
use crate::quantise::{Grid, Scales};
use crate::sparse::change;

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
    pub(crate) fn shorten_step(&mut self, before: &Self, bits: Bits, scales: &Scales) {
        let of_sums = self.sums.iter_mut().zip(&before.sums).zip(&scales.sums);
        for ((sum, before), scales) in of_sums {
            if let (Some(now), Some(before)) = (&mut sum.parameters, &before.parameters) {
                let share = share_of_weights(Grid::of_bits(bits.weights, true, scales.weight));
                now.weights = shortened(&now.weights, &before.weights, share);
                now.bias = shortened(&now.bias, &before.bias, SHARE_OF_BIASES);
            }
            if let (Some(now), Some(before)) = (&mut sum.exponents, &before.exponents) {
                *now = shortened(now, before, SHARE_OF_EXPONENTS);
            }
        }
        let of_own = self.own.iter_mut().zip(&before.own).zip(&scales.own);
        for ((now, before), scales) in of_own {
            let grids = now.place.grids(bits, scales);
            let segments = now.place.segments.clone();
            change(&mut now.numbers, &before.numbers, |now, before| {
                for (segment, grid) in segments.iter().zip(grids) {
                    let share = share_of_own(segment, grid);
                    let range = segment.range.clone();
                    for (now, &before) in now[range.clone()].iter_mut().zip(&before[range]) {
                        *now = before + share * (*now - before);
                    }
                }
            });
        }
    }

    /// Pulls weights towards the nearest integers, by that share of the distance: else those between
    /// two of them would change from one to the other in nearly every step, to the end (Nagel et al.
    /// 2022, "Overcoming oscillations in quantization-aware training", section 4.1, pull by a term
    /// of the loss, whose size Adam would take no notice of).
    pub(crate) fn pull_to_integers(&mut self, bits: Bits, scales: &Scales, share: f32) {
        if share == 0.0 {
            return;
        }
        for (sum, scales) in self.sums.iter_mut().zip(&scales.sums) {
            let Some(parameters) = &mut sum.parameters else {
                continue;
            };
            let grid = Grid::of_bits(bits.weights, true, scales.weight);
            let before = parameters.weights.clone();
            change(&mut parameters.weights, &before, |weights, _| {
                for weight in weights {
                    *weight += share * (grid.nearest(*weight) - *weight);
                }
            });
        }
    }

    /// Takes weights back that have gone beyond the range of their integers, so that
    /// they do not have far to go when their sign changes.
    pub fn clip_weights(&mut self, bits: Bits, scales: &Scales) {
        for (sum, scales) in self.sums.iter_mut().zip(&scales.sums) {
            let Some(parameters) = &mut sum.parameters else {
                continue;
            };
            let grid = Grid::of_bits(bits.weights, true, scales.weight);
            // Half a step further is the same integer.
            let (least, largest) = (grid.least - 0.5, grid.largest + 0.5);
            parameters.weights = parameters.weights.clone().map(|weights| {
                let clipped = weights
                    .inner()
                    .clamp(least * grid.step, largest * grid.step);
                Tensor::from_inner(clipped).require_grad()
            });
        }
        for (own, scales) in self.own.iter_mut().zip(&scales.own) {
            let grids = own.place.grids(bits, scales);
            let place = own.place.clone();
            let before = own.numbers.clone();
            change(&mut own.numbers, &before, |numbers, _| {
                for (segment, grid) in place.segments.iter().zip(grids) {
                    let (least, largest) = (grid.least - 0.5, grid.largest + 0.5);
                    for number in &mut numbers[segment.range.clone()] {
                        *number = number.clamp(least * grid.step, largest * grid.step);
                    }
                }
            });
        }
    }

    /// Keeps what a recurrent cell mixes its update in by within its range: ζ from 0 to 1, and
    /// ν from 0 to what states have room for.
    pub(crate) fn clip_mixes(&mut self) {
        for own in &mut self.own {
            let place = own.place.clone();
            let before = own.numbers.clone();
            let mixes = || {
                place
                    .segments
                    .iter()
                    .filter(|it| it.role == TensorRole::Mix)
            };
            if mixes().next().is_none() {
                continue;
            }
            let most = place.most_of_nu(place.fraction());
            change(&mut own.numbers, &before, |numbers, _| {
                for segment in mixes() {
                    let [zeta, nu] = [0, 1].map(|index| segment.range.start + index);
                    numbers[zeta] = numbers[zeta].clamp(0.0, 1.0);
                    numbers[nu] = numbers[nu].clamp(0.0, most);
                }
            });
        }
    }
}

/// How long a step of weights is.
fn share_of_weights(grid: Grid) -> f32 {
    let (least, _) = grid.range();
    let share = (SHARE_OF_DISTANCE * grid.step).max(SHARE_OF_LARGEST * -least);
    share.min(1.0)
}

/// How long a step of a node's own parameters is.
fn share_of_own(segment: &Segment, grid: Grid) -> f32 {
    match segment.role.is_weight() {
        true => share_of_weights(grid),
        false => SHARE_OF_BIASES,
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
                // What was made 0 is so in the mean.
                *mean = if now == 0.0 {
                    0.0
                } else {
                    *mean + share * (now - *mean)
                };
            }
        }
    }
}

#[cfg(test)]
mod tests;
