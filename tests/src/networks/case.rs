//! A network with weights and inputs.

use super::alive;
use super::numbers::{Fill, Numbers, Right};
use super::own::OwnNumbers;
use super::weights_file::weights_file;
use herringbone_compiler::network::{Bits, Network, Shape};
use herringbone_compiler::weights::{self, Weights};

/// A network with weights and inputs.
pub struct Case {
    pub network: Network,
    /// Its weights, as they are read back from the file.
    pub weights: Weights,
    /// The bytes of the weights file.
    pub file: Vec<u8>,
    /// Inputs to run it on.
    pub inputs: Vec<Vec<u8>>,
}

impl Case {
    /// Weights from the numbers of each node's sums.
    pub(super) fn new(network: Network, numbers: &[Vec<Numbers>], inputs: &[Fill]) -> Self {
        let own = vec![OwnNumbers::PLAIN; numbers.len()];
        Self::with_own(network, numbers, &own, inputs)
    }

    /// The same, with what fills the tensors of each node that are not of sums.
    pub(super) fn with_own(
        network: Network,
        numbers: &[Vec<Numbers>],
        own: &[OwnNumbers],
        inputs: &[Fill],
    ) -> Self {
        let bytes = |fill: &Fill| -> Vec<u8> {
            let values = fill.values(0, 255, network.input().values());
            values.into_iter().map(|value| value as u8).collect()
        };
        let inputs: Vec<Vec<u8>> = inputs.iter().map(bytes).collect();
        let file = weights_file(
            &network,
            &alive::parameters(&network, numbers, own, &inputs[0]),
        );
        let weights = weights::read(&network, &file).expect("the file is made for the network");
        Self {
            inputs,
            network,
            weights,
            file,
        }
    }

    /// That network with random weights and one random input.
    pub fn random(network: Network, seed: u64) -> Self {
        Self::shifted(network, seed, 1)
    }

    /// The same, whose sums are shifted up by that many bits before their bias is added.
    pub fn shifted(network: Network, seed: u64, left: u8) -> Self {
        // Joined maps die out more easily.
        let right = if network.is_chain() {
            Right::Near(-1)
        } else {
            Right::Alive(0)
        };
        let numbers = |node: u64| {
            let random = |tensor| Fill::Random(seed + 4 * node + tensor);
            [0, 2].map(|half| Numbers {
                weights: random(half),
                biases: random(half + 1),
                bias_shift: 8,
                left,
                right,
                skip: 0,
            })
        };
        let nodes = 0..network.nodes().len() as u64;
        let numbers: Vec<_> = nodes.map(|node| numbers(node).to_vec()).collect();
        Self::new(network, &numbers, &[Fill::Random(seed)])
    }

    /// The list as the declaration writes it: `[8, 9, 1] => < M, D*(10) >`.
    pub fn list(&self) -> String {
        list(&self.network)
    }

    /// The entry of `bits` as the declaration writes it.
    pub fn bits(&self) -> String {
        let Bits {
            weights,
            biases,
            activations,
        } = self.network.bits();
        format!("{{ weights: {weights}, biases: {biases}, activations: {activations} }}")
    }
}

/// A network's list as the declaration writes it.
pub fn list(network: &Network) -> String {
    let items: Vec<String> = network.items().iter().map(ToString::to_string).collect();
    let Shape {
        height,
        width,
        channels,
    } = network.input();
    format!(
        "[{height}, {width}, {channels}] => < {} >",
        items.join(", ")
    )
}
