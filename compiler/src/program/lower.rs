//! From a network, its weights and its plan to the program.

use super::parameters;
use super::proof::{Accumulators, ProgramError, prove_within};
use super::stage::{Intake, PooledIntake, Segment, Stage};
use super::{
    Accumulator, CellLayout, ConstantParameters, Divisor, Expectation, Finish, Form, Job, Map,
    Operation, OwnPlace, Pooling, Program, PrototypeLayout, PrototypeScores, Recurrence,
    ResultInteger, Results, RuntimeParameters, Step, SumParameters, TreeLayout, TreeScores,
    WeightedSum, packed_row_bytes,
};
use crate::declaration::Declaration;
use crate::network::{
    Activation, Bits, ByNode, ByValue, Element, Kind, Network, Node, NodeId, Pool, PoolFunction,
    ReceptiveField, Shape, SumHalf, SumShape,
};
use crate::plan::{self, Arrival, Keeps, MemoryPlan, Place, Placement, Sink, StagePlan};
use crate::weights::{OwnParameters, Parameters, Weights};

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
    let maps = network.values().iter().map(|(value, shape)| {
        plan.placement(value)
            .map(|placement| Map::of(placement, shape.signed, shape.element))
    });
    let maps: Vec<Option<Map>> = maps.collect();
    let mut next_byte = 0;
    let mut operation = |id: NodeId, input: Option<&Placement>| {
        let node = network.node(id);
        // The weights of a streamed dense layer are each used in a single place
        // of the input, which is another one at each pixel.
        // Wide values are read and made by loops alone.
        let is_wide = node.sums().any(|sum| sum.has_wide_biases());
        let streamed_dense = input.is_none() && node.kind.is_dense();
        let mut lowering = Lowering {
            node,
            bits: network.bits(),
            form: match streamed_dense || is_wide {
                true => Form::Table,
                false => Form::of(declaration.code_of(node.layer)),
            },
            is_exact: network.is_exact(id),
            accumulators: accumulators.of(id),
            cells: node.input_element.cells(network.bits().activations),
            next_byte: &mut next_byte,
        };
        let parameters = weights.map(|weights| (weights.node(id), weights.own(id)));
        lowering.operation(parameters, input)
    };
    let jobs = plan.jobs.iter().map(|job| match job {
        plan::JobPlan::Segment(segment) => {
            // The intake does what a leading `A` does.
            let computing = segment
                .stages
                .iter()
                .filter(|stage| stage.arrival != Arrival::Bytes);
            Job::Segment(Segment {
                arriving: segment.arriving,
                grid: segment.grid,
                stages: computing
                    .map(|stage| {
                        let node = network.node(stage.node);
                        let joined = node.reads[1..].iter();
                        Stage {
                            plan: stage.clone(),
                            input: node.reads[0],
                            joined: node.reads[1..].to_vec(),
                            writes: node.writes,
                            signed_input: node.signed_input,
                            signed_joined: joined
                                .map(|&value| network.value(value).signed)
                                .collect(),
                            signed_output: node.signed_output,
                            field: node.field(),
                            operation: operation(stage.node, None),
                        }
                    })
                    .collect(),
            })
        }
        plan::JobPlan::Layer(layer) => {
            let node = network.node(layer.node);
            let input = node.reads[0];
            Job::Layer(Step {
                node: node.id,
                input,
                joined: node.reads[1..].to_vec(),
                writes: node.writes,
                order: layer.order,
                output: node.output,
                field: node.field(),
                stores: plan.placement(node.writes).is_some(),
                operation: operation(node.id, plan.placement(input)),
            })
        }
    });
    let jobs: Vec<Job> = jobs.collect();
    let expectations = network.nodes().iter().map(|node| {
        let measured = weights.and_then(|weights| weights.activity(node.id));
        Expectation::of(measured, node.signed_input, node.signed_output)
    });
    let (count, accumulator) = (
        network.output().values(),
        results_accumulator(network, accumulators),
    );
    let place_byte = results_place(network, plan, count * accumulator.bytes());
    Program {
        activation_bits: network.bits().activations,
        weight_bits: network.bits().weights,
        input: network.input(),
        repeat: network.repeat(),
        arena_bytes: plan.arena_bytes,
        parameter_bytes: next_byte,
        intake: intake(network, plan),
        jobs,
        positions: plan.positions,
        cursor_pixel_bytes: plan.cursor_pixel_bytes,
        cursor_bytes: plan.cursor_bytes(),
        places: plan.places.clone(),
        signed: ByValue::new(
            network
                .values()
                .entries()
                .iter()
                .map(|value| value.signed)
                .collect(),
        ),
        elements: ByValue::new(
            network
                .values()
                .entries()
                .iter()
                .map(|value| value.element)
                .collect(),
        ),
        expectations: ByNode::new(expectations.collect()),
        maps: ByValue::new(maps),
        given: Vec::new(),
        kept: Vec::new(),
        output: network.output_value(),
        other_outputs: Vec::new(),
        results: Results {
            count,
            integer: ResultInteger::Sum(accumulator),
            place_byte,
        },
    }
}

