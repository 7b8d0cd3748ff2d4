//! What a plan goes by: which values there are, and what of them each node reads to make one more.
//! What is computed of them, a plan does not know.

//!
//! Shapes count cells: a value of a wide map is several channels.

use crate::network::{
    ByNode, ByValue, Element, Kernel, Kind, Network, Node, NodeId, PoolFunction, ReceptiveField,
    Recurrent, Sequence, Shape, ValueId, Window, is_chain,
};
use crate::plan::rings::Rings;

/// Nodes in topological order, and the values between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataflow {
    activation_bits: u32,
    is_endless: bool,
    rings: Rings,
    nodes: ByNode<FlowNode>,
    values: ByValue<FlowValue>,
    /// What is returned.
    outputs: Vec<ValueId>,
}

/// A value that no node makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowSource {
    /// Its shape.
    pub shape: Shape,
    /// How it comes to be there.
    pub kind: SourceKind,
}

/// How a value comes to be there that no node makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// It is the input that arrives value by value.
    Arriving,
    /// It is another input, which is stored before the first value of that arrives.
    Given,
    /// It is kept from one inference to the next: its place is its own for good.
    Kept,
}

/// What makes a value.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowNode {
    /// Its number.
    pub id: NodeId,
    /// What it reads, the running map first.
    pub reads: Vec<ValueId>,
    /// What it makes.
    pub writes: ValueId,
    /// The kept value in whose place it makes that, for the next inference to begin with.
    pub replaces: Option<ValueId>,
    /// The shape of the running map.
    pub input: Shape,
    /// The shape of what it makes.
    pub output: Shape,
    /// Values of an output pixel, each of which is a sum where sums are kept.
    pub values: u32,
    /// How it makes it.
    pub method: Method,
    /// What of the running map one output reads.
    pub field: ReceptiveField,
    /// Whether it only exists in training.
    pub is_training_only: bool,
    /// Whether its sums are the results as they stand.
    pub is_exact: bool,
}

/// How a node makes its outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Each pixel of a whole field, and of the pixel of the same place of the other maps.
    Fields,
    /// Each value of the whole map, to which its pixels can add one by one.
    Sums,
    /// Each pixel of a window, which can take its pixels in one by one where no two windows
    /// overlap.
    Windows(PoolFunction),
    /// Each pixel of a window of the input's bytes, before they are shortened.
    WindowsOfBytes,
    /// From states that it keeps, which change with each step over the map.
    Steps(Steps),
    /// All at once, by moving values of the maps that it reads, which must be complete.
    Moves,
}

/// How a node goes over its map in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// What of the map it takes in at once: a row, or all of it.
    pub taken: ReceptiveField,
    /// States of 16 bits that it keeps from step to step, those that it makes included.
    pub states: u32,
}

/// A feature map: the input, or what a node makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowValue {
    /// Its shape.
    pub shape: Shape,
    /// The node that makes it; `None` of the input, and of every other source.
    pub maker: Option<NodeId>,
    /// The kept value whose place it has, which may be itself.
    pub kept_in: Option<ValueId>,
    /// The computing nodes that read it, in order.
    pub readers: Vec<NodeId>,
}

impl Steps {
    fn of(recurrent: &Recurrent, input: Shape) -> Self {
        let rows = Window {
            kernel: Kernel {
                height: 1,
                width: input.width,
            },
            ..Window::valid(Kernel::square(1))
        };
        Self {
            taken: match recurrent.steps_by_row(input) {
                true => rows.over(input),
                false => ReceptiveField::whole(input),
            },
            states: 2 * recurrent.hidden * recurrent.cells(input),
        }
    }
}

impl FlowNode {
    fn of(network: &Network, node: &Node) -> Self {
        let steps = match &node.kind {
            Kind::Recurrent(recurrent) => Some((Steps::of(recurrent, node.input), recurrent)),
            Kind::Pool(_)
            | Kind::Convolution(_)
            | Kind::Depthwise(_)
            | Kind::Separable(_)
            | Kind::Dense(_)
            | Kind::Add(_)
            | Kind::Concat(_)
            | Kind::Projection(_)
            | Kind::Tree(_)
            | Kind::Prototypes(_)
            | Kind::Dropout(_)
            | Kind::Noise(_) => None,
        };
        let field = match steps {
            Some((steps, recurrent)) => match recurrent.sequence {
                Sequence::All => steps.taken,
                Sequence::Last => node.field(),
            },
            None => node.field(),
        };
        let method = match node.kind.pools() {
            Some(_) if network.averages_raw_input(node.id) => Method::WindowsOfBytes,
            Some(function) => Method::Windows(function),
            None if node.kind.is_dense() => Method::Sums,
            None => steps.map_or(Method::Fields, |(steps, _)| Method::Steps(steps)),
        };
        Self {
            id: node.id,
            reads: node.reads.clone(),
            writes: node.writes,
            replaces: None,
            input: in_cells(network, node.input, node.input_element),
            output: in_cells(network, node.output, node.kind.makes()),
            values: node.output.channels,
            method,
            field,
            is_training_only: node.is_training_only(),
            is_exact: network.is_exact(node.id),
        }
    }

