//! The program of a model: TensorFlow Lite's operators with everything folded that does not
//! depend on the input.

use super::{Model, ModelNode, ModelOperator, OperatorInput};
use crate::network::{ByNode, ByValue, Element, ReceptiveField, Shape, ValueId};
use crate::plan::{self, MemoryPlan, Placement, Sink};
use crate::program::{
    Accumulator, ConstantParameters, Divisor, Expectation, Finish, Form, Intake, Job, KeptValue,
    Map, Operand, Operation, Pixelwise, PoolFinish, Pooling, Program, Quantised, QuantisedKernel,
    RescaledSum, ResultInteger, Results, Segment, Stage, Step, SumParameters, WeightedSum,
    storage_order,
};
use herringbone_tflite::operators::{self, Convolution, Dense, Depthwise, Requantise};
use herringbone_tflite::{Graph, Node, Operator};

/// Decides everything: the program of that plan of a model.
///
/// # Panics
/// Where the model is of another graph, or the plan of another model.
pub fn lower(graph: &Graph, model: &Model, plan: &MemoryPlan) -> Program {
    let lowering = Lowering { graph, model, plan };
    let flow = &model.dataflow;
    let jobs = plan.jobs.iter().map(|job| lowering.job(job)).collect();
    let maps = flow.values().iter().map(|(value, _)| {
        let placement = plan.placement(value);
        placement.map(|placement| Map::of(placement, true, Element::Activation))
    });
    let kept = model.kept.iter().map(|it| KeptValue {
        value: it.value,
        last: it.last,
        initial: it.initial.clone(),
    });
    // Code for AVR reads a byte from 128 on, so that what stands for 0 is 0, and none is below.
    let expectations = vec![Expectation::of(None, false, false); flow.nodes().len()];
    let is_signed = vec![true; flow.values().entries().len()];
    Program {
        activation_bits: 8,
        weight_bits: 8,
        input: flow.input(),
        arena_bytes: plan.arena_bytes,
        repeat: None,
        parameter_bytes: 0,
        intake: lowering.intake(),
        jobs,
        positions: plan.positions,
        cursor_pixel_bytes: plan.cursor_pixel_bytes,
        cursor_bytes: plan.cursor_bytes(),
        places: plan.places.clone(),
        signed: ByValue::new(is_signed),
        elements: ByValue::new(vec![Element::Activation; flow.values().entries().len()]),
        expectations: ByNode::new(expectations),
        maps: ByValue::new(maps.collect()),
        given: flow
            .other_sources()
            .filter_map(|(value, source)| source.kept_in.is_none().then_some(value))
            .collect(),
        kept: kept.collect(),
        output: flow.outputs()[0],
        other_outputs: flow.outputs()[1..].to_vec(),
        results: Results {
            count: model.output_bytes,
            integer: ResultInteger::Byte,
            place_byte: None,
        },
    }
}

struct Lowering<'a> {
    graph: &'a Graph,
    model: &'a Model,
    plan: &'a MemoryPlan,
}

