//! The integers that a model's weights and biases stand for.

use herringbone_compiler::network::{Network, PoolFunction};

use crate::model::{Model, SumPlace};
use crate::quantise::{Grid, ReadScales, Scales};

/// The power of two of a network's raw input.
pub(crate) fn input_exponent(network: &Network) -> i32 {
    -(network.bits().activations as i32)
}

/// A weighted sum in integers.
pub(crate) struct Integers {
    pub(crate) weights: Vec<i8>,
    pub(crate) biases: Vec<i32>,
    /// Bits that products are shifted to the left by, sums to the right, and a map that
    /// is added to the left.
    pub(crate) left: i32,
    pub(crate) right: i32,
    pub(crate) skip: i32,
}

/// The powers of two of what each weighted sum reads.
pub(crate) fn reads(network: &Network, scales: &Scales) -> Vec<ReadScales> {
    let exponents = scales.exponents(network);
    let mut all = Vec::with_capacity(scales.sums.len());
    for node in network.computing_nodes() {
        let mut input = exponents[node.reads[0]];
        for sum in node.sums() {
            let added = node.added().filter(|_| sum.adds);
            let added = added.map(|value| exponents[value]);
            all.push(ReadScales { input, added });
            // What the next half reads.
            input = scales.sums[all.len() - 1].activation;
        }
    }
    all
}

/// Those of each weighted sum.
pub(crate) fn integers(network: &Network, model: &Model, scales: &Scales) -> Vec<Integers> {
    let bits = network.bits();
    let numbers = model.numbers().into_iter().zip(&scales.sums);
    let sums = numbers.zip(reads(network, scales)).zip(&model.sums);
    sums.map(|((((weights, biases), scale), reads), sum)| {
        let multiples = |numbers: Vec<f32>, bits, exponent| {
            let grid = Grid::of_bits(bits, true, exponent);
            let numbers = numbers.into_iter();
            numbers.map(move |number| (grid.nearest(number) / grid.step) as i32)
        };
        let weights = multiples(weights, bits.weights, scale.weight);
        let (bias_bits, sum_exponent) =
            (sum.place.bias_bits(bits), scale.sum_exponent(reads.input));
        Integers {
            weights: weights.map(|weight| weight as i8).collect(),
            biases: multiples(biases, bias_bits, sum_exponent).collect(),
            left: scale.left,
            right: scale.right(reads.input),
            skip: scale.skip(reads),
        }
    })
    .collect()
}

/// Up to here `f32` has every integer.
const MOST_OF_F32: u128 = 1 << f32::MANTISSA_DIGITS;

/// Whether every sum of these integers, whatever the input, and every part of one is
/// a number that `f32` has.
pub(crate) fn fit_f32(network: &Network, model: &Model, scales: &Scales) -> bool {
    // The products of wide values have more bits.
    if !model.own.is_empty() {
        return false;
    }
    let largest_activation = (1 << network.bits().activations) - 1;
    let integers = integers(network, model, scales).into_iter();
    let of_sums = integers
        .zip(&model.sums)
        .map(|(integers, sum)| integers.largest(&sum.place, largest_activation));
    let nodes = network.computing_nodes();
    let of_means = nodes.filter_map(|node| match node.kind.pools() {
        // The sum of a window, and one more of each value: what the division needs to
        // be rounded to the same side as the quotient.
        Some(PoolFunction::Average) => {
            Some(u128::from(node.field().kernel.taps()) * (largest_activation + 1))
        }
        Some(PoolFunction::Maximum) | None => None,
    });
    of_sums
        .chain(of_means)
        .all(|largest| largest <= MOST_OF_F32)
}

impl Integers {
    /// As far from 0 as a sum can be.
    fn largest(&self, place: &SumPlace, largest_activation: u128) -> u128 {
        let shape = &place.shape;
        let added = if shape.adds {
            largest_activation << self.skip
        } else {
            0
        };
        let has_weights = shape.tensor().is_some();
        let sums = (0..shape.outputs).map(|output| {
            let (mut total, mut bias) = (1, 0);
            if has_weights {
                let weights =
                    (0..shape.rows()).map(|row| self.weights[shape.weight_index(row, output)]);
                total = weights
                    .map(|weight| u128::from(weight.unsigned_abs()))
                    .sum();
                bias = u128::from(self.biases[output as usize].unsigned_abs());
            }
            ((total * largest_activation) << self.left) + bias + added
        });
        sums.max().unwrap_or(0)
    }
}
