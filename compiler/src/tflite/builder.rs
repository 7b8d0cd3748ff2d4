//! From the operators of a graph to the nodes of a plan.

use super::values::ValueMap;
use super::{LONGEST_SIDE, Model, ModelError, ModelNode, ModelOperator, OperatorInput};
use crate::network::{
    Kernel, MOST_PIXELS, NodeId, PoolFunction, ReceptiveField, Shape, Stride, ValueId,
};
use crate::plan::{Dataflow, FlowNode, Method, SumBytes};
use herringbone_tflite::operators::{self, Axis};
use herringbone_tflite::{Graph, Node, Operator, TensorId};

/// Bytes of a sum of a dense layer.
const SUM_BYTES: u32 = 4;

/// Values of which two bytes hold the sum.
const MOST_VALUES_OF_TWO_BYTES: u32 = 255;

/// A model while its operators are read.
pub(super) struct Builder<'g> {
    graph: &'g Graph,
    values: ValueMap,
    nodes: Vec<FlowNode>,
    names: Vec<ModelNode>,
    sum_bytes: Vec<u32>,
    problems: Vec<String>,
    /// How often each tensor is read; outputs once more.
    uses: Vec<usize>,
}

/// How an operator makes what it makes.
enum Step {
    /// A node of its own.
    Node(Method, ReceptiveField, Shape),
    /// The same values.
    Alias,
    /// In a way that no plan follows.
    Unplanned(String),
}

impl<'g> Builder<'g> {
    pub(super) fn new(graph: &'g Graph, values: ValueMap) -> Self {
        Self {
            graph,
            values,
            nodes: Vec::new(),
            names: Vec::new(),
            sum_bytes: Vec::new(),
            problems: Vec::new(),
            uses: graph.uses(),
        }
    }
}

