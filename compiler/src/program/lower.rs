//! From a network, its weights and its plan to the program.

use super::parameters;
use super::proof::{Accumulators, ProgramError, prove_within};
use super::stage::{Intake, PooledIntake, Pooling, Sink, Stage};
use super::{
    Accumulator, Addressing, ConstantParameters, Finish, Form, Map, Operation, Program, Results,
    RuntimeParameters, Step, SumParameters, WeightedSum, packed_row_bytes,
};
use crate::declaration::Declaration;
use crate::network::{Activation, Bits, Layer, LayerId, LayerKind, Network};
use crate::plan::{self, Arrival, Keeps, MemoryPlan, Placement, ReceptiveField, storage_indices};
use crate::weights::{LayerParameters, Parameters, Weights};

/// Decides everything, for parameters that are constants.
pub fn lower(
    declaration: &Declaration,
    weights: &Weights,
    accumulators: &Accumulators,
    plan: &MemoryPlan,
) -> Program {
    lower_all(declaration, Some(weights), accumulators, plan)
}

/// Decides everything but the parameters, which are loaded at run time.
pub fn lower_runtime(declaration: &Declaration, plan: &MemoryPlan) -> Program {
    let accumulators = Accumulators::at_run_time(&declaration.network);
    lower_all(declaration, None, &accumulators, plan)
}

/// The bytes that the program of [`lower_runtime`] takes as these weights; see
/// [`RuntimeParameters`] for their layout.
///
/// # Errors
/// Every layer whose sums could pass the accumulator that they have at run time.
pub fn pack_parameters(
    declaration: &Declaration,
    weights: &Weights,
    plan: &MemoryPlan,
) -> Result<Vec<u8>, Vec<ProgramError>> {
    let bits = declaration.network.bits();
    let widest = Accumulator::at_run_time(bits);
    let accumulators = prove_within(&declaration.network, weights, widest)?;
    let program = lower(declaration, weights, &accumulators, plan);
    Ok(parameters::pack(&program, bits.biases))
}

/// From a declaration, with its weights or for those that come at run time.
fn lower_all(
    declaration: &Declaration,
    weights: Option<&Weights>,
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
    let mut next_byte = 0;
    let mut operation = |id: LayerId, input: Option<&Placement>| {
        let layer = network.layer(id);
        let is_last = id == network.last_layer().id;
        // The weights of a streamed dense layer are each used in a single place
        // of the input, which is another one at each pixel.
        let streamed_dense = input.is_none() && matches!(layer.kind, LayerKind::Dense { .. });
        let mut lowering = Lowering {
            layer,
            bits: network.bits(),
            form: match streamed_dense {
                true => Form::Table,
                false => Form::of(declaration.code_of(id)),
            },
            gives_logits: is_last && network.gives_logits(),
            accumulators: accumulators.of(id),
            next_byte: &mut next_byte,
        };
        lowering.operation(weights.map(|weights| weights.layer(id)), input)
    };
    let mut stages: Vec<Stage> = Vec::with_capacity(plan.stages.len());
    for stage in &plan.stages {
        let layer = network.layer(stage.layer);
        if stage.arrival == Arrival::Bytes {
            continue;
        }
        stages.push(Stage {
            layer: stage.layer,
            input: stage.input,
            output: stage.output,
            signed_input: layer.signed_input,
            arrival: stage.arrival,
            keeps: stage.keeps,
            field: ReceptiveField::of(layer),
            operation: operation(stage.layer, None),
            sink: Sink::Stays,
            ring_position: stage.ring_position,
            sums_position: stage.sums_position,
        });
    }
    let last_sink = match stages.last().and_then(Stage::sums) {
        Some(sums) if maps.is_empty() => Sink::Results(sums),
        _ => Sink::Map {
            position: plan.map_position,
        },
    };
    let intake_sink = deliver(&mut stages, last_sink);
    let steps: Vec<Step> = plan
        .steps
        .iter()
        .zip(&plan.maps)
        .enumerate()
        .map(|(index, (step, input))| {
            let layer = network.layer(step.layer);
            Step {
                layer: layer.id,
                order: step.order,
                output: layer.output,
                field: ReceptiveField::of(layer),
                stores: index + 1 < plan.maps.len(),
                operation: operation(layer.id, Some(input)),
            }
        })
        .collect();
    let (count, accumulator) = (
        network.output().values(),
        results_accumulator(network, accumulators),
    );
    let place_byte = results_place(plan, count * accumulator.bytes());
    Program {
        activation_bits: network.bits().activations,
        weight_bits: network.bits().weights,
        input: network.input(),
        arena_bytes: plan.arena_bytes,
        parameter_bytes: next_byte,
        intake: intake(network, plan, intake_sink),
        stages,
        positions: plan.positions,
        cursor_bytes: plan.cursor_bytes(),
        maps,
        steps,
        results: Results {
            count,
            accumulator,
            place_byte,
        },
    }
}

