//! The graph: nodes in topological order, and the values between them.

use super::bits::Bits;
use super::error::GraphError;
use super::id::{ByNode, ByValue, LayerId, NodeId, ValueId};
use super::kind::{Activation, Convolution, Kind};
use super::list::{Entry, INPUT_LABEL, Item};
use super::node::{Node, Part};
use super::shape::Shape;
use super::value::Value;
use super::window::{Padding, Stride, Window};
use super::{MOST_CHANNELS, MOST_VALUES};

/// A consistent network: every layer fits the maps that it reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    bits: Bits,
    items: Vec<Item>,
    nodes: ByNode<Node>,
    values: ByValue<Value>,
    output: ValueId,
}

impl Network {
    /// A chain of layers, without labels.
    ///
    /// # Errors
    /// As [`Network::of_list`].
    pub fn new(input: Shape, bits: Bits, kinds: &[Kind]) -> Result<Self, Vec<GraphError>> {
        let items = kinds.iter().map(|&kind| Item::layer(kind)).collect();
        Self::of_list(input, bits, items)
    }

    /// Infers the shape of every feature map, and finds every label.
    ///
    /// # Errors
    /// All items that can't read the maps before them; inference goes on after
    /// such an item as if its map were just large enough.
    pub fn of_list(input: Shape, bits: Bits, items: Vec<Item>) -> Result<Self, Vec<GraphError>> {
        let mut builder = Builder::new(input);
        for (index, item) in items.iter().enumerate() {
            builder.item(index, item, &items);
        }
        builder.finish(bits, items)
    }

    /// The same network with other outputs of one layer.
    ///
    /// # Errors
    /// Where maps that are added no longer fit one another.
    pub fn with_outputs(&self, layer: LayerId, outputs: u32) -> Result<Self, Vec<GraphError>> {
        let mut items = self.items.clone();
        let mut layers = items.iter_mut().filter(|item| item.is_layer());
        if let Some(Item {
            entry: Entry::Layer { kind, .. },
            ..
        }) = layers.nth(layer.0)
        {
            *kind = kind.with_outputs(outputs);
        }
        Self::of_list(self.input(), self.bits, items)
    }

    /// The same network with other integers.
    pub fn with_bits(&self, bits: Bits) -> Self {
        Self {
            bits,
            ..self.clone()
        }
    }

    /// The shape of the raw input, a byte a value.
    pub fn input(&self) -> Shape {
        self.values[self.input_value()].shape
    }

    /// The input.
    pub const fn input_value(&self) -> ValueId {
        ValueId::new(0)
    }

    /// The widths of the network's integers.
    pub fn bits(&self) -> Bits {
        self.bits
    }

    /// The declaration's list.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Layers of the list: its items but those that only go on from a map.
    pub fn layer_count(&self) -> usize {
        self.items.iter().filter(|item| item.is_layer()).count()
    }

    /// Every node in topological order, those of training included.
    pub fn nodes(&self) -> &[Node] {
        self.nodes.entries()
    }

    /// That node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    /// Every value.
    pub fn values(&self) -> &ByValue<Value> {
        &self.values
    }

    /// That value.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id]
    }

    /// The nodes that compute something on the device.
    pub fn computing_nodes(&self) -> impl DoubleEndedIterator<Item = &Node> {
        let nodes = self.nodes.entries().iter();
        nodes.filter(|node| !node.is_training_only())
    }

    /// The nodes of that layer of the list.
    pub fn nodes_of(&self, layer: LayerId) -> impl Iterator<Item = &Node> {
        self.nodes
            .entries()
            .iter()
            .filter(move |node| node.layer == layer)
    }

    /// What the last node writes.
    pub fn output_value(&self) -> ValueId {
        self.output
    }

    /// The shape of the results.
    pub fn output(&self) -> Shape {
        self.values[self.output].shape
    }

    /// The node that writes the results.
    pub fn last_node(&self) -> &Node {
        let maker = self.values[self.output].maker;
        &self.nodes[maker.expect("Network::of_list refuses a list that computes nothing")]
    }

    /// Whether a node's last sums are the results as they stand, neither rounded
    /// nor clamped: it is the last one, and has weights and no activation.
    pub fn is_exact(&self, node: NodeId) -> bool {
        let node = &self.nodes[node];
        node.writes == self.output
            && !node.is_training_only()
            && node.activation() == Some(Activation::Linear)
    }

    /// Whether the results are exact sums instead of activations.
    pub fn gives_logits(&self) -> bool {
        self.is_exact(self.last_node().id)
    }

    /// Whether a node averages the raw input, whose bytes are summed before they
    /// are shortened.
    pub fn averages_raw_input(&self, node: NodeId) -> bool {
        let node = &self.nodes[node];
        node.reads[0] == self.input_value() && averages(&node.kind)
    }

    /// Whether every node reads what the one before it writes, and nothing else.
    pub fn is_chain(&self) -> bool {
        let mut running = self.input_value();
        self.computing_nodes().all(|node| {
            let follows = node.reads == [running];
            running = node.writes;
            follows
        })
    }

    /// Multiply-accumulates of one inference.
    pub fn multiply_accumulates(&self) -> u64 {
        let nodes = self.nodes.entries().iter();
        nodes.map(Node::multiply_accumulates).sum()
    }

    /// A layer of the list as the declaration writes it, without its label.
    pub fn written(&self, layer: LayerId) -> String {
        let item = self
            .items
            .iter()
            .filter(|item| item.is_layer())
            .nth(layer.0);
        item.map_or_else(String::new, |item| item.entry.to_string())
    }
}

