//! Which powers of two a network's integers are to stand for, from a sample of what
//! it computes.

use burn::tensor::Device;
use herringbone_compiler::network::Network;
use herringbone_dataset::Examples;

use crate::intake::Intake;
use crate::integers::input_exponent;
use crate::model::{Model, floats, sum_shapes};
use crate::quantise::{Scales, SumScales, closest_exponent};

/// Examples that scales are found from.
pub const SAMPLE: usize = 256;

/// The scales by which a model's weights, and its activations of these examples,
/// change least. The activations are those of the model in floating point.
pub fn calibrate(network: &Network, model: &Model, sample: &Examples, device: &Device) -> Scales {
    let bits = network.bits();
    let shapes = sum_shapes(network);
    let intake = Intake::of(network);
    let maps = intake.maps(sample.len(), device, |example, activations| {
        intake.take(sample.input(example), activations);
    });
    let mut activations = vec![0; shapes.len()];
    model.run(network, None, maps, None, &mut |index, maps| {
        let numbers = floats(maps.clone());
        let is_signed = shapes[index].is_signed;
        activations[index] = closest_exponent(&numbers, bits.activations, is_signed);
    });
    let mut exponent = input_exponent(network);
    let weights = model.numbers().into_iter();
    let sums = weights
        .zip(&shapes)
        .zip(activations)
        .map(|(((weights, _), shape), activation)| {
            let weight = closest_exponent(&weights, bits.weights, true);
            let scales = if shape.is_exact {
                SumScales::of_result(weight, exponent)
            } else {
                SumScales::of_activation(weight, activation, exponent)
            };
            exponent = scales.activation;
            scales
        });
    Scales {
        sums: sums.collect(),
    }
}
