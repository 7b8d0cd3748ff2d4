//! From a network, its weights and its plan to the program.

use super::accumulator::{SumTooWide, accumulator_for};
use super::form::{self, Form};
use super::{
    Accumulator, ActivationRange, Addressing, Finish, IntakeStep, Map, Operation, Program, Results,
    Step, WeightedSum,
};
use crate::declaration::Declaration;
use crate::network::{Activation, Layer, LayerId, LayerKind, Network};
use crate::plan::{Intake, MemoryPlan, Order, Placement, ReceptiveField, storage_indices};
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
///
/// # Errors
/// Every layer whose sums could pass 32 bits.
pub fn lower(
    declaration: &Declaration,
    weights: &Weights,
    plan: &MemoryPlan,
) -> Result<Program, Vec<ProgramError>> {
    let network = &declaration.network;
    let forms = form::choose(declaration);
    let maps: Vec<Map> = plan
        .maps
        .iter()
        .enumerate()
        .map(|(i, placement)| {
            let signed = plan
                .steps
                .get(i)
                .map_or(network.last_layer().signed_output, |step| {
                    network.layer(step.layer).signed_input
                });
            map(placement, signed)
        })
        .collect();
    let mut errors = Vec::new();
    let mut steps = Vec::with_capacity(plan.steps.len());
    for (index, step) in plan.steps.iter().enumerate() {
        let layer = network.layer(step.layer);
        let stores = index + 1 < plan.maps.len();
        let lowering = Lowering {
            network,
            layer,
            form: forms[&layer.id],
            stores,
        };
        match lowering.operation(weights.layer(layer.id), &plan.maps[index]) {
            Ok(operation) => steps.push(Step {
                layer: layer.id,
                order: step.order,
                output: layer.output,
                field: ReceptiveField::of(layer),
                stores,
                operation,
            }),
            Err(sum) => errors.push(ProgramError {
                layer: layer.id,
                sum,
            }),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let accumulator = match steps.last() {
        Some(Step {
            stores: false,
            operation,
            ..
        }) => operation.last_accumulator(),
        _ => Accumulator::I16,
    };
    Ok(Program {
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
    })
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
    network: &'a Network,
    layer: &'a Layer,
    form: Form,
    stores: bool,
}

impl Lowering<'_> {
    fn operation(
        &self,
        parameters: &LayerParameters,
        input: &Placement,
    ) -> Result<Operation, SumTooWide> {
        Ok(match (self.layer.kind, parameters) {
            (LayerKind::AveragePool { window }, _) => Operation::AveragePool {
                shift: window.taps().ilog2(),
            },
            (LayerKind::MaxPool { .. }, _) => Operation::MaxPool,
            (LayerKind::Convolution { .. }, LayerParameters::Single(parameters)) => {
                Operation::Convolution(self.convolution(parameters)?)
            }
            (LayerKind::Dense { .. }, LayerParameters::Single(parameters)) => {
                Operation::Dense(self.dense(parameters, input)?)
            }
            (
                LayerKind::Separable { .. },
                LayerParameters::Separable {
                    depthwise,
                    pointwise,
                },
            ) => Operation::Separable {
                depthwise: self.depthwise(depthwise)?,
                pointwise: self.pointwise(pointwise)?,
            },
            (kind, _) => unreachable!("weights were read for this network: {kind:?}"),
        })
    }

    fn inputs(&self) -> usize {
        self.layer.input.channels as usize
    }

    fn finish(&self, right: u8) -> Finish {
        match self.layer.activation() {
            Some(Activation::Linear) if !self.stores => Finish::Exact,
            Some(Activation::Linear) => Finish::Signed {
                right: right.into(),
            },
            _ => Finish::Relu {
                right: right.into(),
            },
        }
    }

    fn input_range(&self) -> ActivationRange {
        ActivationRange::new(self.network.bits().activations, self.layer.signed_input)
    }

    fn sum(
        &self,
        parameters: &Parameters,
        accumulator: Accumulator,
        inputs: usize,
        weights: Vec<i8>,
    ) -> WeightedSum {
        // A shift past 31 passes the proof only where every weight is 0.
        let idle = parameters.weight.iter().all(|&weight| weight == 0);
        WeightedSum {
            accumulator,
            form: self.form,
            inputs: inputs as u32,
            outputs: parameters.bias.len() as u32,
            weights,
            biases: parameters.bias.clone(),
            left: if idle {
                0
            } else {
                parameters.shift.left.into()
            },
            finish: self.finish(parameters.shift.right),
        }
    }

    /// `[out, k, k, in]` to `[tap][out][in]`.
    fn convolution(&self, parameters: &Parameters) -> Result<WeightedSum, SumTooWide> {
        let (inputs, outputs) = (self.inputs(), parameters.bias.len());
        let per_output = parameters.weight.len() / outputs;
        let accumulator = accumulator_for(parameters, self.input_range(), |output| {
            parameters.weight[output * per_output..][..per_output].iter()
        })?;
        let mut weights = Vec::with_capacity(parameters.weight.len());
        for tap in 0..per_output / inputs {
            for output in 0..outputs {
                let first = output * per_output + tap * inputs;
                weights.extend(&parameters.weight[first..first + inputs]);
            }
        }
        Ok(self.sum(parameters, accumulator, inputs, weights))
    }

    /// `[k, k, in]` is in the order of use as it stands.
    fn depthwise(&self, parameters: &Parameters) -> Result<WeightedSum, SumTooWide> {
        let channels = self.inputs();
        let accumulator = accumulator_for(parameters, self.input_range(), |channel| {
            parameters.weight[channel..].iter().step_by(channels)
        })?;
        let mut sum = self.sum(parameters, accumulator, channels, parameters.weight.clone());
        sum.finish = Finish::Signed {
            right: parameters.shift.right.into(),
        };
        Ok(sum)
    }

    /// `[out, in]`: one tap.
    fn pointwise(&self, parameters: &Parameters) -> Result<WeightedSum, SumTooWide> {
        let inputs = self.inputs();
        let range = ActivationRange::new(self.network.bits().activations, true);
        let accumulator = accumulator_for(parameters, range, |output| {
            parameters.weight[output * inputs..][..inputs].iter()
        })?;
        Ok(self.sum(parameters, accumulator, inputs, parameters.weight.clone()))
    }

    /// `[out, in]`, the inputs of each output permuted from flattening order
    /// to the order in which the map is stored.
    fn dense(&self, parameters: &Parameters, input: &Placement) -> Result<WeightedSum, SumTooWide> {
        let inputs = self.layer.input.values() as usize;
        let accumulator = accumulator_for(parameters, self.input_range(), |output| {
            parameters.weight[output * inputs..][..inputs].iter()
        })?;
        let channels = self.inputs();
        // Backward rows are stored at the addresses of forward ones.
        let storage = match input.storage {
            Order::Herringbone => Order::Herringbone,
            Order::RowMajor | Order::RowMajorBackward => Order::RowMajor,
        };
        let pixels = storage.pixels(self.layer.input.height, self.layer.input.width);
        let mut weights = Vec::with_capacity(parameters.weight.len());
        for row_of_weights in parameters.weight.chunks_exact(inputs) {
            for &(row, column) in &pixels {
                let pixel = (row * self.layer.input.width + column) as usize;
                weights.extend(&row_of_weights[pixel * channels..][..channels]);
            }
        }
        Ok(self.sum(parameters, accumulator, inputs, weights))
    }
}
