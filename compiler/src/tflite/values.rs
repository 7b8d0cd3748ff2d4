//! Tensors of a model as maps of rows, columns and channels.

use super::lines::Lines;
use crate::network::{MOST_CHANNELS, Shape, ValueId};
use crate::plan::{FlowSource, SourceKind};
use herringbone_tflite::{Graph, Node, Operator, TensorId};
use std::collections::BTreeMap;

/// Which value each tensor is, and the shape of its map.
pub(super) struct ValueMap {
    /// The values that no node makes: inputs, then what is kept.
    sources: Vec<FlowSource>,
    values: BTreeMap<TensorId, (ValueId, Shape)>,
    /// By variable that is used.
    kept: BTreeMap<usize, ValueId>,
}

impl ValueMap {
    /// The inputs and the variables of a graph.
    pub(super) fn of(graph: &Graph, lines: &Lines) -> Self {
        let mut map = Self {
            sources: Vec::new(),
            values: BTreeMap::new(),
            kept: BTreeMap::new(),
        };
        for &input in &graph.inputs {
            let (shape, kind) = match map.sources.len() {
                0 => (arriving_shape(graph, input), SourceKind::Arriving),
                _ => (map_shape(&graph.tensor(input).shape), SourceKind::Given),
            };
            let value = map.source(shape, kind);
            map.values.insert(input, (value, shape));
        }
        for node in &graph.nodes {
            let (state, tensor) = match node {
                Node::Load { state, writes } => (*state, *writes),
                Node::Store { state, reads } => (*state, *reads),
                Node::Compute { .. } => continue,
            };
            if !map.kept.contains_key(&state) {
                let tensor = lines.of_state(state).map_or(tensor, |line| line.all);
                let shape = map_shape(&graph.tensor(tensor).shape);
                let value = map.source(shape, SourceKind::Kept);
                map.kept.insert(state, value);
            }
        }
        map
    }

    fn source(&mut self, shape: Shape, kind: SourceKind) -> ValueId {
        self.sources.push(FlowSource { shape, kind });
        ValueId::new(self.sources.len() - 1)
    }

    /// The values that no node makes.
    pub(super) fn sources(&self) -> &[FlowSource] {
        &self.sources
    }

    /// Whether a value is one of those.
    pub(super) fn is_source(&self, value: ValueId) -> bool {
        value.index() < self.sources.len()
    }

    /// By variable that is used: the value that an inference begins with.
    pub(super) fn kept(&self) -> &BTreeMap<usize, ValueId> {
        &self.kept
    }

    /// The shape of what a variable keeps.
    pub(super) fn kept_shape(&self, state: usize) -> Shape {
        self.sources[self.kept[&state].index()].shape
    }

    pub(super) fn of_tensor(&self, tensor: TensorId) -> Option<(ValueId, Shape)> {
        self.values.get(&tensor).copied()
    }

    pub(super) fn insert(&mut self, tensor: TensorId, value: ValueId, shape: Shape) {
        self.values.insert(tensor, (value, shape));
    }
}

/// The shape in which the input that arrives is first read: a leading `RESHAPE` says what the
/// values are.
fn arriving_shape(graph: &Graph, input: TensorId) -> Shape {
    let mut tensor = input;
    for node in &graph.nodes {
        if let Node::Compute {
            operator: Operator::View | Operator::Quantise(_),
            reads,
            writes,
            ..
        } = node
            && reads[..] == [tensor]
        {
            tensor = *writes;
        }
    }
    match map_shape(&graph.tensor(tensor).shape) {
        // Values that are one pixel are taken in like a row of them: the cursor counts as
        // many channels as a declared input can have.
        Shape {
            height: 1,
            width: 1,
            channels,
        } if channels > MOST_CHANNELS => Shape::new(1, channels, 1),
        shape => shape,
    }
}

/// A tensor's shape as rows, columns and channels: the last dimension is channels, the one before
/// it columns, all others rows.
pub(super) fn map_shape(shape: &[usize]) -> Shape {
    let side = |index: usize| {
        shape
            .len()
            .checked_sub(index)
            .map_or(1, |at| shape[at] as u32)
    };
    let rows: usize = shape[..shape.len().saturating_sub(2)].iter().product();
    Shape::new(rows as u32, side(2), side(1))
}