/// Tells every stage where the next one wants its pixels, and the last one where
/// they go at last; gives where the first one wants them.
fn deliver(stages: &mut [Stage], last_sink: Sink) -> Sink {
    let mut sink = last_sink;
    for stage in stages.iter_mut().rev() {
        stage.sink = sink;
        sink = match (stage.arrival, stage.keeps) {
            (Arrival::Ring(ring), _) => Sink::Ring {
                ring,
                position: stage.ring_position,
            },
            (Arrival::Values, Keeps::Windows(windows)) => Sink::Windows {
                windows,
                window: stage.field.kernel,
                pooling: match stage.operation {
                    Operation::MaxPool => Pooling::Maximum,
                    _ => Pooling::Sum,
                },
            },
            (Arrival::Window | Arrival::Values | Arrival::Bytes, _) => Sink::Stays,
        };
    }
    sink
}

/// Where that many bytes of results can be kept in the arena: beside the map that
/// they are computed from, if there is room, or where a stage keeps them.
pub(crate) fn results_place(plan: &MemoryPlan, bytes: u32) -> Option<u32> {
    match (
        plan.maps.last(),
        plan.stages.last().map(|stage| stage.keeps),
    ) {
        (Some(last), _) => room_beside(last, plan, bytes),
        (None, Some(Keeps::Sums(sums))) => Some(sums.first_byte),
        (None, Some(Keeps::Nothing | Keeps::Windows(_)) | None) => None,
    }
}

/// The first byte of that many in the arena that nothing of the map is in.
fn room_beside(map: &Placement, plan: &MemoryPlan, bytes: u32) -> Option<u32> {
    let per_byte = plan.cells_per_byte;
    let cells = map.pixels_before_wrap * map.shape.channels;
    let wrapped_cells = map.shape.values() - cells;
    let before = wrapped_cells.div_ceil(per_byte)..map.first_cell / per_byte;
    let behind = (map.first_cell + cells).div_ceil(per_byte)..plan.arena_bytes;
    // A ring that wraps around ends at the arena's end, but for a few cells.
    [before, behind]
        .into_iter()
        .find(|room| room.end.saturating_sub(room.start) >= bytes)
        .map(|room| room.start)
}

/// The integer of the results: logits are sums, activations fit 16 bits.
pub fn results_accumulator(network: &Network, accumulators: &Accumulators) -> Accumulator {
    if network.gives_logits() {
        accumulators.of(network.last_layer().id).1
    } else {
        Accumulator::I16
    }
}

