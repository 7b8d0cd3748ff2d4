//! From the list of a declaration to nodes and values.

use super::error::{GraphError, MOST_KNOWN_LABELS, OwnMap};
use super::id::{LayerId, NodeId, ValueId};
use super::kind::{Activation, Convolution, Kind, PoolFunction};
use super::list::{Entry, INPUT_LABEL, Item};
use super::node::{Node, Part};
use super::shape::Shape;
use super::value::{Element, Value};
use super::window::{Padding, Stride, Window};
use super::{MOST_CHANNELS, MOST_PIXELS};
use crate::spelling;

/// Labels that a misspelt one is compared with.
const MOST_COMPARED_LABELS: usize = 64;

/// A network while its list is read.
pub(super) struct Builder {
    nodes: Vec<Made>,
    values: Vec<Value>,
    /// Of every value, whether it follows from a mistake: its shape and sign are a
    /// guess then, and no error is said of what they lead to.
    guessed: Vec<bool>,
    labels: Vec<LabelledValue>,
    running: ValueId,
    /// The item before, where it only goes on from a map, and the map that ran
    /// until then.
    resumed: Option<(usize, ValueId)>,
    layers: usize,
    errors: Vec<GraphError>,
}

/// A node, and the item that it is of.
struct Made {
    node: Node,
    item: usize,
}

/// `'name:` of an item.
struct LabelledValue {
    name: String,
    value: ValueId,
    /// `None` of the input.
    item: Option<usize>,
    used: bool,
    /// Whether several items have it, so that it is ambiguous.
    ambiguous: bool,
}

impl Builder {
    pub(super) fn new(input: Shape) -> Self {
        let too_large = !is_small_enough(input);
        let error = GraphError::TooManyPixels {
            item: None,
            map: input,
        };
        Self {
            nodes: Vec::new(),
            values: vec![Value {
                shape: input,
                signed: false,
                element: Element::Activation,
                maker: None,
                readers: Vec::new(),
                label: Some(INPUT_LABEL.to_owned()),
            }],
            guessed: vec![too_large],
            labels: vec![LabelledValue {
                name: INPUT_LABEL.to_owned(),
                value: ValueId::new(0),
                item: None,
                used: true,
                ambiguous: false,
            }],
            running: ValueId::new(0),
            resumed: None,
            layers: 0,
            errors: too_large.then_some(error).into_iter().collect(),
        }
    }

    /// Reads the whole list: its nodes, its values, and the last of them.
    pub(super) fn read(
        mut self,
        items: &[Item],
    ) -> Result<(Vec<Node>, Vec<Value>, ValueId), Vec<GraphError>> {
        for (index, item) in items.iter().enumerate() {
            self.item(index, item, items);
        }
        self.check_ends();
        self.check_averages();
        let computes = self.nodes.iter().any(|made| !made.node.is_training_only());
        if !computes && self.errors.is_empty() {
            self.errors.push(GraphError::NothingToCompute);
        }
        if self.errors.is_empty() {
            let nodes = self.nodes.into_iter().map(|made| made.node).collect();
            Ok((nodes, self.values, self.running))
        } else {
            Err(self.errors)
        }
    }

