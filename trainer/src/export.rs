//! From a model to the integers that its network runs with, and back.

use std::fmt::Display;

use anyhow::anyhow;
use burn::tensor::Device;
use herringbone_compiler::network::{ByValue, Element, Network, Node, TensorRole};
use herringbone_compiler::program;
use herringbone_compiler::weights::{
    self, ExpectedTensor, Parameters, Shift, Weights, expected_tensors,
};
use safetensors::tensor::TensorView;

use crate::calibrate::fixed_exponent;
use crate::integers::{Integers, input_exponent, integers};
use crate::model::{Model, SumPlace, floats, sum_places};
use crate::own::{Own, OwnScales, has_own, own_places};
use crate::quantise::{Scales, SumScales};

/// The weights file of a model, as `network!` reads it.
///
/// # Errors
/// When `network!` would refuse it, because a sum could pass 32 bits.
pub fn export(network: &Network, model: &Model, scales: &Scales) -> anyhow::Result<Vec<u8>> {
    let mut sums = integers(network, model, scales)
        .into_iter()
        .zip(&model.sums);
    let mut own = model.own.iter().zip(&scales.own);
    let exponents = scales.exponents(network);
    let mut bytes = Vec::new();
    for node in network.computing_nodes() {
        for (integers, sum) in sums.by_ref().take(node.sums().count()) {
            bytes.extend(of_sum(&integers, &sum.place)?);
        }
        if has_own(node) {
            let (own, scales) = own.next().expect("such a node has its own parameters");
            let input = exponents[node.reads[0]];
            bytes.extend(of_own(network, own, scales, input, node)?);
        }
    }
    let tensors = expected_tensors(network);
    let views = tensors.iter().zip(&bytes);
    let file = safetensors::serialize(views.map(|(tensor, bytes)| view(tensor, bytes)), None)?;
    let weights = weights::read(network, &file).map_err(all_told)?;
    program::prove(network, &weights).map_err(all_told)?;
    Ok(file)
}

/// The bytes of a weighted sum's tensors.
fn of_sum(integers: &Integers, place: &SumPlace) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut bytes = Vec::new();
    {
        let shape = &place.shape;
        if shape.tensor().is_some() {
            let weights = integers.weights.iter().map(|&weight| weight as u8);
            let width = if shape.has_wide_biases() { 4 } else { 2 };
            let biases = integers.biases.iter();
            let biases = biases.flat_map(|bias| bias.to_le_bytes().into_iter().take(width));
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
    Ok(bytes)
}

/// The bytes of a node's own tensors.
fn of_own(
    network: &Network,
    own: &Own,
    scales: &OwnScales,
    input: i32,
    node: &Node,
) -> anyhow::Result<Vec<Vec<u8>>> {
    let numbers = floats(own.numbers.val());
    let (segments, shifts) = own.place.integers(network.bits(), &numbers, scales, input);
    let mut all = Vec::new();
    for tensor in node.tensors() {
        let mut bytes = Vec::new();
        if let TensorRole::Shift(_) = tensor.role {
            let shifts = shifts.iter().flatten().map(|&shift| u8::try_from(shift));
            all.push(shifts.collect::<Result<Vec<u8>, _>>()?);
            continue;
        }
        let of_tensor = own.place.segments.iter().zip(&segments);
        for (_, integers) in of_tensor.filter(|(segment, _)| segment.role == tensor.role) {
            let width = tensor.dtype.bytes() as usize;
            let integers = integers.iter();
            bytes.extend(integers.flat_map(|it| it.to_le_bytes().into_iter().take(width)));
        }
        all.push(bytes);
    }
    Ok(all)
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
    let mut places = sum_places(network).into_iter();
    let mut own_places = own_places(network).into_iter();
    let mut exponents = ByValue::new(vec![input; network.values().len()]);
    let (mut numbers, mut numbers_of_own) = (Vec::new(), Vec::new());
    let mut scales = Scales {
        sums: Vec::new(),
        own: Vec::new(),
    };
    for node in network.computing_nodes() {
        let read = exponents[node.reads[0]];
        for parameters in weights.node(node.id) {
            let place = places.next().expect("as many sums as parameters");
            let made = match place.shape.makes {
                Element::Activation => input,
                Element::Wide => wide_exponent(network, node),
            };
            let (of_sum, scales_of_sum) = of_integers(&place, parameters, read, made);
            exponents[node.writes] = scales_of_sum.activation;
            numbers.push(of_sum);
            scales.sums.push(scales_of_sum);
        }
        if has_own(node) {
            let place = own_places
                .next()
                .expect("such a node has its own parameters");
            let (of_own, scales_of_own) = place.of_integers(weights.own(node.id), read);
            exponents[node.writes] = scales_of_own.activation;
            numbers_of_own.push((of_own, Vec::new()));
            scales.own.push(scales_of_own);
        }
    }
    numbers.extend(numbers_of_own);
    (Model::of_numbers(network, numbers, device), scales)
}

/// What 1 of a wide value may stand for, 2 to that power.
fn wide_exponent(network: &Network, node: &Node) -> i32 {
    fixed_exponent(network, node.writes).unwrap_or(WIDE)
}

/// One of many that would do.
const WIDE: i32 = -12;

/// The weights, biases and scales of a sum that reads maps of the power `input`, and writes
/// another: of `made`, unless its results are sums.
fn of_integers(
    place: &SumPlace,
    parameters: &Parameters,
    input: i32,
    made: i32,
) -> ((Vec<f32>, Vec<f32>), SumScales) {
    let Shift { left, right, skip } = parameters.shift;
    let [left, right, skip] = [left, right, skip].map(i32::from);
    let weight = if place.is_exact {
        let largest = parameters.weight.iter().map(|it| it.unsigned_abs()).max();
        -(f32::from(largest.unwrap_or(1).max(1)).log2().ceil() as i32)
    } else {
        made - input + left - right
    };
    let sum = weight + input - left;
    let of = |exponent: i32| (exponent as f32).exp2();
    let mut numbers = (Vec::new(), Vec::new());
    if place.shape.tensor().is_some() {
        let weights = parameters.weight.iter();
        let biases = parameters.bias.iter();
        numbers = (
            weights.map(|&it| f32::from(it) * of(weight)).collect(),
            biases.map(|&it| it as f32 * of(sum)).collect(),
        );
    }
    let scales = SumScales {
        weight,
        left,
        activation: if place.is_exact { sum } else { made },
        added: if place.shape.adds {
            skip + sum - input
        } else {
            0
        },
    };
    (numbers, scales)
}