fn intake(network: &Network, plan: &MemoryPlan, sink: Sink) -> Intake {
    let bits = network.bits().activations;
    match plan.stages.first() {
        Some(plan::Stage {
            layer,
            arrival: Arrival::Bytes,
            keeps: Keeps::Windows(windows),
            output,
            ..
        }) => {
            let window = ReceptiveField::of(network.layer(*layer)).kernel;
            Intake {
                pool: Some(PooledIntake {
                    layer: *layer,
                    window,
                    sums_first_byte: windows.first_cell / plan.cells_per_byte,
                    sums: windows.count * windows.channels,
                    sums_per_column: windows.column_cells() / windows.cells_per_value,
                }),
                shift: 8 - bits + window.taps().ilog2(),
                output: *output,
                sink,
            }
        }
        first => Intake {
            pool: None,
            shift: 8 - bits,
            output: first.map_or(network.input(), |stage| stage.input),
            sink,
        },
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
    bits: Bits,
    form: Form,
    /// Whether its sums are results.
    gives_logits: bool,
    accumulators: (Accumulator, Accumulator),
    /// Where the parameters of the next sum begin, where they come at run time.
    next_byte: &'a mut u32,
}

impl Lowering<'_> {
    /// `parameters` are those of the layer; without any they come at run time.
    /// `input` is the map that it reads, unless that arrives pixel by pixel.
    fn operation(
        &mut self,
        parameters: Option<&LayerParameters>,
        input: Option<&Placement>,
    ) -> Operation {
        let (first, second) = match parameters {
            Some(LayerParameters::Single(sum)) => (Some(sum), None),
            Some(LayerParameters::Separable {
                depthwise,
                pointwise,
            }) => (Some(depthwise), Some(pointwise)),
            Some(LayerParameters::None) | None => (None, None),
        };
        let (inputs, outputs) = (self.layer.input.channels, self.layer.output.channels);
        let finish = match self.layer.activation() {
            Some(Activation::Linear) if self.gives_logits => Finish::Exact,
            Some(Activation::Linear) => Finish::Signed,
            _ => Finish::Relu,
        };
        let (accumulator, accumulator_of_second) = self.accumulators;
        match self.layer.kind {
            LayerKind::AveragePool { window } => Operation::AveragePool {
                shift: window.taps().ilog2(),
            },
            LayerKind::MaxPool { .. } => Operation::MaxPool,
            LayerKind::Convolution { kernel, .. } => {
                let rows = kernel.taps() * inputs;
                // `[out, rows, columns, in]`: a tap's inputs are neighbours.
                let in_order = |sum: &Parameters| by_input(sum, 0..rows as usize);
                Operation::Convolution(WeightedSum {
                    accumulator,
                    inputs,
                    outputs,
                    rows,
                    parameters: self.parameters(first, (rows, outputs), in_order),
                    finish,
                })
            }
            LayerKind::Dense { .. } => {
                let rows = self.layer.input.values();
                let in_order = |sum: &Parameters| match input {
                    Some(map) => by_input(sum, storage_order(map)),
                    None => by_input(sum, 0..rows as usize),
                };
                Operation::Dense(WeightedSum {
                    accumulator,
                    inputs: rows,
                    outputs,
                    rows,
                    parameters: self.parameters(first, (rows, outputs), in_order),
                    finish,
                })
            }
            LayerKind::Separable { kernel, .. } => {
                let taps = kernel.taps();
                // This tensor is in the order of use as it stands.
                let as_it_stands = |sum: &Parameters| sum.weight.clone();
                let in_order = |sum: &Parameters| by_input(sum, 0..inputs as usize);
                Operation::Separable {
                    depthwise: WeightedSum {
                        accumulator,
                        inputs,
                        outputs: inputs,
                        rows: taps,
                        parameters: self.parameters(first, (taps, inputs), as_it_stands),
                        finish: Finish::Signed,
                    },
                    pointwise: WeightedSum {
                        accumulator: accumulator_of_second,
                        inputs,
                        outputs,
                        rows: inputs,
                        parameters: self.parameters(second, (inputs, outputs), in_order),
                        finish,
                    },
                }
            }
            LayerKind::Dropout { .. } => unreachable!("no plan has a step for dropout"),
        }
    }

    /// The parameters of a sum of `rows` rows of `outputs` weights, which
    /// `in_order` brings into the order of use.
    fn parameters(
        &mut self,
        constants: Option<&Parameters>,
        (rows, outputs): (u32, u32),
        in_order: impl FnOnce(&Parameters) -> Vec<i8>,
    ) -> SumParameters {
        match constants {
            Some(constants) => SumParameters::Constant(ConstantParameters {
                form: self.form,
                weights: in_order(constants),
                biases: constants.bias.clone(),
                left: constants.shift.left.into(),
                right: constants.shift.right.into(),
            }),
            None => {
                let place = RuntimeParameters::new(*self.next_byte, outputs, self.bits.biases);
                let weight_bytes = rows * packed_row_bytes(outputs, self.bits.weights);
                *self.next_byte = place.first_weight_byte + weight_bytes;
                SumParameters::Runtime(place)
            }
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