    fn item(&mut self, index: usize, item: &Item, items: &[Item]) {
        let resumed = self.resumed.take();
        match &item.entry {
            Entry::From(label) => {
                if let Some((item, _)) = resumed {
                    self.errors.push(GraphError::UnreadBranch { item });
                }
                self.resumed = Some((index, self.running));
                self.running = match self.find(index, label, items) {
                    Some(value) => value,
                    None => self.guess(),
                };
            }
            Entry::Layer { kind, labels } => {
                let layer = self.next_layer();
                let found = labels.iter().map(|label| self.find(index, label, items));
                let found = found.collect::<Vec<_>>();
                let knows_all = found.iter().all(Option::is_some);
                let joined: Vec<ValueId> = found.into_iter().flatten().collect();
                let fits = !knows_all || self.check_join(index, kind, labels, &joined);
                let mut reads = vec![self.running];
                reads.extend(joined);
                self.running = self.node(index, (layer, Part::Whole), *kind, reads);
                if !fits || !(knows_all || kind.adds()) {
                    self.guessed[self.running.index()] = true;
                }
            }
            Entry::Residual { kernel } => {
                let layer = self.next_layer();
                let from = self.running;
                let convolution = |adds| {
                    Kind::Convolution(Convolution {
                        outputs: self.shape(from).channels,
                        window: Window {
                            kernel: *kernel,
                            stride: Stride::ONE,
                            padding: Padding::Same,
                        },
                        activation: Activation::Relu,
                        adds,
                    })
                };
                let (first, second) = (convolution(false), convolution(true));
                let between = self.node(index, (layer, Part::First), first, vec![from]);
                let reads = vec![between, from];
                self.running = self.node(index, (layer, Part::Second), second, reads);
            }
            Entry::Bonsai(bonsai) => {
                let projection = Kind::Projection(bonsai.projection());
                let scores = (Part::Tree, Kind::Tree(bonsai.tree));
                self.projected(index, projection, scores);
            }
            Entry::Proto(proto) => {
                let projection = Kind::Projection(proto.projection());
                let scores = (Part::Prototypes, Kind::Prototypes(proto.prototypes));
                self.projected(index, projection, scores);
            }
        }
        if let Some(name) = &item.label {
            self.label(index, name);
        }
    }

    /// A projection of the running map, and what makes scores of it.
    fn projected(&mut self, item: usize, projection: Kind, (part, scores): (Part, Kind)) {
        let layer = self.next_layer();
        let reads = vec![self.running];
        let projected = self.node(item, (layer, Part::Projection), projection, reads);
        self.running = self.node(item, (layer, part), scores, vec![projected]);
    }

    fn next_layer(&mut self) -> LayerId {
        self.layers += 1;
        LayerId(self.layers - 1)
    }

    fn shape(&self, value: ValueId) -> Shape {
        self.values[value.index()].shape
    }

    fn is_guessed(&self, value: ValueId) -> bool {
        self.guessed[value.index()]
    }

    fn push(&mut self, value: Value, guessed: bool) -> ValueId {
        self.values.push(value);
        self.guessed.push(guessed);
        ValueId::new(self.values.len() - 1)
    }

    /// A map of which nothing is known.
    fn guess(&mut self) -> ValueId {
        let value = Value {
            shape: self.shape(self.running),
            signed: false,
            element: Element::Activation,
            maker: None,
            readers: Vec::new(),
            label: None,
        };
        self.push(value, true)
    }

    fn label(&mut self, item: usize, name: &str) {
        let same = self.labels.iter_mut().filter(|label| label.name == name);
        let count = same.map(|label| label.ambiguous = true).count();
        if count > 0 {
            let label = name.to_owned();
            self.errors.push(GraphError::DuplicateLabel { item, label });
        }
        self.values[self.running.index()]
            .label
            .get_or_insert_with(|| name.to_owned());
        self.labels.push(LabelledValue {
            name: name.to_owned(),
            value: self.running,
            item: Some(item),
            used: false,
            ambiguous: count > 0,
        });
    }

    fn find(&mut self, item: usize, name: &str, items: &[Item]) -> Option<ValueId> {
        if let Some(label) = self.labels.iter_mut().find(|label| label.name == name) {
            label.used = true;
            return Some(label.value).filter(|_| !label.ambiguous);
        }
        let mut later = items[item..].iter();
        let before = || self.labels.iter().rev().map(|label| label.name.as_str());
        let similar = spelling::nearest(name, before().take(MOST_COMPARED_LABELS));
        let known = before().take(MOST_KNOWN_LABELS);
        self.errors.push(GraphError::UnknownLabel {
            item,
            label: name.to_owned(),
            comes_later: later.any(|item| item.label.as_deref() == Some(name)),
            similar: similar.map(ToOwned::to_owned),
            known: known.map(ToOwned::to_owned).collect(),
        });
        None
    }