    /// What of the running map one output reads.
    pub fn field(&self) -> ReceptiveField {
        self.field
    }

    /// Whether each output is a sum over the whole map.
    pub fn is_dense(&self) -> bool {
        match self.method {
            Method::Sums => true,
            Method::Fields
            | Method::Windows(_)
            | Method::WindowsOfBytes
            | Method::Steps(_)
            | Method::Moves => false,
        }
    }

    /// How it goes over its map in steps, if it does: then it runs in a segment, for it keeps
    /// states beside its map.
    pub fn steps(&self) -> Option<Steps> {
        match self.method {
            Method::Steps(steps) => Some(steps),
            Method::Fields
            | Method::Sums
            | Method::Windows(_)
            | Method::WindowsOfBytes
            | Method::Moves => None,
        }
    }

    /// What of its map it takes in at once, where it takes pixels in.
    pub fn taken(&self, map: Shape) -> ReceptiveField {
        match self.method {
            Method::Steps(steps) => steps.taken,
            Method::Fields
            | Method::Sums
            | Method::Windows(_)
            | Method::WindowsOfBytes
            | Method::Moves => ReceptiveField::pixelwise(map),
        }
    }

    /// Whether it moves values of maps that must be complete.
    pub fn moves(&self) -> bool {
        match self.method {
            Method::Moves => true,
            Method::Fields
            | Method::Sums
            | Method::Windows(_)
            | Method::WindowsOfBytes
            | Method::Steps(_) => false,
        }
    }

    /// What it makes of the values of a window, if it is a pooling.
    pub fn pools(&self) -> Option<PoolFunction> {
        match self.method {
            Method::Windows(function) => Some(function),
            Method::WindowsOfBytes => Some(PoolFunction::Average),
            Method::Fields | Method::Sums | Method::Steps(_) | Method::Moves => None,
        }
    }

    /// Whether the pixels of its input can be taken in one by one, in any order, into sums or
    /// windows that it keeps, or in steps into its states; else each output needs its whole field.
    pub fn takes_pixels(&self) -> bool {
        match self.method {
            Method::Sums | Method::Steps(_) => true,
            Method::Windows(_) | Method::WindowsOfBytes => self.field.is_tiled(),
            Method::Fields | Method::Moves => false,
        }
    }
}

impl Dataflow {
    /// Nodes in an order in which each reads what is there: the first values are the sources, of
    /// which value 0 is the input that arrives, and each node makes the next one.
    ///
    /// # Panics
    /// Where a node makes another value than the next, or reads one that is not there yet.
    pub fn new(
        sources: &[FlowSource],
        activation_bits: u32,
        nodes: Vec<FlowNode>,
        outputs: Vec<ValueId>,
    ) -> Self {
        let sources = (0..).zip(sources).map(|(index, source)| FlowValue {
            shape: source.shape,
            maker: None,
            kept_in: match source.kind {
                SourceKind::Kept => Some(ValueId::new(index)),
                SourceKind::Arriving | SourceKind::Given => None,
            },
            readers: Vec::new(),
        });
        let mut values: Vec<FlowValue> = sources.collect();
        for node in &nodes {
            assert_eq!(
                node.writes.index(),
                values.len(),
                "each node makes the next value"
            );
            for value in &node.reads {
                let readers = &mut values[value.index()].readers;
                if readers.last() != Some(&node.id) {
                    readers.push(node.id);
                }
            }
            values.push(FlowValue {
                shape: node.output,
                maker: Some(node.id),
                kept_in: node.replaces,
                readers: Vec::new(),
            });
        }
        Self {
            activation_bits,
            is_endless: false,
            rings: Rings::Pixels,
            nodes: ByNode::new(nodes),
            values: ByValue::new(values),
            outputs,
        }
    }

