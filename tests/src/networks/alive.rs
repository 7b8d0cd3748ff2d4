//! Weights whose sums reach over the range of an activation, so that values stay
//! alive through many layers.

use super::numbers::{Numbers, Right};
use super::own::OwnNumbers;
use super::weights_file::sums;
use crate::reference::{Evaluator, FeatureMap};
use herringbone_compiler::network::{
    Activation, Bits, Depthwise, Element, Kind, Network, Node, Separable,
};
use herringbone_compiler::weights::{OwnParameters, Parameters};

/// The parameters of every node's sums, of those numbers. What is shifted to the
/// right by [`Right::Alive`] is by as much as the largest sum on that input needs.
pub(super) fn parameters(
    network: &Network,
    numbers: &[Vec<Numbers>],
    own: &[OwnNumbers],
    input: &[u8],
) -> Vec<(Vec<Parameters>, OwnParameters)> {
    let bits = network.bits();
    let mut evaluator = Evaluator::new(network, input);
    let mut all = numbers.iter().flatten();
    let needs_sums = all.any(|numbers| matches!(numbers.right, Right::Alive(_)));
    let nodes = network.nodes().iter().zip(numbers.iter().zip(own));
    let nodes = nodes.map(|(node, (numbers, own))| {
        let own = own.parameters(node, bits);
        let sums = sums(node);
        let mut parameters: Vec<Parameters> = sums
            .iter()
            .zip(numbers)
            .map(|(sum, numbers)| numbers.parameters(sum, bits))
            .collect();
        if !needs_sums {
            return (parameters, own);
        }
        for (index, (sum, numbers)) in sums.iter().zip(numbers).enumerate() {
            let Right::Alive(more) = numbers.right else {
                continue;
            };
            let (linear, activation) = as_sum(node, index + 1 == sums.len());
            let unshifted = |parameters: &[Parameters]| {
                // A projection has its shift in any case.
                let mut parameters = parameters.to_vec();
                if node.kind.makes() == Element::Wide {
                    parameters[index].shift.right = 0;
                }
                largest(activation, &evaluator.compute(&linear, &parameters, true))
            };
            let is_dead = unshifted(&parameters) == 0;
            if is_dead && sum.weight.is_some() {
                turn(&mut parameters[index], bits);
            }
            let largest = unshifted(&parameters);
            let sum_bits = i64::BITS - largest.leading_zeros();
            let kept_bits = match activation {
                Activation::Relu => bits.activations,
                Activation::Linear => bits.activations - 1,
            };
            let kept_bits = match node.kind.makes() {
                Element::Activation => kept_bits,
                // Fewer than it has, so that trees and prototypes see what is near as near:
                // exponentials of distances beyond 512 are 0.
                Element::Wide if is_before_prototypes(network, node) => 7,
                Element::Wide => 9,
            };
            let right = sum_bits as i32 - kept_bits as i32 + more;
            parameters[index].shift.right = right.clamp(0, 31) as u8;
        }
        evaluator.step(node, &parameters, &own);
        (parameters, own)
    });
    nodes.collect()
}

fn is_before_prototypes(network: &Network, node: &Node) -> bool {
    let readers = &network.value(node.writes).readers;
    readers
        .iter()
        .any(|&reader| match network.node(reader).kind {
            Kind::Prototypes(_) => true,
            Kind::Pool(_)
            | Kind::Convolution(_)
            | Kind::Depthwise(_)
            | Kind::Separable(_)
            | Kind::Dense(_)
            | Kind::Add(_)
            | Kind::Concat(_)
            | Kind::Recurrent(_)
            | Kind::Projection(_)
            | Kind::Tree(_)
            | Kind::Dropout(_)
            | Kind::Noise(_) => false,
        })
}

/// The node without its activation, and that activation; of a separable layer that
/// is not at its last sum, the depthwise half.
fn as_sum(node: &Node, is_last: bool) -> (Node, Activation) {
    let mut linear = node.clone();
    let activation = match &mut linear.kind {
        Kind::Separable(Separable { window, .. }) if !is_last => {
            linear.kind = Kind::Depthwise(Depthwise {
                window: *window,
                activation: Activation::Linear,
                adds: false,
            });
            return (linear, Activation::Linear);
        }
        Kind::Convolution(kind) => &mut kind.activation,
        Kind::Depthwise(kind) => &mut kind.activation,
        Kind::Separable(kind) => &mut kind.activation,
        Kind::Dense(kind) => &mut kind.activation,
        Kind::Add(kind) => &mut kind.activation,
        // It has none.
        Kind::Projection(_) => return (linear, Activation::Linear),
        Kind::Pool(_)
        | Kind::Concat(_)
        | Kind::Recurrent(_)
        | Kind::Tree(_)
        | Kind::Prototypes(_)
        | Kind::Dropout(_)
        | Kind::Noise(_) => {
            unreachable!("{node} has no sums")
        }
    };
    let activation = std::mem::replace(activation, Activation::Linear);
    (linear, activation)
}

/// The largest sum that is not 0 after that activation.
fn largest(activation: Activation, sums: &FeatureMap) -> u64 {
    let sums = sums.values.iter().map(|&sum| match activation {
        Activation::Relu => sum.max(0).unsigned_abs(),
        Activation::Linear => sum.unsigned_abs(),
    });
    sums.max().unwrap_or(0)
}

/// Turns the sign of every sum, as far as bits allow.
fn turn(parameters: &mut Parameters, bits: Bits) {
    let most_weight = (1i32 << (bits.weights - 1)) - 1;
    for weight in &mut parameters.weight {
        *weight = (-i32::from(*weight)).min(most_weight) as i8;
    }
    let most_bias = (1i32 << (bits.biases - 1)) - 1;
    for bias in &mut parameters.bias {
        *bias = (-*bias).min(most_bias);
    }
}