impl Lowering<'_> {
    fn job(&self, job: &plan::JobPlan) -> Job {
        let flow = &self.model.dataflow;
        match job {
            plan::JobPlan::Segment(segment) => Job::Segment(Segment {
                arriving: segment.arriving,
                grid: segment.grid,
                stages: segment
                    .stages
                    .iter()
                    .map(|stage| {
                        let node = flow.node(stage.node);
                        Stage {
                            plan: stage.clone(),
                            input: node.reads[0],
                            joined: node.reads[1..].to_vec(),
                            writes: node.writes,
                            signed_input: true,
                            signed_joined: vec![true; node.reads.len() - 1],
                            signed_output: true,
                            field: node.field,
                            operation: self.operation(node, None),
                        }
                    })
                    .collect(),
            }),
            plan::JobPlan::Layer(layer) => {
                let node = flow.node(layer.node);
                let input = node.reads[0];
                Job::Layer(Step {
                    node: node.id,
                    input,
                    joined: node.reads[1..].to_vec(),
                    writes: node.writes,
                    order: layer.order,
                    output: node.output,
                    field: node.field,
                    stores: self.plan.placement(node.writes).is_some(),
                    operation: self.operation(node, self.plan.placement(input)),
                })
            }
        }
    }

    /// The input's bytes are its values.
    fn intake(&self) -> Intake {
        let flow = &self.model.dataflow;
        let first = self.plan.arriving().stages.first();
        let output = match (self.plan.intake, first) {
            (Sink::Map { .. }, _) | (_, None) => flow.input(),
            (_, Some(stage)) => stage.input,
        };
        Intake {
            pool: None,
            value: ValueId::new(0),
            divisor: Divisor(1),
            output,
            sink: self.plan.intake,
        }
    }

    /// What a node computes; `input` is the map that it reads, unless that arrives pixel by pixel.
    fn operation(&self, node: &plan::FlowNode, input: Option<&Placement>) -> Operation {
        let ModelNode {
            operators, moves, ..
        } = &self.model.nodes[node.id.index()];
        if let Some(moves) = moves {
            return Operation::Rearrange(moves.clone());
        }
        let kernel = operators
            .first()
            .and_then(|first| self.kernel(first, node.field, input));
        let (kernel, followers) = match kernel {
            Some(kernel) => (kernel, &operators[1..]),
            None => (QuantisedKernel::Pixel { around: 0 }, &operators[..]),
        };
        let followers = followers.iter().map(|it| self.pixelwise(it, node.output));
        Operation::Quantised(Quantised {
            kernel,
            followers: followers.collect(),
        })
    }

    fn operator(&self, operator: &ModelOperator) -> &Operator {
        match &self.graph.nodes[operator.in_graph] {
            Node::Compute { operator, .. } => operator,
            Node::Load { .. } | Node::Store { .. } => unreachable!("a node computes"),
        }
    }

    /// `None` of an operator that only goes over pixels.
    fn kernel(
        &self,
        operator: &ModelOperator,
        field: ReceptiveField,
        input: Option<&Placement>,
    ) -> Option<QuantisedKernel> {
        let pool = |function: operators::PoolFunction| match function {
            operators::PoolFunction::Average => Pooling::Average(Divisor(field.kernel.taps())),
            operators::PoolFunction::Maximum => Pooling::Maximum,
        };
        Some(match self.operator(operator) {
            Operator::Convolution(it) => QuantisedKernel::Convolution(convolution(it, field)),
            Operator::Depthwise(it) => QuantisedKernel::Depthwise {
                sum: depthwise(it, field),
                multiplier: it.multiplier as u32,
            },
            Operator::Dense(it) if it.rows == 1 => QuantisedKernel::Dense(dense(it, input)),
            Operator::Dense(it) => QuantisedKernel::Convolution(dense(it, None)),
            Operator::Pool(it) => QuantisedKernel::Pool {
                pooling: pool(it.function),
                finish: PoolFinish::Within(it.range),
            },
            Operator::Mean(it) => QuantisedKernel::Pool {
                pooling: pool(operators::PoolFunction::Average),
                finish: PoolFinish::Mean(it.clone()),
            },
            Operator::Concatenation(_) => {
                let parts = operator.reads.iter();
                QuantisedKernel::Concat(parts.map(|&it| self.operand(it, 0)).collect())
            }
            Operator::Move(operators::Move::Pad { fill, .. }) => {
                QuantisedKernel::Pixel { around: *fill }
            }
            Operator::Addition(_)
            | Operator::Multiplication(_)
            | Operator::Softmax(_)
            | Operator::ByteMap(_)
            | Operator::Quantise(_)
            | Operator::Dequantise(_)
            | Operator::Move(_)
            | Operator::View => return None,
        })
    }

    fn pixelwise(&self, operator: &ModelOperator, output: Shape) -> Pixelwise {
        let both = || {
            let operand = |index: usize| self.operand(operator.reads[index], output.channels);
            [operand(0), operand(1)]
        };
        match self.operator(operator) {
            Operator::ByteMap(it) => Pixelwise::ByteMap(it.clone()),
            Operator::Addition(it) => Pixelwise::Addition(it.clone(), both()),
            Operator::Multiplication(it) => Pixelwise::Multiplication(it.clone(), both()),
            Operator::Softmax(it) => Pixelwise::Softmax(it.clone()),
            Operator::Convolution(_)
            | Operator::Depthwise(_)
            | Operator::Dense(_)
            | Operator::Pool(_)
            | Operator::Mean(_)
            | Operator::Quantise(_)
            | Operator::Dequantise(_)
            | Operator::Concatenation(_)
            | Operator::Move(_)
            | Operator::View => unreachable!("the model's nodes begin with it"),
        }
    }

    /// A constant has a value for each of the `channels`.
    fn operand(&self, input: OperatorInput, channels: u32) -> Operand {
        match input {
            OperatorInput::Running => Operand::Running,
            OperatorInput::Joined(index) => Operand::Joined(index),
            OperatorInput::Constant(tensor) => {
                let values = self.graph.tensor(tensor).constant.as_ref();
                let values = values.and_then(|values| values.int8());
                let values = values.expect("operators that meet a constant are of int8");
                let cycle = values.iter().copied().cycle();
                Operand::Constant(cycle.take(channels as usize).collect())
            }
        }
    }
}

