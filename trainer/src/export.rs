//! From a model to the integers that its network runs with, and back.

use std::fmt::Display;

use anyhow::anyhow;
use burn::tensor::Device;
use herringbone_compiler::network::Network;
use herringbone_compiler::program;
use herringbone_compiler::weights::{
    self, ExpectedTensor, Parameters, Shift, Weights, expected_tensors,
};
use safetensors::tensor::TensorView;

use crate::integers::{input_exponent, integers};
use crate::model::{Model, SumPlace, sum_places};
use crate::quantise::{Scales, SumScales};

/// The weights file of a model, as `network!` reads it.
///
/// # Errors
/// When `network!` would refuse it, because a sum could pass 32 bits.
pub fn export(network: &Network, model: &Model, scales: &Scales) -> anyhow::Result<Vec<u8>> {
    let sums = integers(network, model, scales).into_iter();
    let mut bytes = Vec::new();
    for (integers, sum) in sums.zip(&model.sums) {
        let shape = &sum.place.shape;
        if shape.tensor().is_some() {
            let weights = integers.weights.iter().map(|&weight| weight as u8);
            let biases = integers.biases.iter().flat_map(|bias| bias.to_le_bytes());
            bytes.extend([weights.collect(), biases.collect()]);
        }
        let (names, _) = shape.shifts();
        let shifts = names.iter().map(|&name| {
            u8::try_from(match name {
                "left" => integers.left,
                "right" => integers.right,
                "skip" => integers.skip,
                _ => unreachable!("there are three shifts"),
            })
        });
        bytes.push(shifts.collect::<Result<Vec<u8>, _>>()?);
    }
    let tensors = expected_tensors(network);
    let views = tensors.iter().zip(&bytes);
    let file = safetensors::serialize(views.map(|(tensor, bytes)| view(tensor, bytes)), None)?;
    let weights = weights::read(network, &file).map_err(all_told)?;
    program::prove(network, &weights).map_err(all_told)?;
    Ok(file)
}

pub(crate) fn all_told(errors: Vec<impl Display>) -> anyhow::Error {
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    anyhow!("{}", told.join("\n"))
}

fn view<'a>(tensor: &'a ExpectedTensor, bytes: &'a [u8]) -> (&'a str, TensorView<'a>) {
    let view = TensorView::new(tensor.role.dtype(), tensor.shape.clone(), bytes);
    (
        &tensor.name,
        view.expect("a network has tensors of such shapes"),
    )
}

/// The model of integers.
///
/// In integers the scale of the whole is lost, and any one computes the same: here
/// activations are of about 1, and so are the largest weights of logits.
pub fn import(network: &Network, weights: &Weights, device: &Device) -> (Model, Scales) {
    let input = input_exponent(network);
    let places = sum_places(network).into_iter();
    let nodes = network.computing_nodes();
    let parameters = nodes.flat_map(|node| weights.node(node.id));
    let (numbers, sums): (Vec<_>, Vec<_>) = places
        .zip(parameters)
        .map(|(place, parameters)| of_integers(&place, parameters, input))
        .unzip();
    let model = Model::of_numbers(network, numbers, device);
    (model, Scales { sums })
}

/// The weights, biases and scales of a sum that reads maps of that power, and writes
/// another.
fn of_integers(
    place: &SumPlace,
    parameters: &Parameters,
    input: i32,
) -> ((Vec<f32>, Vec<f32>), SumScales) {
    let Shift { left, right, skip } = parameters.shift;
    let [left, right, skip] = [left, right, skip].map(i32::from);
    let weight = if place.is_exact {
        let largest = parameters.weight.iter().map(|it| it.unsigned_abs()).max();
        -(f32::from(largest.unwrap_or(1).max(1)).log2().ceil() as i32)
    } else {
        left - right
    };
    let sum = weight + input - left;
    let of = |exponent: i32| (exponent as f32).exp2();
    let mut numbers = (Vec::new(), Vec::new());
    if place.shape.tensor().is_some() {
        let weights = parameters.weight.iter();
        let biases = parameters.bias.iter();
        numbers = (
            weights.map(|&it| f32::from(it) * of(weight)).collect(),
            biases.map(|&it| f32::from(it) * of(sum)).collect(),
        );
    }
    let scales = SumScales {
        weight,
        left,
        activation: if place.is_exact { sum } else { input },
        added: if place.shape.adds {
            skip + sum - input
        } else {
            0
        },
    };
    (numbers, scales)
}