    /// Bits of an activation: 4 or 8.
    pub fn activation_bits(&self) -> u32 {
        self.activation_bits
    }

    /// Whether the input goes on without end: then every ring is gone around.
    pub fn is_endless(&self) -> bool {
        self.is_endless
    }

    /// What rings hold of maps that are computed as the input arrives.
    pub fn rings(&self) -> Rings {
        self.rings
    }

    /// The same network for code that wants such rings.
    #[must_use]
    pub fn with_rings(self, rings: Rings) -> Self {
        Self { rings, ..self }
    }

    /// The shape of the input.
    pub fn input(&self) -> Shape {
        self.values[self.input_value()].shape
    }

    /// The input.
    pub fn input_value(&self) -> ValueId {
        ValueId::new(0)
    }

    /// What is returned, in that order.
    pub fn outputs(&self) -> &[ValueId] {
        &self.outputs
    }

    /// Whether a value is returned.
    pub fn is_output(&self, value: ValueId) -> bool {
        self.outputs.contains(&value)
    }

    /// The values that no node makes, but for the input that arrives.
    pub fn other_sources(&self) -> impl Iterator<Item = (ValueId, &FlowValue)> {
        let others = self.values.iter().skip(1);
        others.take_while(|(_, value)| value.maker.is_none())
    }

    /// The kept values: each has a place of its own for good.
    pub fn kept(&self) -> impl Iterator<Item = ValueId> {
        let others = self.other_sources();
        others.filter_map(|(id, value)| value.kept_in.map(|_| id))
    }

    /// Whether a value is in the place of a kept one.
    pub fn is_kept(&self, value: ValueId) -> bool {
        self.values[value].kept_in.is_some()
    }

    /// Every node, those of training included.
    pub fn nodes(&self) -> &[FlowNode] {
        self.nodes.entries()
    }

    /// That node.
    pub fn node(&self, id: NodeId) -> &FlowNode {
        &self.nodes[id]
    }

    /// Every value.
    pub fn values(&self) -> &ByValue<FlowValue> {
        &self.values
    }

    /// That value.
    pub fn value(&self, id: ValueId) -> &FlowValue {
        &self.values[id]
    }

    /// The nodes that compute something on the device.
    pub fn computing_nodes(&self) -> impl DoubleEndedIterator<Item = &FlowNode> {
        let nodes = self.nodes.entries().iter();
        nodes.filter(|node| !node.is_training_only)
    }

    /// Whether a node's sums are the results as they stand.
    pub fn is_exact(&self, node: NodeId) -> bool {
        self.nodes[node].is_exact
    }

    /// Whether a node averages the input's bytes.
    pub fn averages_raw_input(&self, node: NodeId) -> bool {
        match self.nodes[node].method {
            Method::WindowsOfBytes => true,
            Method::Fields
            | Method::Sums
            | Method::Windows(_)
            | Method::Steps(_)
            | Method::Moves => false,
        }
    }

    /// Whether every node computes pixels of what the one before it makes, and of nothing else,
    /// and the last one's are all that is returned, and none keeps states.
    pub fn is_chain(&self) -> bool {
        let mut nodes = self.computing_nodes();
        let is_plain = self.outputs.len() == 1
            && self.other_sources().next().is_none()
            && nodes.all(|node| !node.moves() && node.steps().is_none());
        let nodes = self.computing_nodes();
        is_plain
            && is_chain(
                self.input_value(),
                nodes.map(|node| (&node.reads[..], node.writes)),
            )
    }
}

/// A map whose channels are cells.
fn in_cells(network: &Network, map: Shape, element: Element) -> Shape {
    let cells = element.cells(network.bits().activations);
    Shape {
        channels: map.channels.saturating_mul(cells),
        ..map
    }
}

impl Network {
    /// What a plan goes by.
    pub fn dataflow(&self) -> Dataflow {
        let nodes = self.nodes().iter();
        let values = self.values().entries().iter().map(|value| FlowValue {
            shape: in_cells(self, value.shape, value.element),
            maker: value.maker,
            kept_in: None,
            readers: value.readers.clone(),
        });
        Dataflow {
            activation_bits: self.bits().activations,
            is_endless: self.repeat().is_some(),
            rings: Rings::Pixels,
            nodes: ByNode::new(nodes.map(|node| FlowNode::of(self, node)).collect()),
            values: ByValue::new(values.collect()),
            outputs: vec![self.output_value()],
        }
    }
}