/// Where that many bytes of results can be kept in the arena: where a stage keeps
/// them, or beside the maps that they are computed from, if there is room.
pub(crate) fn results_place(network: &Network, plan: &MemoryPlan, bytes: u32) -> Option<u32> {
    let output = network.output_value();
    match plan.places[output] {
        Place::Sums(sums) => Some(sums.first_byte),
        Place::Whole(placement) => room_beside(&[placement], plan, bytes),
        Place::Nowhere | Place::Ring(_) | Place::Windows(_) => {
            let reads = network.last_node().reads.iter();
            let maps: Vec<Placement> = reads
                .filter_map(|&value| plan.placement(value).copied())
                .collect();
            room_beside(&maps, plan, bytes)
        }
    }
}

/// The first byte of that many in the arena that nothing of those maps is in.
fn room_beside(maps: &[Placement], plan: &MemoryPlan, bytes: u32) -> Option<u32> {
    let per_byte = plan.cells_per_byte;
    let mut taken: Vec<(u32, u32)> = Vec::new();
    for map in maps {
        let cells = map.pixels_before_wrap * map.shape.channels;
        let wrapped_cells = map.shape.values() - cells;
        taken.push((0, wrapped_cells.div_ceil(per_byte)));
        let end = (map.first_cell + cells).div_ceil(per_byte);
        taken.push((map.first_cell / per_byte, end));
    }
    taken.push((plan.arena_bytes, plan.arena_bytes));
    taken.sort_unstable();
    let mut free_from = 0;
    for (from, to) in taken {
        if from.saturating_sub(free_from) >= bytes {
            return Some(free_from);
        }
        free_from = free_from.max(to);
    }
    None
}

/// The integer of the results: logits are sums, activations fit 16 bits.
pub fn results_accumulator(network: &Network, accumulators: &Accumulators) -> Accumulator {
    if network.gives_logits() {
        accumulators.of(network.last_node().id).1
    } else {
        Accumulator::I16
    }
}

fn intake(network: &Network, plan: &MemoryPlan) -> Intake {
    let bits = network.bits().activations;
    let shortened = 1 << (8 - bits);
    match plan.arriving().stages.first() {
        Some(StagePlan {
            node,
            arrival: Arrival::Bytes,
            keeps: Keeps::Windows(windows),
            output,
            ..
        }) => {
            let field = network.node(*node).field();
            Intake {
                pool: Some(PooledIntake {
                    node: *node,
                    field,
                    windows: *windows,
                }),
                value: network.node(*node).writes,
                divisor: Divisor(shortened * field.kernel.taps()),
                output: *output,
                sink: plan.intake,
            }
        }
        first => Intake {
            pool: None,
            value: network.input_value(),
            divisor: Divisor(shortened),
            output: match (plan.intake, first) {
                (Sink::Map { .. }, _) | (_, None) => network.input(),
                (_, Some(stage)) => stage.input,
            },
            sink: plan.intake,
        },
    }
}

