//! From the operators of a graph to the nodes of a plan.

use super::ends;
use super::fields::{can_be_followed, joins, name};
use super::lines::{LinePart, Lines};
use super::values::ValueMap;
use super::{Joins, Model, ModelError, ModelKept, ModelNode, ModelOperator, OperatorInput};
use crate::network::{MOST_PIXELS, NodeId, ReceptiveField, Shape, ValueId};
use crate::plan::{Dataflow, FlowNode, Method, SumBytes};
use crate::program::{BlockSource, Rearrangement};
use herringbone_tflite::{Graph, Node, Operator, TensorId, Values};
use std::collections::BTreeMap;

/// Bytes of a sum of a dense layer.
const SUM_BYTES: u32 = 4;

/// Values of which two bytes hold the sum.
const MOST_VALUES_OF_TWO_BYTES: u32 = 255;

/// A model while its operators are read.
pub(super) struct Builder<'g> {
    pub(super) graph: &'g Graph,
    pub(super) values: ValueMap,
    nodes: Vec<FlowNode>,
    names: Vec<ModelNode>,
    sum_bytes: Vec<u32>,
    problems: Vec<String>,
    /// How often each tensor is read; outputs once more.
    pub(super) uses: Vec<usize>,
    pub(super) lines: Lines,
    /// By variable: what it holds now.
    pub(super) kept_now: BTreeMap<usize, ValueId>,
}

/// What an operator reads.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found {
    /// A value, as a map of that shape.
    Value(ValueId, Shape),
    /// A tensor of the file.
    Constant(TensorId),
}

impl Found {
    pub(super) fn value(self) -> Option<(ValueId, Shape)> {
        match self {
            Self::Value(value, shape) => Some((value, shape)),
            Self::Constant(_) => None,
        }
    }
}

/// How an operator makes what it makes.
pub(super) enum Step {
    /// A node of its own.
    Node(Method, ReceptiveField, Shape),
    /// A node that moves values.
    Moves(Rearrangement, Shape),
    /// The same values.
    Alias,
    /// In a way that no plan follows.
    Unplanned(String),
}

impl<'g> Builder<'g> {
    pub(super) fn new(graph: &'g Graph) -> Self {
        let uses = graph.uses();
        let lines = Lines::of(graph, &uses);
        let values = ValueMap::of(graph, &lines);
        Self {
            graph,
            kept_now: values.kept().clone(),
            values,
            nodes: Vec::new(),
            names: Vec::new(),
            sum_bytes: Vec::new(),
            problems: ends::problems(graph),
            uses,
            lines,
        }
    }

    /// The shape of the input that arrives.
    pub(super) fn input(&self) -> Shape {
        self.values.sources()[0].shape
    }

    /// Reads every node of the graph.
    pub(super) fn read(&mut self) {
        for (in_graph, node) in self.graph.nodes.iter().enumerate() {
            match (self.lines.part(in_graph), node) {
                (Some(LinePart::Done), _) => {}
                (Some(LinePart::Joins(state)), _) => self.add_to_line(state),
                (
                    None,
                    Node::Compute {
                        operator_index,
                        operator,
                        reads,
                        writes,
                    },
                ) => self.node((*operator_index, in_graph), operator, reads, *writes),
                (None, Node::Load { state, writes }) => self.load(in_graph, *state, *writes),
                (None, Node::Store { state, reads }) => self.store(*state, *reads),
            }
        }
    }

    fn next_value(&self) -> ValueId {
        ValueId::new(self.values.sources().len() + self.nodes.len())
    }
}