/// Taps between those of a dilated kernel have weights of 0, and so have the inputs of other
/// groups.
fn convolution(it: &Convolution, field: ReceptiveField) -> RescaledSum {
    let (group_inputs, group_outputs) = (it.inputs / it.groups, it.outputs / it.groups);
    let kernel = it.window.kernel();
    let mut rows = vec![0; field.kernel.taps() as usize * it.inputs * it.outputs];
    for (tap, place) in taps(&it.window, field).enumerate() {
        for output in 0..it.outputs {
            let first_input = output / group_outputs * group_inputs;
            for input in 0..group_inputs {
                let weight = it.weights[(output * kernel + tap) * group_inputs + input];
                rows[(place * it.inputs + first_input + input) * it.outputs + output] = weight;
            }
        }
    }
    rescaled(
        (rows, it.inputs, it.outputs),
        &it.biases,
        it.input_zero_point,
        &it.requantise,
    )
}

fn depthwise(it: &Depthwise, field: ReceptiveField) -> RescaledSum {
    let outputs = it.inputs * it.multiplier;
    let mut rows = vec![0; field.kernel.taps() as usize * outputs];
    for (tap, place) in taps(&it.window, field).enumerate() {
        rows[place * outputs..][..outputs].copy_from_slice(&it.weights[tap * outputs..][..outputs]);
    }
    rescaled(
        (rows, outputs, outputs),
        &it.biases,
        it.input_zero_point,
        &it.requantise,
    )
}

/// The place of each tap of a kernel in its field, which has the taps between those of a dilated
/// kernel too.
fn taps(window: &operators::Window, field: ReceptiveField) -> impl Iterator<Item = usize> + use<> {
    let (rows, columns) = (window.rows, window.columns);
    let width = field.kernel.width as usize;
    (0..rows.kernel).flat_map(move |row| {
        let first = row * rows.dilation * width;
        (0..columns.kernel).map(move |column| first + column * columns.dilation)
    })
}

/// `input`: the map that is read whole, in the order in which it is stored.
fn dense(it: &Dense, input: Option<&Placement>) -> RescaledSum {
    let zero_point = it.weight_zero_point;
    let weight = |row: u32, output: usize| {
        let weight = i32::from(it.weights[output * it.inputs + row as usize]) - zero_point;
        i8::try_from(weight).expect("the model was refused otherwise")
    };
    let order: Vec<u32> = match input {
        Some(map) => storage_order(map, 1).collect(),
        None => (0..it.inputs as u32).collect(),
    };
    let rows = order
        .into_iter()
        .flat_map(|row| (0..it.outputs).map(move |output| weight(row, output)));
    rescaled(
        (rows.collect(), it.inputs, it.outputs),
        &it.biases,
        it.input_zero_point,
        &it.requantise,
    )
}

/// `Σ w·(x − z) + b = Σ w·x + (b − z·Σ w)`, modulo 2^32.
fn rescaled(
    (weights, inputs, outputs): (Vec<i8>, usize, usize),
    biases: &[i32],
    input_zero_point: i32,
    requantise: &Requantise,
) -> RescaledSum {
    let biases = biases.iter().enumerate().map(|(output, &bias)| {
        let weights = weights[output..].iter().step_by(outputs);
        let sum = weights.fold(0_i32, |sum, &weight| sum.wrapping_add(weight.into()));
        bias.wrapping_sub(input_zero_point.wrapping_mul(sum))
    });
    RescaledSum {
        input_zero_point: input_zero_point as i8,
        biases: biases.collect(),
        requantise: requantise.clone(),
        products: WeightedSum {
            accumulator: Accumulator::I32,
            inputs: inputs as u32,
            outputs: outputs as u32,
            rows: (weights.len() / outputs) as u32,
            adds: false,
            reads: Element::Activation,
            parameters: SumParameters::Constant(ConstantParameters {
                form: Form::Table,
                weights,
                biases: vec![0; outputs],
                left: 0,
                right: 0,
                skip: 0,
            }),
            finish: Finish::Exact,
        },
    }
}
