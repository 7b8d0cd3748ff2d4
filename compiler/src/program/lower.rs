//! From a network, its weights and its plan to the program.

use super::accumulator::{ActivationRange, SumTooWide, accumulator_for};
use super::{
    Accumulator, Addressing, Finish, Form, IntakeStep, Map, Operation, Program, Results, Step,
    WeightedSum,
};
use crate::declaration::Declaration;
use crate::network::{Activation, Layer, LayerId, LayerKind, Network};
use crate::plan::{Intake, MemoryPlan, Placement, ReceptiveField, storage_indices};
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
        let SumTooWide { output, low, high } = self.sum;
        write!(
            f,
            "the sum of output {output} of layer {} can be anything from {low} to {high}, and an \
             accumulator has 32 bits: use smaller weights, fewer inputs or a smaller left shift",
            self.layer
        )
    }
}

/// Decides everything.
pub fn lower(
    declaration: &Declaration,
    weights: &Weights,
    accumulators: &Accumulators,
    plan: &MemoryPlan,
) -> Program {
    let network = &declaration.network;
    let maps: Vec<Map> = plan
        .maps
        .iter()
        .enumerate()
        .map(|(index, placement)| {
            let signed = match plan.steps.get(index) {
                Some(step) => network.layer(step.layer).signed_input,
                None => network.last_layer().signed_output,
            };
            map(placement, signed)
        })
        .collect();
    let steps: Vec<Step> = plan
        .steps
        .iter()
        .zip(&plan.maps)
        .enumerate()
        .map(|(index, (step, input))| {
            let layer = network.layer(step.layer);
            let stores = index + 1 < plan.maps.len();
            let lowering = Lowering {
                layer,
                form: Form::of(declaration.code),
                stores,
                accumulators: accumulators.of(layer.id),
            };
            Step {
                layer: layer.id,
                order: step.order,
                output: layer.output,
                field: ReceptiveField::of(layer),
                stores,
                operation: lowering.operation(weights.layer(layer.id), input),
            }
        })
        .collect();
    let accumulator = match steps.last() {
        Some(Step {
            stores: false,
            operation,
            ..
        }) => operation.last_accumulator(),
        _ => Accumulator::I16,
    };
    Program {
        activation_bits: network.bits().activations,
        weight_bits: network.bits().weights,
        input: network.input(),
        arena_bytes: plan.arena_bytes,
        intake: intake(network, plan.intake),
        maps,
        steps,
        results: Results {
            count: network.output().values(),
            accumulator,
        },
    }
}

/// The accumulators of every layer's sums, proven from the weights.
#[derive(Clone, Debug)]
pub struct Accumulators(Vec<(Accumulator, Accumulator)>);

impl Accumulators {
    /// Of the layer's sum, or of the two of a separable layer.
    pub fn of(&self, layer: LayerId) -> (Accumulator, Accumulator) {
        self.0[layer.0]
    }

    /// The widest of any layer.
    pub fn widest(&self) -> Accumulator {
        let both = self.0.iter().map(|&(first, second)| first.max(second));
        both.max().unwrap_or(Accumulator::I16)
    }
}