    /// Holds labelled maps against the running one, or what is made of it; whether
    /// they fit.
    fn check_join(
        &mut self,
        item: usize,
        kind: &Kind,
        labels: &[String],
        joined: &[ValueId],
    ) -> bool {
        let mut fits = true;
        for (label, &value) in labels.iter().zip(joined) {
            if self.is_guessed(self.running) || self.is_guessed(value) {
                continue;
            }
            let running = &self.values[self.running.index()];
            let other = &self.values[value.index()];
            let concatenates = kind.concatenates();
            let needed = if concatenates {
                Shape {
                    channels: other.shape.channels,
                    ..running.shape
                }
            } else {
                kind.output(&[running.shape, other.shape])
            };
            let error = if other.shape != needed {
                GraphError::ShapesDiffer {
                    item,
                    label: label.clone(),
                    given: other.shape,
                    needed,
                    concatenates,
                    own: self.own_map(item, kind),
                }
            } else if concatenates && other.signed != running.signed {
                GraphError::SignsDiffer {
                    item,
                    label: label.clone(),
                    running_is_signed: running.signed,
                }
            } else {
                continue;
            };
            fits = false;
            self.errors.push(error);
        }
        fits
    }

    /// What makes the map that others are held against.
    fn own_map(&self, item: usize, kind: &Kind) -> Option<OwnMap> {
        if kind.window().is_some() || kind.outputs().is_some() {
            let input = self.shape(self.running);
            return Some(OwnMap { item, input });
        }
        let maker = self.values[self.running.index()].maker?;
        let Made { node, item } = &self.nodes[maker.index()];
        Some(OwnMap {
            item: *item,
            input: node.input,
        })
    }

