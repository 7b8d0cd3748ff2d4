//! The graph: nodes in topological order, and the values between them.

use super::bits::Bits;
use super::builder::Builder;
use super::error::GraphError;
use super::id::{ByNode, ByValue, LayerId, NodeId, ValueId};
use super::kind::{Activation, Kind, PoolFunction};
use super::list::{Entry, INPUT_LABEL, Item};
use super::node::Node;
use super::shape::Shape;
use super::shared_prefix::Repeat;
use super::value::{Element, Value};
use super::window::Window;
use crate::features::Features;

/// A consistent network: every layer fits the maps that it reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    bits: Bits,
    features: Option<Features>,
    repeat: Option<Repeat>,
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
    /// Every mistake of the list, each once: what reads a map that is wrong already
    /// is not held against it.
    pub fn of_list(input: Shape, bits: Bits, items: Vec<Item>) -> Result<Self, Vec<GraphError>> {
        let (nodes, values, output) = Builder::new(input).read(&items)?;
        Ok(Self {
            bits,
            features: None,
            repeat: None,
            items,
            nodes: ByNode::new(nodes),
            values: ByValue::new(values),
            output,
        })
    }

    /// The same network with other outputs of those layers.
    ///
    /// # Errors
    /// Where maps no longer fit one another.
    pub fn with_outputs(&self, layers: &[LayerId], outputs: u32) -> Result<Self, Vec<GraphError>> {
        self.with_kinds(|layer, kind| match layers.contains(&layer) {
            true => kind.with_outputs(outputs),
            false => kind,
        })
    }

    /// The same network with other windows of one layer.
    ///
    /// # Errors
    /// Where maps no longer fit one another.
    pub fn with_window(&self, layer: LayerId, window: Window) -> Result<Self, Vec<GraphError>> {
        self.with_kinds(|other, kind| match other == layer {
            true => kind.with_window(window),
            false => kind,
        })
    }

    /// The same network with another entry as that layer.
    ///
    /// # Errors
    /// Where maps no longer fit one another.
    pub fn with_entry(&self, layer: LayerId, entry: Entry) -> Result<Self, Vec<GraphError>> {
        let mut items = self.items.clone();
        let mut layers = items.iter_mut().filter(|item| item.is_layer());
        if let Some(item) = layers.nth(layer.0) {
            item.entry = entry;
        }
        let changed = Self::of_list(self.input(), self.bits, items)?;
        Ok(changed.with_features(self.features))
    }

    /// What a layer of the list is.
    pub fn entry(&self, layer: LayerId) -> Option<&Entry> {
        self.item(layer).map(|item| &item.entry)
    }

    fn with_kinds(&self, change: impl Fn(LayerId, Kind) -> Kind) -> Result<Self, Vec<GraphError>> {
        let mut items = self.items.clone();
        let layers = items.iter_mut().filter(|item| item.is_layer());
        for (index, item) in layers.enumerate() {
            match &mut item.entry {
                Entry::Layer { kind, labels: _ } => *kind = change(LayerId(index), *kind),
                Entry::Residual { .. } | Entry::From(_) | Entry::Bonsai(_) | Entry::Proto(_) => {}
            }
        }
        let changed = Self::of_list(self.input(), self.bits, items)?;
        Ok(changed.with_features(self.features))
    }

    /// The same network with other integers.
    pub fn with_bits(&self, bits: Bits) -> Self {
        Self {
            bits,
            ..self.clone()
        }
    }

    /// The same network, whose input is made of those features.
    pub fn with_features(self, features: Option<Features>) -> Self {
        Self { features, ..self }
    }

    /// The same network, whose input goes on without end.
    pub(super) fn repeating(self, repeat: Repeat) -> Self {
        Self {
            repeat: Some(repeat),
            ..self
        }
    }

    /// How its input goes on, if it has no end.
    pub fn repeat(&self) -> Option<Repeat> {
        self.repeat
    }

    /// What its input is made of, where that is not given as it is.
    pub fn features(&self) -> Option<&Features> {
        self.features.as_ref()
    }

    /// The shape of the raw input, a byte a value.
    pub fn input(&self) -> Shape {
        self.values[self.input_value()].shape
    }

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
        &self.nodes[maker.expect("a network ends with what its last computing node writes")]
    }

    /// Whether a node's last sums are the results as they stand, neither rounded
    /// nor clamped: it is the last one, and has weights and no activation. Wide values are
    /// rounded.
    pub fn is_exact(&self, node: NodeId) -> bool {
        let node = &self.nodes[node];
        node.writes == self.output
            && !node.is_training_only()
            && node.activation() == Some(Activation::Linear)
            && node.kind.makes() == Element::Activation
    }

    /// Whether the results are exact sums instead of activations.
    pub fn gives_logits(&self) -> bool {
        self.is_exact(self.last_node().id)
    }

    /// Whether a node averages the raw input, whose bytes are summed before they
    /// are shortened.
    pub fn averages_raw_input(&self, node: NodeId) -> bool {
        let node = &self.nodes[node];
        let averages = node.kind.pools() == Some(PoolFunction::Average);
        averages && node.reads[0] == self.input_value()
    }

    /// Whether every node reads what the one before it writes, and nothing else.
    pub fn is_chain(&self) -> bool {
        let nodes = self.computing_nodes();
        is_chain(
            self.input_value(),
            nodes.map(|node| (&node.reads[..], node.writes)),
        )
    }

    /// Multiply-accumulates of one inference.
    pub fn multiply_accumulates(&self) -> u64 {
        let nodes = self.nodes.entries().iter();
        nodes.map(Node::multiply_accumulates).sum()
    }

    /// A node as it is called where others are: its layer as the declaration writes
    /// it, with its label and the one that the list goes on from there, and which of
    /// the layer's nodes it is.
    pub fn name_of(&self, node: NodeId) -> String {
        let node = &self.nodes[node];
        let name = self.called(node, Item::to_string);
        match self.resumed(node.layer) {
            Some(label) if node.part.is_first() => format!("'{label}, {name}"),
            Some(_) | None => name,
        }
    }

    /// The same where there is little room: without the arguments that have names.
    pub fn short_name_of(&self, node: NodeId) -> String {
        self.called(&self.nodes[node], |item| format!("{item:#}"))
    }

    /// A value as it is called where others are: its label, or what makes it.
    pub fn name_of_value(&self, value: ValueId) -> String {
        let Value { label, maker, .. } = &self.values[value];
        match (maker, label) {
            (None, _) => INPUT_LABEL.to_owned(),
            (Some(_), Some(label)) => format!("'{label}"),
            (Some(maker), None) => self.name_of(*maker),
        }
    }

    fn called(&self, node: &Node, written: impl Fn(&Item) -> String) -> String {
        self.item(node.layer).map_or_else(String::new, written) + node.part.suffix()
    }

    /// The label that the list goes on from before a layer.
    fn resumed(&self, layer: LayerId) -> Option<&str> {
        let mut layers = 0;
        for (index, item) in self.items.iter().enumerate() {
            if item.is_layer() && layers == layer.0 {
                let before = &self.items[index.checked_sub(1)?];
                return match &before.entry {
                    Entry::From(label) => Some(label),
                    Entry::Layer { .. }
                    | Entry::Residual { .. }
                    | Entry::Bonsai(_)
                    | Entry::Proto(_) => None,
                };
            }
            layers += usize::from(item.is_layer());
        }
        None
    }

    fn item(&self, layer: LayerId) -> Option<&Item> {
        let mut layers = self.items.iter().filter(|item| item.is_layer());
        layers.nth(layer.0)
    }

    /// A layer of the list as the declaration writes it, without its label.
    pub fn written(&self, layer: LayerId) -> String {
        let item = self.item(layer);
        item.map_or_else(String::new, |item| item.entry.to_string())
    }
}

/// Whether each of the nodes, by what they read and write, reads what the one before it writes,
/// the first one the input, and nothing else.
pub(crate) fn is_chain<'a>(
    input: ValueId,
    mut nodes: impl Iterator<Item = (&'a [ValueId], ValueId)>,
) -> bool {
    let mut running = input;
    nodes.all(|(reads, writes)| {
        let follows = *reads == [running];
        running = writes;
        follows
    })
}