/// Proves the accumulators of every layer.
///
/// # Errors
/// Every layer whose sums could pass 32 bits.
pub fn prove(network: &Network, weights: &Weights) -> Result<Accumulators, Vec<ProgramError>> {
    let mut errors = Vec::new();
    let mut accumulators = Vec::new();
    for layer in network.layers() {
        let bits = network.bits().activations;
        let range = ActivationRange::new(bits, layer.signed_input);
        // Weights of one output behind the other, as every tensor but the
        // depthwise one has them.
        let by_output = |parameters: &Parameters, range| {
            let per_output = parameters.weight.len() / parameters.bias.len();
            accumulator_for(parameters, range, |output| {
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
                accumulator_for(depthwise, range, |channel| {
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

impl Operation {
    fn last_accumulator(&self) -> Accumulator {
        match self {
            Operation::Convolution(sum)
            | Operation::Dense(sum)
            | Operation::Separable { pointwise: sum, .. } => sum.accumulator,
            Operation::AveragePool { .. } | Operation::MaxPool => Accumulator::I16,
        }
    }
}

fn intake(network: &Network, intake: Intake) -> IntakeStep {
    let bits = network.bits().activations;
    match intake {
        Intake::Store => IntakeStep {
            intake,
            window: 1,
            shift: 8 - bits,
        },
        Intake::Pool { layer, .. } => {
            let kernel = ReceptiveField::of(network.layer(layer)).kernel;
            IntakeStep {
                intake,
                window: kernel.width,
                shift: 8 - bits + kernel.taps().ilog2(),
            }
        }
    }
}

fn map(placement: &Placement, signed: bool) -> Map {
    let shape = placement.shape;
    let cells: Vec<u32> = storage_indices(shape, placement.storage)
        .into_iter()
        .map(|index| placement.cell(index))
        .collect();
    let affine = (0..)
        .zip(&cells)
        .all(|(pixel, &cell)| cell == placement.first_cell + shape.channels * pixel);
    Map {
        shape,
        signed,
        addressing: if affine {
            Addressing::Affine
        } else {
            Addressing::Table(cells)
        },
        first_cell: placement.first_cell,
        pixels_before_wrap: placement.pixels_before_wrap,
    }
}

/// One layer on its way to a step.
struct Lowering<'a> {
    layer: &'a Layer,
    form: Form,
    stores: bool,
    accumulators: (Accumulator, Accumulator),
}

impl Lowering<'_> {
    fn operation(&self, parameters: &LayerParameters, input: &Placement) -> Operation {
        let channels = self.layer.input.channels;
        let (first, second) = self.accumulators;
        match (self.layer.kind, parameters) {
            (LayerKind::AveragePool { window }, _) => Operation::AveragePool {
                shift: window.taps().ilog2(),
            },
            (LayerKind::MaxPool { .. }, _) => Operation::MaxPool,
            (LayerKind::Convolution { .. }, LayerParameters::Single(sum)) => {
                // `[out, k, k, in]`: a tap's inputs are neighbours.
                let per_output = sum.weight.len() / sum.bias.len();
                let weights = by_input(sum, 0..per_output);
                Operation::Convolution(self.sum(sum, first, channels, weights))
            }
            (LayerKind::Dense { .. }, LayerParameters::Single(sum)) => {
                let weights = by_input(sum, storage_order(input));
                Operation::Dense(self.sum(sum, first, self.layer.input.values(), weights))
            }
            (
                LayerKind::Separable { .. },
                LayerParameters::Separable {
                    depthwise,
                    pointwise,
                },
            ) => {
                let right = depthwise.shift.right.into();
                // This tensor is in the order of use as it stands.
                let weights = depthwise.weight.clone();
                Operation::Separable {
                    depthwise: WeightedSum {
                        finish: Finish::Signed { right },
                        ..self.sum(depthwise, first, channels, weights)
                    },
                    pointwise: self.sum(
                        pointwise,
                        second,
                        channels,
                        by_input(pointwise, 0..channels as usize),
                    ),
                }
            }
            (kind, _) => unreachable!("weights were read for this network: {kind:?}"),
        }
    }

    fn sum(
        &self,
        parameters: &Parameters,
        accumulator: Accumulator,
        inputs: u32,
        weights: Vec<i8>,
    ) -> WeightedSum {
        let right = parameters.shift.right.into();
        WeightedSum {
            accumulator,
            form: self.form,
            inputs,
            outputs: parameters.bias.len() as u32,
            weights,
            biases: parameters.bias.clone(),
            left: parameters.shift.left.into(),
            finish: match self.layer.activation() {
                Some(Activation::Linear) if !self.stores => Finish::Exact,
                Some(Activation::Linear) => Finish::Signed { right },
                _ => Finish::Relu { right },
            },
        }
    }
}

/// `[out, …]` to `[…][out]`, the values of an output taken in that order.
fn by_input(parameters: &Parameters, order: impl IntoIterator<Item = usize>) -> Vec<i8> {
    let per_output = parameters.weight.len() / parameters.bias.len();
    let mut weights = Vec::with_capacity(parameters.weight.len());
    for input in order {
        weights.extend(parameters.weight[input..].iter().step_by(per_output));
    }
    weights
}

/// The values of a map in the order in which it is stored, as indices in
/// flattening order.
fn storage_order(map: &Placement) -> impl Iterator<Item = usize> {
    let pixels = map.storage.pixels(map.shape.height, map.shape.width);
    let (width, channels) = (map.shape.width, map.shape.channels);
    pixels.into_iter().flat_map(move |(row, column)| {
        let first = (row * width + column) * channels;
        (first..first + channels).map(|value| value as usize)
    })
}