impl Builder<'_> {
    /// Reads an operator.
    pub(super) fn node(
        &mut self,
        (in_file, in_graph): (usize, usize),
        operator: &Operator,
        reads: &[TensorId],
        writes: TensorId,
    ) {
        let changing = reads
            .iter()
            .filter(|read| self.graph.tensor(**read).constant.is_none());
        let values: Option<Vec<(ValueId, Shape)>> =
            changing.map(|&read| self.values.of(read)).collect();
        // What reads an operator that has no plan has none either.
        let Some(mut values) = values else { return };
        if let Operator::Addition(_) | Operator::Multiplication(_) = operator {
            // The newest map is the running one: it need not be kept for the others.
            values.sort_by_key(|&(value, _)| std::cmp::Reverse(value));
        }
        let Some(&(running, input)) = values.first() else {
            return;
        };
        let inputs_of = |first_joined: usize, joined: &[ValueId]| ModelOperator {
            in_file,
            in_graph,
            reads: self.inputs_of(reads, running, (first_joined, joined)),
        };
        if let Some(problem) = self.wrong_constant(operator, reads) {
            return self.problems.push(format!(
                "operator {in_file}, which makes `{}`: {problem}",
                self.graph.tensor(writes).name
            ));
        }
        if self.follows_at_once(operator, reads, &values) {
            let joined: Vec<ValueId> = values[1..].iter().map(|(value, _)| *value).collect();
            let first_joined = self.nodes.last().map_or(0, |last| last.reads.len() - 1);
            let followed = inputs_of(first_joined, &joined);
            return self.follow(followed, operator, &values, writes);
        }
        match self.step(operator, &values, writes) {
            Step::Node(_, _, output) if !can_be_followed(output) => self.problems.push(format!(
                "operator {in_file} makes a map of {output}: a plan follows up to {MOST_PIXELS} \
                 pixels"
            )),
            Step::Node(method, field, output) => {
                let id = NodeId::new(self.nodes.len());
                let value = ValueId::new(self.nodes.len() + 1);
                let mut reads: Vec<ValueId> = values.iter().map(|(value, _)| *value).collect();
                // A value that meets itself is read once.
                reads.dedup();
                let own = inputs_of(0, &reads[1..]);
                self.nodes.push(FlowNode {
                    id,
                    reads,
                    writes: value,
                    input,
                    output,
                    method,
                    field,
                    is_training_only: false,
                    is_exact: false,
                });
                self.names.push(ModelNode {
                    operators: vec![own],
                    name: name(operator, &field),
                });
                let taps = field.kernel.height.saturating_mul(field.kernel.width);
                self.sum_bytes.push(match method {
                    Method::Windows(_) if taps <= MOST_VALUES_OF_TWO_BYTES => 2,
                    Method::Windows(_) | Method::Sums | Method::Fields | Method::WindowsOfBytes => {
                        SUM_BYTES
                    }
                });
                self.values.insert(writes, value, output);
            }
            Step::Alias => self.values.insert(writes, running, input),
            Step::Unplanned(why) => self.problems.push(format!(
                "operator {in_file}, which makes `{}`: {why}",
                self.graph.tensor(writes).name
            )),
        }
    }

    /// Whether an operator can go over the outputs of the last node as soon as each pixel of them
    /// is computed: nothing else reads them.
    fn follows_at_once(
        &self,
        operator: &Operator,
        reads: &[TensorId],
        values: &[(ValueId, Shape)],
    ) -> bool {
        let meets = match operator {
            Operator::ByteMap(_) => false,
            Operator::Addition(_) | Operator::Multiplication(_) => values.len() > 1,
            Operator::Convolution(_)
            | Operator::Depthwise(_)
            | Operator::Dense(_)
            | Operator::Pool(_)
            | Operator::Mean(_)
            | Operator::Softmax(_)
            | Operator::Quantise(_)
            | Operator::Dequantise(_)
            | Operator::Concatenation(_)
            | Operator::Move(_)
            | Operator::View => return false,
        };
        let (running, shape) = values[0];
        let Some(last) = self.nodes.last() else {
            return false;
        };
        let of_last = |tensor: &&TensorId| self.values.of(**tensor) == Some((running, shape));
        let mut tensors = reads.iter().filter(of_last);
        let is_read_once = tensors
            .next()
            .is_some_and(|tensor| self.uses[tensor.0] == 1)
            && tensors.next().is_none();
        let has_room = !meets || last.reads.len() == 1 && values[1].1 == shape;
        running == last.writes && last.method == Method::Fields && is_read_once && has_room
    }

    /// What an operator reads, where `joined` are the node's maps besides the running one, from
    /// number `first_joined` on.
    fn inputs_of(
        &self,
        reads: &[TensorId],
        running: ValueId,
        (first_joined, joined): (usize, &[ValueId]),
    ) -> Vec<OperatorInput> {
        let input = |&tensor: &TensorId| match self.values.of(tensor) {
            None => OperatorInput::Constant(tensor),
            Some((value, _)) if value == running => OperatorInput::Running,
            Some((value, _)) => {
                let mut joined = joined.iter();
                let index = joined.position(|&other| other == value);
                OperatorInput::Joined(first_joined + index.unwrap_or(0))
            }
        };
        reads.iter().map(input).collect()
    }

    /// Why no plan follows what an operator makes with a constant.
    fn wrong_constant(&self, operator: &Operator, reads: &[TensorId]) -> Option<String> {
        let broadcast = operator.broadcast()?;
        let mut tensors = reads.iter().zip(&broadcast.steps);
        let differs_by_place = tensors.any(|(&read, steps)| {
            let of_places = steps.split_last().map_or(&[][..], |(_, places)| places);
            self.graph.tensor(read).constant.is_some() && of_places.iter().any(|&step| step != 0)
        });
        differs_by_place.then(|| {
            "its constant has other values at other places, which no plan follows yet".to_owned()
        })
    }

    /// Lets an operator go over the outputs of the last node.
    fn follow(
        &mut self,
        followed: ModelOperator,
        operator: &Operator,
        values: &[(ValueId, Shape)],
        writes: TensorId,
    ) {
        let (node, named) = (self.nodes.last_mut(), self.names.last_mut());
        let (Some(node), Some(named)) = (node, named) else {
            return;
        };
        node.reads
            .extend(values[1..].iter().map(|(value, _)| *value));
        named.operators.push(followed);
        named.name = format!("{}, {}", named.name, name(operator, &node.field));
        let (value, shape) = values[0];
        self.values.insert(writes, value, shape);
    }

    fn step(&self, operator: &Operator, values: &[(ValueId, Shape)], writes: TensorId) -> Step {
        let (running, input) = values[0];
        let pixelwise = |channels: u32| {
            let output = Shape::new(input.height, input.width, channels);
            Step::Node(Method::Fields, ReceptiveField::pixelwise(input), output)
        };
        let made = self.graph.tensor(writes);
        match operator {
            Operator::Convolution(it) => self.windows(&it.window, input, it.outputs as u32),
            Operator::Depthwise(it) => {
                self.windows(&it.window, input, (it.inputs * it.multiplier) as u32)
            }
            Operator::Dense(it) if !it.weights_fit_bytes() => Step::Unplanned(format!(
                "its weights, less their zero point {}, are no bytes",
                it.weight_zero_point
            )),
            Operator::Dense(it) if it.rows == 1 => Step::Node(
                Method::Sums,
                ReceptiveField::whole(input),
                Shape::new(1, 1, it.outputs as u32),
            ),
            Operator::Dense(it) if it.inputs == input.channels as usize => {
                pixelwise(it.outputs as u32)
            }
            Operator::Pool(it) => {
                let function = match it.function {
                    operators::PoolFunction::Average => PoolFunction::Average,
                    operators::PoolFunction::Maximum => PoolFunction::Maximum,
                };
                let Some(field) = field(&it.window, input) else {
                    return unplanned();
                };
                let output = Shape::new(field.outputs.height, field.outputs.width, input.channels);
                Step::Node(Method::Windows(function), field, output)
            }
            Operator::Mean(it) if it.count == input.pixels() as usize => Step::Node(
                Method::Windows(PoolFunction::Average),
                ReceptiveField::whole(input),
                Shape::new(1, 1, input.channels),
            ),
            Operator::Addition(_) | Operator::Multiplication(_) => {
                let same = values.iter().all(|(_, shape)| *shape == input);
                match same && made.values() == input.values() as usize {
                    true => pixelwise(input.channels),
                    false => Step::Unplanned(
                        "it meets maps of other shapes, which no plan follows yet".to_owned(),
                    ),
                }
            }
            Operator::Softmax(it) if it.row == input.channels as usize => pixelwise(input.channels),
            Operator::ByteMap(_) => pixelwise(input.channels),
            // Numbers are quantised as they arrive, and the other way as they are returned.
            Operator::Quantise(_) if running == ValueId::new(0) => Step::Alias,
            Operator::Dequantise(_) if self.graph.outputs.contains(&writes) => Step::Alias,
            Operator::Quantise(_) | Operator::Dequantise(_) => Step::Unplanned(
                "real numbers within a model are not followed: only those at its ends".to_owned(),
            ),
            Operator::View => Step::Alias,
            Operator::Concatenation(it) => {
                let by_channels = values.len() == it.lengths.len()
                    && values.iter().zip(&it.lengths).all(|((_, shape), &length)| {
                        (shape.height, shape.width) == (input.height, input.width)
                            && shape.channels as usize == length
                    });
                match by_channels {
                    true => pixelwise(values.iter().map(|(_, shape)| shape.channels).sum()),
                    false => Step::Unplanned(
                        "it joins maps along another axis than channels, which no plan follows yet"
                            .to_owned(),
                    ),
                }
            }
            Operator::Move(operators::Move::Pad { shape, around, .. }) => {
                match padded(shape, around, input) {
                    Some(field) => {
                        let outputs = field.outputs;
                        let output = Shape::new(outputs.height, outputs.width, input.channels);
                        Step::Node(Method::Fields, field, output)
                    }
                    None => unplanned(),
                }
            }
            Operator::Dense(_) | Operator::Mean(_) | Operator::Softmax(_) | Operator::Move(_) => {
                unplanned()
            }
        }
    }

    fn windows(&self, window: &operators::Window, input: Shape, outputs: u32) -> Step {
        match field(window, input) {
            Some(field) => {
                let output = Shape::new(field.outputs.height, field.outputs.width, outputs);
                Step::Node(Method::Fields, field, output)
            }
            None => unplanned(),
        }
    }

    /// A node that makes the input as it is: of a model whose operators only say what its values
    /// stand for.
    fn copy(&mut self) {
        let (input, id) = (self.values.input(), NodeId::new(0));
        self.nodes.push(FlowNode {
            id,
            reads: vec![ValueId::new(0)],
            writes: ValueId::new(1),
            input,
            output: input,
            method: Method::Fields,
            field: ReceptiveField::pixelwise(input),
            is_training_only: false,
            is_exact: false,
        });
        self.names.push(ModelNode {
            operators: Vec::new(),
            name: "copy".to_owned(),
        });
        self.sum_bytes.push(SUM_BYTES);
    }

    /// The model of the operators that were read.
    pub(super) fn build(mut self) -> Result<Model, ModelError> {
        if !self.problems.is_empty() {
            return Err(ModelError::Operators(self.problems));
        }
        if self.nodes.is_empty() && !self.graph.nodes.is_empty() {
            self.copy();
        }
        let last = self.nodes.last().ok_or(ModelError::Empty)?;
        let output_bytes = last.output.values();
        let constants = self.graph.nodes.iter().map(|node| match node {
            Node::Compute { operator, .. } => operator.constant_bytes(),
            Node::Load { .. } | Node::Store { .. } => 0,
        });
        Ok(Model {
            constant_bytes: constants.sum(),
            multiply_accumulates: self.graph.multiply_accumulates(),
            dataflow: Dataflow::new(self.values.input(), 8, self.nodes),
            sum_bytes: SumBytes::new(self.sum_bytes),
            nodes: self.names,
            output_bytes,
        })
    }
}

