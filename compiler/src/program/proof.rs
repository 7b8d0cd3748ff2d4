//! Which accumulator holds every sum of a layer, whatever the input: proven from
//! its weights.

use super::Accumulator;
use super::accumulator::{ActivationRange, SumTooWide, accumulator_for};
use crate::network::{ByNode, LayerId, Network, Node, NodeId, SumHalf};
use crate::plan::SumBytes;
use crate::weights::Weights;
use std::fmt;

/// A layer that no program can compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgramError {
    pub layer: LayerId,
    sum: SumTooWide,
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SumTooWide {
            output,
            low,
            high,
            widest,
        } = self.sum;
        write!(
            f,
            "the sum of output {output} of layer {} can be anything from {low} to {high}, and an \
             accumulator has {} bits: use smaller weights, fewer inputs or a smaller left shift",
            self.layer,
            8 * widest.bytes()
        )
    }
}

/// The accumulators of every layer's sums.
#[derive(Clone, Debug)]
pub struct Accumulators(ByNode<(Accumulator, Accumulator)>);

impl Accumulators {
    /// Of weights that are only known at run time.
    pub fn at_run_time(network: &Network) -> Self {
        let one = Accumulator::at_run_time(network.bits());
        Self(ByNode::new(vec![(one, one); network.nodes().len()]))
    }

    /// Of the layer's sum, or of the two of a separable layer.
    pub fn of(&self, layer: NodeId) -> (Accumulator, Accumulator) {
        self.0[layer]
    }

    /// Bytes of the sums of each layer that keeps any.
    pub fn sum_bytes(&self) -> SumBytes {
        SumBytes::new(
            self.0
                .entries()
                .iter()
                .map(|(_, last)| last.bytes())
                .collect(),
        )
    }

    /// The widest of any layer.
    pub fn widest(&self) -> Accumulator {
        let both = self
            .0
            .entries()
            .iter()
            .map(|&(first, second)| first.max(second));
        both.max().unwrap_or(Accumulator::I16)
    }
}

/// Proves the accumulators of every layer from its weights.
///
/// # Errors
/// Every layer whose sums could pass 32 bits.
pub fn prove(network: &Network, weights: &Weights) -> Result<Accumulators, Vec<ProgramError>> {
    prove_within(network, weights, Accumulator::I32)
}

pub(super) fn prove_within(
    network: &Network,
    weights: &Weights,
    widest: Accumulator,
) -> Result<Accumulators, Vec<ProgramError>> {
    let mut errors = Vec::new();
    let mut accumulators = Vec::new();
    for node in network.nodes() {
        match of_node(network, node, weights, widest) {
            Ok(proven) => accumulators.push(proven),
            Err(sum) => errors.push(ProgramError {
                layer: node.layer,
                sum,
            }),
        }
    }
    if errors.is_empty() {
        Ok(Accumulators(ByNode::new(accumulators)))
    } else {
        Err(errors)
    }
}

/// The accumulators of a node's first and last sum.
fn of_node(
    network: &Network,
    node: &Node,
    weights: &Weights,
    widest: Accumulator,
) -> Result<(Accumulator, Accumulator), SumTooWide> {
    let bits = network.bits().activations;
    let mut proven = Vec::new();
    for (sum, parameters) in node.sums().zip(weights.node(node.id)) {
        let signed = match sum.half {
            SumHalf::Only | SumHalf::Depthwise => node.signed_input,
            // It reads what the depthwise half makes, which has no activation.
            SumHalf::Pointwise => true,
        };
        let range = ActivationRange::new(bits, signed);
        let added = node
            .added()
            .filter(|_| sum.adds)
            .map(|value| ActivationRange::new(bits, network.value(value).signed));
        proven.push(accumulator_for(&sum, parameters, (range, added), widest)?);
    }
    let first = proven.first().copied().unwrap_or(Accumulator::I16);
    Ok((first, proven.last().copied().unwrap_or(first)))
}
