//! What a segment is made of, and what of its values is used.

use crate::network::{Kernel, NodeId, ReceptiveField, Shape, ValueId};
use crate::plan::SumBytes;
use crate::plan::{Dataflow, FlowNode};
use std::collections::BTreeMap;

/// What a segment is made of.
pub(in crate::plan) struct SegmentOutline<'a> {
    pub(in crate::plan) flow: &'a Dataflow,
    pub(in crate::plan) sum_bytes: &'a SumBytes,
    /// In topological order.
    pub(in crate::plan) nodes: &'a [NodeId],
    /// Whether it computes as the input arrives.
    pub(in crate::plan) arriving: bool,
    /// The values that are needed whole when it is done.
    pub(in crate::plan) stores: Vec<ValueId>,
}

impl<'a> SegmentOutline<'a> {
    pub(in crate::plan) fn nodes(&self) -> impl DoubleEndedIterator<Item = &'a FlowNode> {
        let flow = self.flow;
        self.nodes.iter().map(move |&id| flow.node(id))
    }

    /// Whether a value comes into being while the segment runs.
    pub(in crate::plan) fn makes(&self, value: ValueId) -> bool {
        let made = self.nodes().any(|node| node.writes == value);
        made || self.arriving && value == self.flow.input_value()
    }

    pub(in crate::plan) fn is_stored(&self, value: ValueId) -> bool {
        self.stores.contains(&value)
    }

    pub(super) fn readers(&self, value: ValueId) -> impl Iterator<Item = &'a FlowNode> {
        self.nodes().filter(move |node| node.reads.contains(&value))
    }

    /// By value that it makes, what of it is read: rows and columns from the first
    /// one on.
    pub(super) fn used_shapes(&self) -> BTreeMap<ValueId, Shape> {
        let mut used: BTreeMap<ValueId, Shape> = BTreeMap::new();
        for node in self.nodes().rev() {
            let whole = self.flow.value(node.writes).shape;
            let output = match used.get(&node.writes) {
                Some(&used) if !self.is_stored(node.writes) => used,
                _ => whole,
            };
            used.insert(node.writes, output);
            for (index, &value) in node.reads.iter().enumerate() {
                let shape = self.flow.value(value).shape;
                let field = field_of_read(node, index, shape);
                let reach = field.used_map(Kernel {
                    height: output.height,
                    width: output.width,
                });
                let before = used.get(&value).copied();
                let before = before.unwrap_or(Shape {
                    height: 0,
                    width: 0,
                    ..shape
                });
                let read = Shape {
                    height: reach.height.max(before.height),
                    width: reach.width.max(before.width),
                    ..shape
                };
                used.insert(value, read);
            }
        }
        used
    }
}

/// What of its `index`-th input a node reads for one output.
pub(in crate::plan) fn field_of_read(
    node: &FlowNode,
    index: usize,
    shape: Shape,
) -> ReceptiveField {
    if index == 0 {
        node.field()
    } else {
        ReceptiveField::pixelwise(shape)
    }
}
