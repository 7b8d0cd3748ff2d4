//! From a model to the integers that its network runs with, and back.

use std::fmt::Display;

use anyhow::anyhow;
use burn::tensor::Device;
use herringbone_compiler::network::Network;
use herringbone_compiler::program;
use herringbone_compiler::weights::{
    self, ExpectedTensor, LayerParameters, Parameters, Weights, expected_tensors,
};
use safetensors::tensor::TensorView;

use crate::integers::{input_exponent, integers};
use crate::model::Model;
use crate::quantise::{Scales, SumScales};

/// The weights file of a model, as `network!` reads it.
///
/// # Errors
/// When `network!` would refuse it, because a sum could pass 32 bits.
pub fn export(network: &Network, model: &Model, scales: &Scales) -> anyhow::Result<Vec<u8>> {
    let bytes = integers(network, model, scales).into_iter().map(|sum| {
        let weights = sum.weights.iter().map(|&weight| weight as u8);
        let biases = sum.biases.iter().flat_map(|bias| bias.to_le_bytes());
        let shift = [u8::try_from(sum.left)?, u8::try_from(sum.right)?];
        anyhow::Ok([weights.collect(), biases.collect(), shift.to_vec()])
    });
    let bytes: Vec<[Vec<u8>; 3]> = bytes.collect::<anyhow::Result<_>>()?;
    let tensors = expected_tensors(network);
    let views = tensors.iter().zip(bytes.iter().flatten());
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
    let mut numbers = Vec::new();
    let mut scales = Vec::new();
    for layer in network.layers() {
        let mut take = |parameters: &Parameters, is_exact: bool| {
            let [left, right] = [parameters.shift.left, parameters.shift.right].map(i32::from);
            let weight = if is_exact {
                let largest = parameters.weight.iter().map(|it| it.unsigned_abs()).max();
                -(f32::from(largest.unwrap_or(1).max(1)).log2().ceil() as i32)
            } else {
                left - right
            };
            let sum = weight + input - left;
            let of = |exponent: i32| (exponent as f32).exp2();
            let weights = parameters.weight.iter();
            let biases = parameters.bias.iter();
            numbers.push((
                weights.map(|&it| f32::from(it) * of(weight)).collect(),
                biases.map(|&it| f32::from(it) * of(sum)).collect(),
            ));
            scales.push(SumScales {
                weight,
                left,
                activation: if is_exact { sum } else { input },
            });
        };
        let is_exact = layer.id == network.last_layer().id && network.gives_logits();
        match weights.layer(layer.id) {
            LayerParameters::None => {}
            LayerParameters::Single(parameters) => take(parameters, is_exact),
            LayerParameters::Separable {
                depthwise,
                pointwise,
            } => {
                take(depthwise, false);
                take(pointwise, is_exact);
            }
        }
    }
    (
        Model::of_numbers(network, numbers, device),
        Scales { sums: scales },
    )
}