fn averages(kind: &Kind) -> bool {
    use super::kind::{Pool, PoolFunction};
    match kind {
        Kind::Pool(Pool {
            function,
            window: _,
        }) => match function {
            PoolFunction::Average => true,
            PoolFunction::Maximum => false,
        },
        Kind::Convolution(_)
        | Kind::Depthwise(_)
        | Kind::Separable(_)
        | Kind::Dense(_)
        | Kind::Add(_)
        | Kind::Concat(_)
        | Kind::Dropout(_)
        | Kind::Noise(_) => false,
    }
}

/// A network while its list is read.
struct Builder {
    nodes: Vec<Node>,
    values: Vec<Value>,
    /// Every label with its value and the item that has it.
    labels: Vec<Label>,
    running: ValueId,
    /// The item that made the running map, as long as nobody has read it.
    unread: Option<usize>,
    layers: usize,
    errors: Vec<GraphError>,
}

struct Label {
    name: String,
    value: ValueId,
    item: Option<usize>,
    used: bool,
}

impl Builder {
    fn new(input: Shape) -> Self {
        let mut errors = Vec::new();
        if !is_small_enough(input) {
            errors.push(GraphError::TooManyValues {
                item: None,
                map: input,
            });
        }
        Self {
            nodes: Vec::new(),
            values: vec![Value {
                shape: input,
                signed: false,
                maker: None,
                readers: Vec::new(),
                label: Some(INPUT_LABEL.to_owned()),
            }],
            labels: vec![Label {
                name: INPUT_LABEL.to_owned(),
                value: ValueId::new(0),
                item: None,
                used: true,
            }],
            running: ValueId::new(0),
            unread: None,
            layers: 0,
            errors,
        }
    }

    fn item(&mut self, index: usize, item: &Item, items: &[Item]) {
        match &item.entry {
            Entry::From(label) => {
                let value = self.find(index, label, items);
                if let Some(unread) = self.unread.take() {
                    // A labelled map is read where its label is, or reported there.
                    let labelled = self
                        .labels
                        .iter()
                        .any(|label| label.item.is_some() && label.value == self.running);
                    if !labelled {
                        self.errors.push(GraphError::UnreadBranch { item: unread });
                    }
                }
                self.running = value.unwrap_or(self.running);
            }
            Entry::Layer { kind, labels } => {
                let layer = self.next_layer();
                let joined = labels
                    .iter()
                    .filter_map(|label| Some((label, self.find(index, label, items)?)))
                    .collect::<Vec<_>>();
                if joined.len() == labels.len() {
                    self.check_join(index, kind, &joined);
                }
                let mut reads = vec![self.running];
                reads.extend(joined.into_iter().map(|(_, value)| value));
                self.running = self.node(index, (layer, Part::Whole), *kind, reads);
                self.unread = Some(index);
            }
            Entry::Residual { kernel } => {
                let layer = self.next_layer();
                let from = self.running;
                for part in [Part::First, Part::Second] {
                    let adds = part == Part::Second;
                    let kind = Kind::Convolution(Convolution {
                        outputs: self.values[from.index()].shape.channels,
                        window: Window {
                            kernel: *kernel,
                            stride: Stride::ONE,
                            padding: Padding::Same,
                        },
                        activation: Activation::Relu,
                        adds,
                    });
                    let mut reads = vec![self.running];
                    reads.extend(adds.then_some(from));
                    self.running = self.node(index, (layer, part), kind, reads);
                }
                self.unread = Some(index);
            }
        }
        if let Some(name) = &item.label {
            self.label(index, name);
        }
    }

    fn next_layer(&mut self) -> LayerId {
        self.layers += 1;
        LayerId(self.layers - 1)
    }

    fn label(&mut self, item: usize, name: &str) {
        if self.labels.iter().any(|label| label.name == name) {
            let label = name.to_owned();
            self.errors.push(GraphError::DuplicateLabel { item, label });
            return;
        }
        self.values[self.running.index()]
            .label
            .get_or_insert_with(|| name.to_owned());
        self.labels.push(Label {
            name: name.to_owned(),
            value: self.running,
            item: Some(item),
            used: false,
        });
    }