impl Builder<'_> {
    /// Reads an operator.
    fn node(
        &mut self,
        (in_file, in_graph): (usize, usize),
        operator: &Operator,
        reads: &[TensorId],
        writes: TensorId,
    ) {
        let found = reads.iter().map(|&read| self.found(read));
        // What reads an operator that has no plan has none either.
        let Some(mut found) = found.collect::<Option<Vec<Found>>>() else {
            return;
        };
        self.make_meet(operator, &mut found);
        let mut values: Vec<(ValueId, Shape)> = found.iter().filter_map(|it| it.value()).collect();
        if let Operator::Addition(_) | Operator::Multiplication(_) = operator {
            // The newest map is the running one: it need not be kept for the others.
            values.sort_by_key(|&(value, _)| std::cmp::Reverse(value));
        }
        let Some(&(running, input)) = values.first() else {
            return;
        };
        let own = |first_joined: usize, joined: &[ValueId]| ModelOperator {
            in_file,
            in_graph,
            reads: inputs_of(&found, running, (first_joined, joined)),
        };
        if self.follows_at_once(operator, reads, &values) {
            let joined: Vec<ValueId> = values[1..].iter().map(|(value, _)| *value).collect();
            let first_joined = self.nodes.last().map_or(0, |last| last.reads.len() - 1);
            let followed = own(first_joined, &joined);
            return self.follow(followed, operator, &values, writes);
        }
        match self.step(operator, &found, writes) {
            Step::Node(method, field, output) => {
                let mut reads: Vec<ValueId> = values.iter().map(|(value, _)| *value).collect();
                // A value that meets itself is read once.
                reads.dedup();
                let named = ModelNode {
                    operators: vec![own(0, &reads[1..])],
                    joins: joins(operator),
                    moves: None,
                    name: name(operator, &field),
                };
                let node = self.flow_node(reads, input, (method, field, output));
                let value = self.push(node, named);
                self.values.insert(writes, value, output);
            }
            Step::Moves(moves, output) => {
                let named = ModelNode {
                    operators: vec![own(0, &[])],
                    joins: Joins::Concatenates,
                    moves: Some(moves),
                    name: name(operator, &ReceptiveField::pixelwise(input)),
                };
                let value = self.push_moves(&distinct(&values), (named, output), None);
                self.values.insert(writes, value, output);
            }
            Step::Alias => self.values.insert(writes, running, input),
            Step::Unplanned(why) => self.problems.push(format!(
                "operator {in_file}, which makes `{}`: {why}",
                self.graph.tensor(writes).name
            )),
        }
    }

    /// A tensor, if it has a plan.
    pub(super) fn found(&self, tensor: TensorId) -> Option<Found> {
        if self.graph.tensor(tensor).constant.is_some() {
            return Some(Found::Constant(tensor));
        }
        let (value, shape) = self.values.of_tensor(tensor)?;
        Some(Found::Value(value, shape))
    }

    fn flow_node(
        &self,
        reads: Vec<ValueId>,
        input: Shape,
        (method, field, output): (Method, ReceptiveField, Shape),
    ) -> FlowNode {
        FlowNode {
            id: NodeId::new(self.nodes.len()),
            reads,
            writes: self.next_value(),
            replaces: None,
            values: output.channels,
            input,
            output,
            method,
            field,
            is_training_only: false,
            is_exact: false,
        }
    }

    fn push(&mut self, node: FlowNode, named: ModelNode) -> ValueId {
        if !can_be_followed(node.output) {
            self.problems.push(format!(
                "{} makes a map of {}: a plan follows up to {MOST_PIXELS} pixels",
                named.name, node.output
            ));
        }
        let taps = node
            .field
            .kernel
            .height
            .saturating_mul(node.field.kernel.width);
        self.sum_bytes.push(match node.method {
            Method::Windows(_) if taps <= MOST_VALUES_OF_TWO_BYTES => 2,
            Method::Windows(_)
            | Method::Sums
            | Method::Fields
            | Method::WindowsOfBytes
            | Method::Steps(_)
            | Method::Moves => SUM_BYTES,
        });
        let value = node.writes;
        self.nodes.push(node);
        self.names.push(named);
        value
    }

    /// A node that moves values of some maps, each of which is read once; over what a variable
    /// keeps, where it says so.
    pub(super) fn push_moves(
        &mut self,
        reads: &[(ValueId, Shape)],
        (named, output): (ModelNode, Shape),
        replaces: Option<ValueId>,
    ) -> ValueId {
        let input = reads[0].1;
        let ids = reads.iter().map(|(value, _)| *value).collect();
        let field = ReceptiveField::whole(input);
        let node = self.flow_node(ids, input, (Method::Moves, field, output));
        self.push(FlowNode { replaces, ..node }, named)
    }

    /// A node that no operator of the file is.
    pub(super) fn moved(
        &mut self,
        (value, shape): (ValueId, Shape),
        moves: Rearrangement,
        (name, output): (&str, Shape),
    ) -> Found {
        let named = ModelNode {
            operators: Vec::new(),
            joins: Joins::Concatenates,
            moves: Some(moves),
            name: name.to_owned(),
        };
        let value = self.push_moves(&[(value, shape)], (named, output), None);
        Found::Value(value, output)
    }

    /// The bytes of a constant.
    pub(super) fn constant(&self, tensor: TensorId) -> BlockSource {
        let values = self.graph.tensor(tensor).constant.as_ref();
        BlockSource::Constant(values.and_then(Values::bytes).unwrap_or_default())
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
        let of_last =
            |tensor: &&TensorId| self.values.of_tensor(**tensor) == Some((running, shape));
        let mut tensors = reads.iter().filter(of_last);
        let is_read_once = tensors
            .next()
            .is_some_and(|tensor| self.uses[tensor.0] == 1)
            && tensors.next().is_none();
        let has_room = !meets || last.reads.len() == 1 && values[1].1 == shape;
        running == last.writes && last.method == Method::Fields && is_read_once && has_room
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
        if values.len() > 1 {
            named.joins = joins(operator);
        }
        named.operators.push(followed);
        named.name = format!("{}, {}", named.name, name(operator, &node.field));
        let (value, shape) = values[0];
        self.values.insert(writes, value, shape);
    }

    /// Whether a value is an input.
    pub(super) fn is_input(&self, value: ValueId) -> bool {
        self.values.is_source(value) && !self.values.kept().values().any(|&it| it == value)
    }

    /// A value of its own for each output: of a model that returns an input, or what a variable
    /// keeps.
    fn outputs(&mut self) -> Vec<ValueId> {
        let mut outputs = Vec::new();
        for &tensor in &self.graph.outputs {
            // What has no plan was said already; a constant has no input to be computed of.
            let Some((value, shape)) = self.values.of_tensor(tensor) else {
                if self.graph.tensor(tensor).constant.is_some() {
                    self.problems.push(format!(
                        "the output `{}` is a constant: leave it out of the model",
                        self.graph.tensor(tensor).name
                    ));
                }
                continue;
            };
            let is_kept = self.kept_now.values().any(|&kept| kept == value);
            outputs.push(match self.values.is_source(value) || is_kept {
                false => value,
                true => {
                    let named = ModelNode {
                        operators: Vec::new(),
                        joins: Joins::Concatenates,
                        moves: None,
                        name: "copy".to_owned(),
                    };
                    let field = ReceptiveField::pixelwise(shape);
                    let of = (Method::Fields, field, shape);
                    let node = self.flow_node(vec![value], shape, of);
                    self.push(node, named)
                }
            });
        }
        outputs
    }

    /// The model of the operators that were read.
    pub(super) fn build(mut self) -> Result<Model, ModelError> {
        if self.graph.nodes.is_empty() {
            return Err(ModelError::Empty);
        }
        let outputs = self.outputs();
        if !self.problems.is_empty() {
            return Err(ModelError::Operators(self.problems));
        }
        let kept = self.values.kept().iter().map(|(state, &value)| {
            let initial = self.graph.states[*state]
                .initial
                .bytes()
                .unwrap_or_default();
            let new = self.values.kept_shape(*state).values() as usize - initial.len();
            ModelKept {
                value,
                last: self.kept_now[state],
                // Of a line, the oldest go before they are read.
                initial: [vec![initial.first().copied().unwrap_or(0); new], initial].concat(),
            }
        });
        let constants = self.graph.nodes.iter().map(|node| match node {
            Node::Compute { operator, .. } => operator.constant_bytes(),
            Node::Load { .. } | Node::Store { .. } => 0,
        });
        let kept = kept.collect();
        let sources = self.values.sources();
        let dataflow = Dataflow::new(sources, 8, self.nodes, outputs.clone());
        let output_bytes = outputs.iter().map(|&it| dataflow.value(it).shape.values());
        Ok(Model {
            constant_bytes: constants.sum(),
            multiply_accumulates: self.graph.multiply_accumulates(),
            output_bytes: output_bytes.sum(),
            kept,
            sum_bytes: SumBytes::new(self.sum_bytes),
            nodes: self.names,
            dataflow,
        })
    }
}

/// What an operator reads, where `joined` are the node's maps besides the running one, from
/// number `first_joined` on.
fn inputs_of(
    found: &[Found],
    running: ValueId,
    (first_joined, joined): (usize, &[ValueId]),
) -> Vec<OperatorInput> {
    let input = |&found: &Found| match found {
        Found::Constant(tensor) => OperatorInput::Constant(tensor),
        Found::Value(value, _) if value == running => OperatorInput::Running,
        Found::Value(value, _) => {
            let mut joined = joined.iter();
            let index = joined.position(|&other| other == value);
            OperatorInput::Joined(first_joined + index.unwrap_or(0))
        }
    };
    found.iter().map(input).collect()
}

/// Each value once, in the order of the first.
pub(super) fn distinct(values: &[(ValueId, Shape)]) -> Vec<(ValueId, Shape)> {
    let mut distinct: Vec<(ValueId, Shape)> = Vec::new();
    for &(value, shape) in values {
        if distinct.iter().all(|(other, _)| *other != value) {
            distinct.push((value, shape));
        }
    }
    distinct
}
