//! Tensors of a model as maps of rows, columns and channels.

use crate::network::{MOST_CHANNELS, Shape, ValueId};
use herringbone_tflite::{Graph, Node, Operator, TensorId};
use std::collections::BTreeMap;

/// Which value each tensor is, and the shape of its map.
pub(super) struct ValueMap {
    input: Shape,
    values: BTreeMap<TensorId, (ValueId, Shape)>,
}

impl ValueMap {
    /// The input, in the shape in which it is first read: a leading `RESHAPE` says what the values
    /// that arrive are.
    pub(super) fn of_input(graph: &Graph, input: TensorId) -> Self {
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
        let input_shape = match map_shape(&graph.tensor(tensor).shape) {
            // Values that are one pixel are taken in like a row of them: the cursor counts as
            // many channels as a declared input can have.
            Shape {
                height: 1,
                width: 1,
                channels,
            } if channels > MOST_CHANNELS => Shape::new(1, channels, 1),
            shape => shape,
        };
        Self {
            input: input_shape,
            values: BTreeMap::from([(input, (ValueId::new(0), input_shape))]),
        }
    }

    /// The shape of the input.
    pub(super) fn input(&self) -> Shape {
        self.input
    }

    pub(super) fn of(&self, tensor: TensorId) -> Option<(ValueId, Shape)> {
        self.values.get(&tensor).copied()
    }

    pub(super) fn insert(&mut self, tensor: TensorId, value: ValueId, shape: Shape) {
        self.values.insert(tensor, (value, shape));
    }
}

/// A tensor's shape as rows, columns and channels: the last dimension is channels, the one before
/// it columns, all others rows.
fn map_shape(shape: &[usize]) -> Shape {
    let side = |index: usize| {
        shape
            .len()
            .checked_sub(index)
            .map_or(1, |at| shape[at] as u32)
    };
    let rows: usize = shape[..shape.len().saturating_sub(2)].iter().product();
    Shape::new(rows as u32, side(2), side(1))
}