/// Whether a map is small enough for a plan, which goes from pixel to pixel.
pub(super) fn can_be_followed(shape: Shape) -> bool {
    let pixels = u64::from(shape.height) * u64::from(shape.width);
    shape.height.max(shape.width) <= LONGEST_SIDE && pixels <= MOST_PIXELS
}

fn unplanned() -> Step {
    Step::Unplanned("it reads or moves values in a way that no plan follows yet".to_owned())
}

/// The field of a pixel of a map with others around it: none, where it is one of those.
fn padded(shape: &[usize], around: &[(usize, usize)], input: Shape) -> Option<ReceptiveField> {
    let ([1, rows, columns, _], [(0, 0), by_rows, by_columns, (0, 0)]) = (shape, around) else {
        return None;
    };
    if (*rows, *columns) != (input.height as usize, input.width as usize) {
        return None;
    }
    let side = |side: usize, (before, after): (usize, usize)| u32::try_from(before + side + after);
    Some(ReceptiveField {
        top: by_rows.0 as u32,
        left: by_columns.0 as u32,
        outputs: Kernel {
            height: side(*rows, *by_rows).ok()?,
            width: side(*columns, *by_columns).ok()?,
        },
        ..ReceptiveField::pixelwise(input)
    })
}

/// What of a map windows read; `None` where the operator was read with another map.
fn field(window: &operators::Window, input: Shape) -> Option<ReceptiveField> {
    let operators::Window { rows, columns } = window;
    if (rows.input, columns.input) != (input.height as usize, input.width as usize) {
        return None;
    }
    // A tap between two of a dilated kernel is as if it were read.
    let reach = |axis: &Axis| ((axis.kernel - 1) * axis.dilation + 1) as u32;
    Some(ReceptiveField {
        kernel: Kernel {
            height: reach(rows),
            width: reach(columns),
        },
        stride: Stride {
            rows: rows.stride as u32,
            columns: columns.stride as u32,
        },
        top: rows.before as u32,
        left: columns.before as u32,
        map: Kernel {
            height: input.height,
            width: input.width,
        },
        outputs: Kernel {
            height: rows.output as u32,
            width: columns.output as u32,
        },
    })
}