    fn find(&mut self, item: usize, name: &str, items: &[Item]) -> Option<ValueId> {
        if let Some(label) = self.labels.iter_mut().find(|label| label.name == name) {
            label.used = true;
            return Some(label.value);
        }
        let later = items[item..].iter();
        self.errors.push(GraphError::UnknownLabel {
            item,
            label: name.to_owned(),
            comes_later: later
                .clone()
                .any(|item| item.label.as_deref() == Some(name)),
            known: self.labels.iter().map(|label| label.name.clone()).collect(),
        });
        None
    }

    fn check_join(&mut self, item: usize, kind: &Kind, joined: &[(&String, ValueId)]) {
        let running = &self.values[self.running.index()];
        let (shape, signed) = (running.shape, running.signed);
        let concatenates = matches_concat(kind);
        for &(label, value) in joined {
            let other = &self.values[value.index()];
            let needed = if concatenates {
                Shape {
                    channels: other.shape.channels,
                    ..shape
                }
            } else {
                kind.output(&[shape, other.shape])
            };
            let label = label.clone();
            if other.shape != needed {
                self.errors.push(GraphError::ShapesDiffer {
                    item,
                    label,
                    given: other.shape,
                    needed,
                    concatenates,
                });
            } else if concatenates && other.signed != signed {
                self.errors.push(GraphError::SignsDiffer {
                    item,
                    label,
                    running_is_signed: signed,
                });
            }
        }
    }

    /// Adds a node, and gives what it writes.
    fn node(
        &mut self,
        item: usize,
        (layer, part): (LayerId, Part),
        kind: Kind,
        reads: Vec<ValueId>,
    ) -> ValueId {
        let shapes: Vec<Shape> = reads
            .iter()
            .map(|value| self.values[value.index()].shape)
            .collect();
        let input = shapes[0];
        self.check_window(item, &kind, input);
        let output = kind.output(&shapes);
        if !is_small_enough(output) {
            self.errors.push(GraphError::TooManyValues {
                item: Some(item),
                map: output,
            });
        }
        let channels = match (kind.reads_pixels(), kind.activation()) {
            (true, None) => output.channels,
            (true, Some(_)) => input.channels,
            (false, _) => 0,
        };
        if channels > MOST_CHANNELS {
            self.errors
                .push(GraphError::TooManyChannels { item, channels });
        }
        let id = NodeId::new(self.nodes.len());
        let signed_input = self.values[reads[0].index()].signed;
        let signed_output = match kind.activation() {
            Some(Activation::Linear) => true,
            Some(Activation::Relu) => false,
            None => signed_input,
        };
        let writes = if kind.is_training_only() {
            reads[0]
        } else {
            for value in &reads {
                let readers = &mut self.values[value.index()].readers;
                if readers.last() != Some(&id) {
                    readers.push(id);
                }
            }
            self.values.push(Value {
                shape: output,
                signed: signed_output,
                maker: Some(id),
                readers: Vec::new(),
                label: None,
            });
            ValueId::new(self.values.len() - 1)
        };
        self.nodes.push(Node {
            id,
            layer,
            part,
            kind,
            reads,
            writes,
            input,
            output,
            signed_input,
            signed_output,
        });
        writes
    }

    fn check_window(&mut self, item: usize, kind: &Kind, map: Shape) {
        let Some(window) = kind.window() else {
            return;
        };
        let Window {
            kernel,
            stride: _,
            padding,
        } = window;
        if let Padding::Each(padding) = padding
            && padding >= kernel.height.min(kernel.width)
            && padding > 0
        {
            self.errors.push(GraphError::PaddingOfKernel {
                item,
                padding,
                kernel,
            });
        } else if !window.fits(map) {
            self.errors
                .push(GraphError::KernelLargerThanMap { item, kernel, map });
        }
    }

    fn finish(mut self, bits: Bits, items: Vec<Item>) -> Result<Network, Vec<GraphError>> {
        if self.nodes.iter().all(Node::is_training_only) {
            self.errors.push(GraphError::NothingToCompute);
        }
        for label in &self.labels {
            if let (Some(item), false) = (label.item, label.used) {
                self.errors.push(GraphError::UnusedLabel {
                    item,
                    label: label.name.clone(),
                });
            }
        }
        // The list ends with a map that was read, or is the input.
        if self.errors.is_empty() && self.unread.is_none() {
            let item = items.len() - 1;
            self.errors.push(GraphError::UnreadBranch { item });
        }
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        Ok(Network {
            bits,
            items,
            nodes: ByNode::new(self.nodes),
            values: ByValue::new(self.values),
            output: self.running,
        })
    }
}

fn matches_concat(kind: &Kind) -> bool {
    // What keeps the sign of several maps.
    kind.reads_pixels() && kind.activation().is_none()
}

fn is_small_enough(map: Shape) -> bool {
    let pixels = u64::from(map.height) * u64::from(map.width);
    pixels.saturating_mul(map.channels.into()) <= MOST_VALUES
}
