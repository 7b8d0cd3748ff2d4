//! Which accumulator holds every sum of a layer, whatever the input: proven from
//! its weights.

use super::Accumulator;
use super::accumulator::{ActivationRange, SumTooWide, accumulator_for};
use crate::network::{LayerId, Network};
use crate::plan::SumBytes;
use crate::weights::{LayerParameters, Parameters, Weights};
use std::fmt;

/// A layer that no program can compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgramError {
    /// The layer.
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
pub struct Accumulators(Vec<(Accumulator, Accumulator)>);

impl Accumulators {
    /// Of weights that are only known at run time.
    pub fn at_run_time(network: &Network) -> Self {
        let one = Accumulator::at_run_time(network.bits());
        Self(vec![(one, one); network.layers().len()])
    }

    /// Of the layer's sum, or of the two of a separable layer.
    pub fn of(&self, layer: LayerId) -> (Accumulator, Accumulator) {
        self.0[layer.0]
    }

    /// Bytes of the sums of each layer that keeps any.
    pub fn sum_bytes(&self) -> SumBytes {
        SumBytes::new(self.0.iter().map(|(_, last)| last.bytes()).collect())
    }

    /// The widest of any layer.
    pub fn widest(&self) -> Accumulator {
        let both = self.0.iter().map(|&(first, second)| first.max(second));
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
    for layer in network.layers() {
        let bits = network.bits().activations;
        let range = ActivationRange::new(bits, layer.signed_input);
        // Weights of one output behind the other, as every tensor but the
        // depthwise one has them.
        let by_output = |parameters: &Parameters, range| {
            let per_output = parameters.weight.len() / parameters.bias.len();
            accumulator_for(parameters, range, widest, |output| {
                parameters.weight[output * per_output..][..per_output].iter()
            })
        };
        let proven = match weights.layer(layer.id) {
            LayerParameters::None => Ok((Accumulator::I16, Accumulator::I16)),
            LayerParameters::Single(sum) => by_output(sum, range).map(|one| (one, one)),
            LayerParameters::Separable {
                depthwise,
                pointwise,
            } => {
                let channels = depthwise.bias.len();
                accumulator_for(depthwise, range, widest, |channel| {
                    depthwise.weight[channel..].iter().step_by(channels)
                })
                .and_then(|first| {
                    let second = by_output(pointwise, ActivationRange::new(bits, true))?;
                    Ok((first, second))
                })
            }
        };
        match proven {
            Ok(proven) => accumulators.push(proven),
            Err(sum) => errors.push(ProgramError {
                layer: layer.id,
                sum,
            }),
        }
    }
    if errors.is_empty() {
        Ok(Accumulators(accumulators))
    } else {
        Err(errors)
    }
}
