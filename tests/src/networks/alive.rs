//! Weights whose sums reach over the range of an activation, so that values stay
//! alive through many layers.

use super::numbers::{Numbers, Right};
use super::weights_file::sums;
use crate::reference::{Evaluator, FeatureMap};
use herringbone_compiler::network::{Activation, Bits, Depthwise, Kind, Network, Node, Separable};
use herringbone_compiler::weights::Parameters;

/// The parameters of every node's sums, of those numbers. What is shifted to the
/// right by [`Right::Alive`] is by as much as the largest sum on that input needs.
pub(super) fn parameters(
    network: &Network,
    numbers: &[Vec<Numbers>],
    input: &[u8],
) -> Vec<Vec<Parameters>> {
    let bits = network.bits();
    let mut evaluator = Evaluator::new(network, input);
    let mut all = numbers.iter().flatten();
    let needs_sums = all.any(|numbers| matches!(numbers.right, Right::Alive(_)));
    let nodes = network.nodes().iter().zip(numbers);
    let nodes = nodes.map(|(node, numbers)| {
        let sums = sums(node);
        let mut parameters: Vec<Parameters> = sums
            .iter()
            .zip(numbers)
            .map(|(sum, numbers)| numbers.parameters(sum, bits))
            .collect();
        if !needs_sums {
            return parameters;
        }
        for (index, (sum, numbers)) in sums.iter().zip(numbers).enumerate() {
            let Right::Alive(more) = numbers.right else {
                continue;
            };
            let (linear, activation) = as_sum(node, index + 1 == sums.len());
            let is_dead = largest(activation, &evaluator.compute(&linear, &parameters, true)) == 0;
            if is_dead && sum.weight.is_some() {
                turn(&mut parameters[index], bits);
            }
            let largest = largest(activation, &evaluator.compute(&linear, &parameters, true));
            let sum_bits = i64::BITS - largest.leading_zeros();
            let kept_bits = match activation {
                Activation::Relu => bits.activations,
                Activation::Linear => bits.activations - 1,
            };
            let right = sum_bits as i32 - kept_bits as i32 + more;
            parameters[index].shift.right = right.clamp(0, 31) as u8;
        }
        evaluator.step(node, &parameters);
        parameters
    });
    nodes.collect()
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
        Kind::Pool(_) | Kind::Concat(_) | Kind::Dropout(_) | Kind::Noise(_) => {
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
        *bias = (-i32::from(*bias)).min(most_bias) as i16;
    }
}
