//! The integers that a model's weights and biases stand for.

use herringbone_compiler::network::Network;

use crate::model::{Model, SumShape};
use crate::quantise::{Grid, Scales};

/// The power of two of a network's raw input.
pub(crate) fn input_exponent(network: &Network) -> i32 {
    -(network.bits().activations as i32)
}

/// A weighted sum in integers.
pub(crate) struct Integers {
    pub(crate) weights: Vec<i8>,
    pub(crate) biases: Vec<i16>,
    /// Bits that products are shifted to the left by, and sums to the right.
    pub(crate) left: i32,
    pub(crate) right: i32,
}

/// Those of each weighted sum.
pub(crate) fn integers(network: &Network, model: &Model, scales: &Scales) -> Vec<Integers> {
    let bits = network.bits();
    let mut input = input_exponent(network);
    let sums = model.numbers().into_iter().zip(&scales.sums);
    sums.map(|((weights, biases), scale)| {
        let multiples = |numbers: Vec<f32>, bits, exponent| {
            let grid = Grid::of_bits(bits, true, exponent);
            let numbers = numbers.into_iter();
            numbers.map(move |number| (grid.nearest(number) / grid.step) as i16)
        };
        let weights = multiples(weights, bits.weights, scale.weight);
        let integers = Integers {
            weights: weights.map(|weight| weight as i8).collect(),
            biases: multiples(biases, bits.biases, scale.sum_exponent(input)).collect(),
            left: scale.left,
            right: scale.right(input),
        };
        input = scale.activation;
        integers
    })
    .collect()
}

/// Up to here `f32` has every integer.
const MOST_OF_F32: u128 = 1 << f32::MANTISSA_DIGITS;

/// Whether every sum of these integers, whatever the input, and every part of one is
/// a number that `f32` has.
pub(crate) fn fit_f32(network: &Network, model: &Model, scales: &Scales) -> bool {
    let largest_activation = (1 << network.bits().activations) - 1;
    let integers = integers(network, model, scales).into_iter();
    let mut largest = integers
        .zip(&model.sums)
        .map(|(integers, sum)| integers.largest(&sum.shape, largest_activation));
    largest.all(|largest| largest <= MOST_OF_F32)
}

impl Integers {
    /// As far from 0 as a sum can be.
    fn largest(&self, shape: &SumShape, largest_activation: u128) -> u128 {
        let outputs = self.biases.len();
        let weights_per_output = self.weights.len() / outputs;
        let mut totals = vec![0; outputs];
        for (at, weight) in self.weights.iter().enumerate() {
            let output = if shape.is_depthwise {
                at % outputs
            } else {
                at / weights_per_output
            };
            totals[output] += u128::from(weight.unsigned_abs());
        }
        let sums = totals.into_iter().zip(&self.biases).map(|(total, bias)| {
            ((total * largest_activation) << self.left) + u128::from(bias.unsigned_abs())
        });
        sums.max().unwrap_or(0)
    }
}