/// An operator as a plan calls it.
fn name(operator: &Operator, field: &ReceptiveField) -> String {
    let kernel = field.kernel.written();
    let stride = match field.stride {
        Stride::ONE => String::new(),
        stride => format!(" by {}", stride.written()),
    };
    match operator {
        Operator::Convolution(_) => format!("CONV_2D {kernel}{stride}"),
        Operator::Depthwise(_) => format!("DEPTHWISE_CONV_2D {kernel}{stride}"),
        Operator::Pool(it) => match it.function {
            operators::PoolFunction::Average => format!("AVERAGE_POOL_2D {kernel}{stride}"),
            operators::PoolFunction::Maximum => format!("MAX_POOL_2D {kernel}{stride}"),
        },
        Operator::Dense(_) => "FULLY_CONNECTED".to_owned(),
        Operator::Mean(_) => "MEAN".to_owned(),
        Operator::Addition(it) => match it.sign {
            operators::Sign::Plus => "ADD".to_owned(),
            operators::Sign::Minus => "SUB".to_owned(),
        },
        Operator::Multiplication(_) => "MUL".to_owned(),
        Operator::Softmax(_) => "SOFTMAX".to_owned(),
        Operator::ByteMap(_) => "table of 256".to_owned(),
        Operator::Concatenation(_) => "CONCATENATION".to_owned(),
        Operator::Move(operators::Move::Pad { .. }) => "PAD".to_owned(),
        Operator::Quantise(_) | Operator::Dequantise(_) | Operator::Move(_) | Operator::View => {
            String::new()
        }
    }
}