/// One layer on its way to a step.
struct Lowering<'a> {
    node: &'a Node,
    bits: Bits,
    form: Form,
    /// Whether its sums are results.
    is_exact: bool,
    accumulators: (Accumulator, Accumulator),
    /// Cells of a value that it reads.
    cells: u32,
    /// Where the parameters of the next sum begin, where they come at run time.
    next_byte: &'a mut u32,
}

impl Lowering<'_> {
    /// `parameters` are those of the node's sums, and its own; without any they come at
    /// run time. `input` is the map that it reads, unless that arrives pixel by pixel.
    fn operation(
        &mut self,
        parameters: Option<(&[Parameters], &OwnParameters)>,
        input: Option<&Placement>,
    ) -> Operation {
        let own = parameters.map(|(_, own)| own);
        if let Some(operation) = self.own_operation(own) {
            return operation;
        }
        let finish = match self.node.activation() {
            Some(Activation::Linear) if self.is_exact => Finish::Exact,
            Some(Activation::Linear) => Finish::Signed,
            Some(Activation::Relu) | None => Finish::Relu,
        };
        let node = self.node;
        let mut sums = node.sums().enumerate().map(|(index, shape)| {
            let parameters = parameters.map(|(parameters, _)| &parameters[index]);
            let finish = match shape.half {
                SumHalf::Depthwise => Finish::Signed,
                SumHalf::Only | SumHalf::Pointwise => match shape.makes {
                    Element::Activation => finish,
                    Element::Wide => Finish::Wide,
                },
            };
            self.sum(&shape, parameters, finish, input)
        });
        let mut next = || sums.next().expect("a kind with weights has sums");
        match node.kind {
            Kind::Pool(Pool {
                function,
                window: _,
            }) => Operation::Pool(match function {
                PoolFunction::Average => Pooling::Average(Divisor(node.field().kernel.taps())),
                PoolFunction::Maximum => Pooling::Maximum,
            }),
            Kind::Convolution(_) => Operation::Convolution(next()),
            Kind::Dense(_) | Kind::Projection(_) => Operation::Dense(next()),
            Kind::Separable(_) => Operation::Separable {
                depthwise: next(),
                pointwise: next(),
            },
            Kind::Depthwise(_) | Kind::Add(_) => Operation::Depthwise(next()),
            Kind::Concat(_) => Operation::Concat,
            Kind::Recurrent(_) | Kind::Tree(_) | Kind::Prototypes(_) => {
                unreachable!("they are no weighted sums")
            }
            Kind::Dropout(_) | Kind::Noise(_) => {
                unreachable!("no plan has a step for what only training knows")
            }
        }
    }

    /// Of a node whose parameters are no weighted sums'.
    fn own_operation(&mut self, own: Option<&OwnParameters>) -> Option<Operation> {
        let (node, weight_bits) = (self.node, self.bits.weights);
        match node.kind {
            Kind::Recurrent(kind) => {
                let height = match kind.steps_by_row(node.input) {
                    true => 1,
                    false => node.input.height,
                };
                let map = Shape {
                    height,
                    ..node.input
                };
                let layout = CellLayout::new(&kind, map, weight_bits);
                Some(Operation::Recurrent(Recurrence {
                    kind,
                    taken: ReceptiveField::whole(map),
                    map,
                    steps_of_input: kind.steps(node.input),
                    reads: node.input_element,
                    signed: node.signed_input,
                    layout,
                    parameters: match own {
                        Some(OwnParameters::Recurrent(cells)) => OwnPlace::Constant(cells.clone()),
                        Some(_) => unreachable!("cells have the parameters of cells"),
                        None => self.loaded(layout.bytes * kind.cells(map)),
                    },
                }))
            }
            Kind::Tree(kind) => {
                let values = node.input.values();
                let layout = TreeLayout::new((kind.depth, kind.classes, values), weight_bits);
                Some(Operation::Tree(TreeScores {
                    depth: kind.depth,
                    classes: kind.classes,
                    values,
                    gate: kind.gate,
                    layout,
                    parameters: match own {
                        Some(OwnParameters::Tree(tree)) => OwnPlace::Constant(tree.clone()),
                        Some(_) => unreachable!("a tree has the parameters of a tree"),
                        None => self.loaded(layout.bytes),
                    },
                }))
            }
            Kind::Prototypes(kind) => {
                let values = node.input.values();
                let sizes = (kind.count, kind.classes, values);
                let layout = PrototypeLayout::new(sizes, weight_bits);
                Some(Operation::Prototypes(PrototypeScores {
                    count: kind.count,
                    classes: kind.classes,
                    values,
                    layout,
                    parameters: match own {
                        Some(OwnParameters::Prototypes(it)) => OwnPlace::Constant(it.clone()),
                        Some(_) => unreachable!("prototypes have the parameters of prototypes"),
                        None => self.loaded(layout.bytes),
                    },
                }))
            }
            Kind::Pool(_)
            | Kind::Convolution(_)
            | Kind::Depthwise(_)
            | Kind::Separable(_)
            | Kind::Dense(_)
            | Kind::Add(_)
            | Kind::Concat(_)
            | Kind::Projection(_)
            | Kind::Dropout(_)
            | Kind::Noise(_) => None,
        }
    }

    /// The next bytes of those that are loaded at run time.
    fn loaded<T>(&mut self, bytes: u32) -> OwnPlace<T> {
        let first = *self.next_byte;
        *self.next_byte = first + bytes;
        OwnPlace::Runtime(first)
    }

    fn sum(
        &mut self,
        shape: &SumShape,
        parameters: Option<&Parameters>,
        finish: Finish,
        input: Option<&Placement>,
    ) -> WeightedSum {
        let (rows, outputs) = (shape.rows(), shape.outputs);
        let whole_map = self.node.kind.is_dense();
        let cells = self.cells;
        let in_order = |sum: &Parameters| match input.filter(|_| whole_map) {
            Some(map) => by_row(sum, shape, storage_order(map, cells)),
            None => by_row(sum, shape, 0..rows),
        };
        let (first, last) = self.accumulators;
        WeightedSum {
            accumulator: match shape.half {
                SumHalf::Depthwise => first,
                SumHalf::Only | SumHalf::Pointwise => last,
            },
            // A dense layer is a single tap.
            inputs: if whole_map { rows } else { shape.inputs },
            outputs,
            rows,
            adds: shape.adds,
            reads: shape.reads,
            parameters: self.parameters(parameters, shape, in_order),
            finish,
        }
    }

    /// The parameters of a sum, whose weights `in_order` brings into the order of use.
    fn parameters(
        &mut self,
        constants: Option<&Parameters>,
        shape: &SumShape,
        in_order: impl FnOnce(&Parameters) -> Vec<i8>,
    ) -> SumParameters {
        match constants {
            Some(constants) => SumParameters::Constant(ConstantParameters {
                form: self.form,
                weights: in_order(constants),
                biases: constants.bias.clone(),
                left: constants.shift.left.into(),
                right: constants.shift.right.into(),
                skip: constants.shift.skip.into(),
            }),
            None => {
                let place = RuntimeParameters::new(*self.next_byte, shape, self.bits.biases);
                let row_bytes = packed_row_bytes(shape.outputs, self.bits.weights);
                let weight_bytes = shape.rows() * row_bytes;
                *self.next_byte = place.first_weight_byte + weight_bytes;
                SumParameters::Runtime(place)
            }
        }
    }
}

/// To `[row][output]`, the rows taken in that order.
fn by_row(
    parameters: &Parameters,
    shape: &SumShape,
    rows: impl IntoIterator<Item = u32>,
) -> Vec<i8> {
    let mut weights = Vec::with_capacity(parameters.weight.len());
    for row in rows {
        weights.extend((0..shape.outputs).map(|output| parameters.weight_of(shape, row, output)));
    }
    weights
}

/// The values, of that many cells each, of a map in the order in which it is stored, as indices
/// in flattening order.
pub(crate) fn storage_order(map: &Placement, cells: u32) -> impl Iterator<Item = u32> {
    let pixels = map.storage.pixels(map.shape.height, map.shape.width);
    let (width, channels) = (map.shape.width, map.shape.channels / cells);
    pixels.into_iter().flat_map(move |(row, column)| {
        let first = (row * width + column) * channels;
        first..first + channels
    })
}
