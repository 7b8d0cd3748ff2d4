//! Which accumulator holds every sum of a layer, whatever the input: proven from
//! its weights.

mod own;
mod range;

pub use range::ValueRange;

use super::Accumulator;
use crate::network::{ByNode, Element, LayerId, Network, Node, NodeId, SumHalf, SumShape};
use crate::plan::SumBytes;
use crate::weights::{Parameters, Weights};
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
            range: ValueRange { low, high },
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
        let nodes = network.nodes().iter();
        let one = |node| accumulator_at_run_time(network, node);
        Self(ByNode::new(
            nodes.map(|node| (one(node), one(node))).collect(),
        ))
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

/// Of weights that are only known at run time: 32 bits where values are wide.
fn accumulator_at_run_time(network: &Network, node: &Node) -> Accumulator {
    let is_wide = node.sums().any(|sum| sum.has_wide_biases()) || !node.tensors().is_empty();
    match is_wide {
        true => Accumulator::I32,
        false => Accumulator::at_run_time(network.bits()),
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
    let values = match node.input_element {
        Element::Activation => ValueRange::of_activation(bits, node.signed_input),
        Element::Wide => own::WIDE,
    };
    if !node.tensors().is_empty() {
        own::of_node(node, weights.own(node.id), values)?;
        return Ok((Accumulator::I32, Accumulator::I32));
    }
    let mut proven = Vec::new();
    for (sum, parameters) in node.sums().zip(weights.node(node.id)) {
        let range = match sum.half {
            SumHalf::Only | SumHalf::Depthwise => values,
            // It reads what the depthwise half makes, which has no activation.
            SumHalf::Pointwise => ValueRange::of_activation(bits, true),
        };
        let added = node
            .added()
            .filter(|_| sum.adds)
            .map(|value| ValueRange::of_activation(bits, network.value(value).signed));
        let widest = match sum.has_wide_biases() {
            true => Accumulator::I32,
            false => widest,
        };
        proven.push(accumulator_for(&sum, parameters, (range, added), widest)?);
    }
    let first = proven.first().copied().unwrap_or(Accumulator::I16);
    Ok((first, proven.last().copied().unwrap_or(first)))
}

/// A sum that could pass the widest accumulator that it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SumTooWide {
    /// The output channel.
    output: usize,
    /// What the sum could be.
    range: ValueRange,
    /// The accumulator that is too narrow.
    widest: Accumulator,
}

/// The narrowest accumulator, up to `widest`, for
/// `t = (Σ w·x << left) + bias + (s << skip)` of every output, whatever the inputs
/// in the first range, and the values that are added in the second one.
///
/// Sums are kept modulo 2^16 or 2^32, so that it is enough to bound `t` itself: a
/// partial sum that wraps around comes back.
///
/// # Errors
/// The first output whose sum could pass `widest`.
fn accumulator_for(
    sum: &SumShape,
    parameters: &Parameters,
    (inputs, added): (ValueRange, Option<ValueRange>),
    widest: Accumulator,
) -> Result<Accumulator, SumTooWide> {
    let shift = &parameters.shift;
    let added = added.unwrap_or_default().shifted_up(shift.skip.into());
    let mut needed = Accumulator::I16;
    for (output, &bias) in parameters.bias.iter().enumerate() {
        let weights = (0..sum.rows()).map(|row| parameters.weight_of(sum, row, output as u32));
        let range = inputs
            .weighted_sum(weights)
            .shifted_up(shift.left.into())
            .plus(ValueRange::just(bias.into()))
            .plus(added);
        let accumulator = Accumulator::holding(range)
            .filter(|&accumulator| accumulator <= widest)
            .ok_or(SumTooWide {
                output,
                range,
                widest,
            })?;
        needed = needed.max(accumulator);
    }
    Ok(needed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Element, Kernel, SumHalf, WeightOrder};
    use crate::weights::Shift;

    fn width(weight: &[i8], bias: i32, left: u8) -> Result<Accumulator, SumTooWide> {
        let shift = Shift {
            left,
            right: 0,
            skip: 0,
        };
        let parameters = Parameters {
            weight: weight.to_vec(),
            bias: vec![bias],
            shift,
        };
        let range = ValueRange::of_activation(4, false);
        let sum = SumShape {
            half: SumHalf::Only,
            order: WeightOrder::OutputInput,
            kernel: Kernel::square(1),
            inputs: weight.len() as u32,
            outputs: 1,
            positions: 1,
            adds: false,
            reads: Element::Activation,
            makes: Element::Activation,
        };
        accumulator_for(&sum, &parameters, (range, None), Accumulator::I32)
    }

    #[test]
    fn sixteen_bits_are_taken_up_to_the_last_value_that_fits() {
        assert_eq!(
            width(&[1], i32::from(i16::MAX) - 15, 0),
            Ok(Accumulator::I16)
        );
        assert_eq!(
            width(&[1], i32::from(i16::MAX) - 14, 0),
            Ok(Accumulator::I32)
        );
        assert_eq!(
            width(&[-1], i32::from(i16::MIN) + 15, 0),
            Ok(Accumulator::I16)
        );
        assert_eq!(
            width(&[-1], i32::from(i16::MIN) + 14, 0),
            Ok(Accumulator::I32)
        );
    }

    #[test]
    fn only_the_whole_sum_counts() {
        assert_eq!(width(&[127; 18], -30_000, 0), Ok(Accumulator::I16));
        assert_eq!(width(&[127; 18], 0, 0), Ok(Accumulator::I32));
    }

    #[test]
    fn past_thirty_two_bits_is_an_error_that_names_the_bounds() {
        let bounds = SumTooWide {
            output: 0,
            range: ValueRange {
                low: 0,
                high: 15 << 28,
            },
            widest: Accumulator::I32,
        };
        assert_eq!(width(&[1], 0, 28), Err(bounds));
        assert_eq!(width(&[0], 5, 31), Ok(Accumulator::I16));
    }
}
