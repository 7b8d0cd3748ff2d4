//! From a model to the integers that its network runs with, and back.

use burn::tensor::Device;
use herringbone_compiler::network::Network;
use herringbone_compiler::weights::{
    ExpectedTensor, LayerParameters, Parameters, Weights, expected_tensors,
};
use safetensors::tensor::TensorView;

use crate::model::Model;
use crate::quantise::{Grid, Scales, SumScales};

/// The power of two of a network's raw input.
fn input_exponent(network: &Network) -> i32 {
    -(network.bits().activations as i32)
}

/// A weighted sum in integers.
struct Integers {
    weights: Vec<u8>,
    biases: Vec<u8>,
    shift: [u8; 2],
}

/// The weights file of a model, as `network!` reads it.
///
/// # Errors
/// When a scale is so far off that shifts do not fit a byte: only of a training
/// that diverged.
pub fn export(network: &Network, model: &Model, scales: &Scales) -> anyhow::Result<Vec<u8>> {
    let bits = network.bits();
    let mut exponent = input_exponent(network);
    let mut sums = Vec::new();
    for ((weights, bias), scale) in model.numbers().into_iter().zip(&scales.sums) {
        let sum = scale.sum_exponent(exponent);
        let integers = |numbers: Vec<f32>, bits, exponent| {
            let grid = Grid::of_bits(bits, true, exponent);
            let multiples = numbers
                .into_iter()
                .map(move |number| grid.nearest(number) / grid.step);
            multiples.map(|multiple| multiple as i16)
        };
        let shift = |bits: i32| u8::try_from(bits);
        sums.push(Integers {
            weights: integers(weights, bits.weights, scale.weight)
                .map(|weight| weight as i8 as u8)
                .collect(),
            biases: integers(bias, bits.biases, sum)
                .flat_map(i16::to_le_bytes)
                .collect(),
            shift: [shift(scale.left)?, shift(scale.right(exponent))?],
        });
        exponent = scale.activation;
    }
    let tensors = expected_tensors(network);
    let views = tensors.as_chunks::<3>().0.iter().zip(&sums).flat_map(
        |([weight, bias, shift], integers)| {
            [
                view(weight, &integers.weights),
                view(bias, &integers.biases),
                view(shift, &integers.shift),
            ]
        },
    );
    Ok(safetensors::serialize(views, None)?)
}

fn view<'a>(tensor: &'a ExpectedTensor, bytes: &'a [u8]) -> (&'a str, TensorView<'a>) {
    let view = TensorView::new(tensor.role.dtype(), tensor.shape.clone(), bytes);
    (
        &tensor.name,
        view.expect("a network has tensors of such shapes"),
    )
}

/// The model of integers, with weights of about the size that training gives them.
///
/// The scale of the whole is lost in integers; any one computes the same.
pub fn import(network: &Network, weights: &Weights, device: &Device) -> (Model, Scales) {
    let mut exponent = input_exponent(network);
    let mut numbers = Vec::new();
    let mut scales = Vec::new();
    for layer in network.layers() {
        let mut take = |parameters: &Parameters, is_exact: bool| {
            let largest = parameters.weight.iter().map(|it| it.unsigned_abs()).max();
            let weight = -(f32::from(largest.unwrap_or(1).max(1)).log2().ceil() as i32);
            let [left, right] = [parameters.shift.left, parameters.shift.right].map(i32::from);
            let sum = weight + exponent - left;
            let activation = if is_exact { sum } else { sum + right };
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
                activation,
            });
            exponent = activation;
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