    /// Adds a node, and gives what it writes.
    fn node(
        &mut self,
        item: usize,
        (layer, part): (LayerId, Part),
        kind: Kind,
        reads: Vec<ValueId>,
    ) -> ValueId {
        let shapes: Vec<Shape> = reads.iter().map(|&value| self.shape(value)).collect();
        let (input, output) = (shapes[0], kind.output(&shapes));
        let mut guessed = reads.iter().any(|&value| self.is_guessed(value));
        let misfit =
            || misfit(item, &kind, input, output).or_else(|| self.unreadable(item, &kind, &reads));
        if !guessed && let Some(error) = misfit() {
            self.errors.push(error);
            guessed = true;
        }
        let id = NodeId::new(self.nodes.len());
        let signed_input = self.values[reads[0].index()].signed;
        let input_element = self.values[reads[0].index()].element;
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
            let value = Value {
                shape: output,
                signed: signed_output,
                element: kind.makes(),
                maker: Some(id),
                readers: Vec::new(),
                label: None,
            };
            self.push(value, guessed)
        };
        let node = Node {
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
            input_element,
        };
        self.nodes.push(Made { node, item });
        writes
    }

    /// Why a layer can't read what those values are made of.
    fn unreadable(&self, item: usize, kind: &Kind, reads: &[ValueId]) -> Option<GraphError> {
        for (place, &id) in reads.iter().enumerate() {
            let value = &self.values[id.index()];
            let is_scores = |node: &Node| node.kind.ends_list() && !kind.is_training_only();
            if let Some(maker) = value.maker
                && is_scores(&self.nodes[maker.index()].node)
            {
                return Some(GraphError::ReadsScores { item });
            }
            let reads_wide = place == 0 && kind.reads_wide();
            match value.element {
                Element::Wide if !reads_wide => {
                    let label = value.label.clone().filter(|_| place > 0);
                    return Some(GraphError::ReadsWide { item, label });
                }
                Element::Wide | Element::Activation => {}
            }
        }
        None
    }

    /// Every label is read, and every map but the last one.
    fn check_ends(&mut self) {
        let resumed = self.resumed.take();
        if let Some((item, _)) = resumed {
            self.errors.push(GraphError::UnreadBranch { item });
        }
        let meant = self.meant_labels();
        let labels = self.labels.iter();
        let excused = labels.filter(|label| label.ambiguous || meant.contains(&label.name));
        let mut excused: Vec<ValueId> = excused.map(|label| label.value).collect();
        // Without that last item the list would end with it.
        excused.extend(resumed.map(|(_, before)| before));
        for label in &self.labels {
            if let Some(item) = label.item
                && !label.used
                && !excused.contains(&label.value)
            {
                self.errors.push(GraphError::UnusedLabel {
                    item,
                    label: label.name.clone(),
                });
                excused.push(label.value);
            }
        }
        for (index, value) in self.values.iter().enumerate() {
            let id = ValueId::new(index);
            if let Some(maker) = value.maker
                && value.readers.is_empty()
                && id != self.running
                && !excused.contains(&id)
            {
                let Made { item, .. } = self.nodes[maker.index()];
                self.errors.push(GraphError::UnreadBranch { item });
            }
        }
    }

    /// The unused labels that are meant by labels that do not exist: those that come
    /// later, those with a similar name, and any where there are as many.
    fn meant_labels(&self) -> Vec<String> {
        let unused = || {
            let unused = self.labels.iter().filter(|label| !label.used);
            unused.map(|label| label.name.clone())
        };
        let (mut meant, mut others) = (Vec::new(), 0);
        for error in &self.errors {
            if let GraphError::UnknownLabel { label, similar, .. } = error {
                let own = unused().find(|name| name == label || Some(name) == similar.as_ref());
                others += usize::from(own.is_none());
                meant.extend(own);
            }
        }
        if unused().count() <= meant.len() + others {
            meant.extend(unused());
        }
        meant
    }

    /// An average of the input sums whole bytes, which no other layer has.
    fn check_averages(&mut self) {
        let input = &self.values[0];
        for Made { node, item } in &self.nodes {
            let averages = node.kind.pools() == Some(PoolFunction::Average);
            if averages && node.reads[0] == ValueId::new(0) && input.readers.len() > 1 {
                let item = *item;
                self.errors.push(GraphError::AveragesSharedInput { item });
            }
        }
    }
}

/// Why a layer can't read, or make, such a map.
fn misfit(item: usize, kind: &Kind, input: Shape, output: Shape) -> Option<GraphError> {
    if let Some(window) = kind.window() {
        let Window {
            kernel,
            stride: _,
            padding,
        } = window;
        match padding {
            Padding::Each(padding) if padding > 0 && padding >= kernel.height.min(kernel.width) => {
                return Some(GraphError::PaddingOfKernel {
                    item,
                    padding,
                    kernel,
                });
            }
            Padding::Each(_) | Padding::Same => {}
        }
        if !window.fits(input) {
            return Some(GraphError::KernelLargerThanMap {
                item,
                kernel,
                map: input,
            });
        }
    }
    if kind.splits_pixels_into_steps() && input.channels > 1 {
        let channels = input.channels;
        return Some(GraphError::SequenceOfChannels { item, channels });
    }
    // A concatenation makes the channels that it is asked about.
    let channels = match (kind.reads_pixels(), kind.concatenates()) {
        (true, true) => output.channels,
        (true, false) => input.channels,
        (false, _) => 0,
    };
    if channels > MOST_CHANNELS {
        return Some(GraphError::TooManyChannels { item, channels });
    }
    (!is_small_enough(output)).then_some(GraphError::TooManyPixels {
        item: Some(item),
        map: output,
    })
}

fn is_small_enough(map: Shape) -> bool {
    u64::from(map.height) * u64::from(map.width) <= MOST_PIXELS
}
