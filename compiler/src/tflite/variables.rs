//! Nodes that read and change variables.

use super::builder::{Builder, Found};
use super::{Joins, ModelNode, moves};
use crate::program::Rearrangement;
use herringbone_tflite::{Node, Operator, TensorId};

impl Builder<'_> {
    /// A line goes on: the new values come after what its variable has kept.
    pub(super) fn add_to_line(&mut self, state: usize) {
        let Some(&line) = self.lines.of_state(state) else {
            return;
        };
        let Some((added, shape)) = self.values.of_tensor(line.added) else {
            return;
        };
        let (kept, all) = (self.kept_now[&state], self.values.kept_shape(state));
        let named = ModelNode {
            operators: Vec::new(),
            joins: Joins::Concatenates,
            moves: Some(moves::of_line(line.old, line.new)),
            name: "variable, CONCATENATION".to_owned(),
        };
        let reads = [(kept, all), (added, shape)];
        let value = self.push_moves(&reads, (named, all), Some(kept));
        self.kept_now.insert(state, value);
        self.values.insert(line.all, value, all);
    }

    /// What a variable holds is read where it is kept, unless that is read after the variable has
    /// changed, or under other names.
    pub(super) fn load(&mut self, in_graph: usize, state: usize, writes: TensorId) {
        let now = (self.kept_now[&state], self.values.kept_shape(state));
        let later = &self.graph.nodes[in_graph + 1..];
        let stores = |node: &Node| match node {
            Node::Store { state: it, .. } => *it == state,
            Node::Load { .. } | Node::Compute { .. } => false,
        };
        let before_next_store = later.iter().take_while(|node| !stores(node));
        let mut uses = 0;
        for node in before_next_store {
            let times = node.reads().iter().filter(|&&read| read == writes).count();
            uses += match node {
                Node::Compute {
                    operator: Operator::View,
                    ..
                } => 0,
                Node::Compute { .. } | Node::Load { .. } | Node::Store { .. } => times,
            };
        }
        if uses == self.uses[writes.0] {
            return self.values.insert(writes, now.0, now.1);
        }
        let copy = Rearrangement::copy(now.1.values());
        if let Found::Value(value, shape) = self.moved(now, copy, ("READ_VARIABLE", now.1)) {
            self.values.insert(writes, value, shape);
        }
    }

    pub(super) fn store(&mut self, state: usize, reads: TensorId) {
        let shape = self.values.kept_shape(state);
        let count = shape.values();
        let (from, moves) = match self.found(reads) {
            Some(Found::Value(value, of_value)) => ((value, of_value), Rearrangement::copy(count)),
            Some(Found::Constant(tensor)) => {
                let block = moves::run_of(self.constant(tensor), count);
                ((self.kept_now[&state], shape), block)
            }
            None => return,
        };
        let named = ModelNode {
            operators: Vec::new(),
            joins: Joins::Concatenates,
            moves: Some(moves),
            name: "ASSIGN_VARIABLE".to_owned(),
        };
        let kept = self.values.kept()[&state];
        let value = self.push_moves(&[from], (named, shape), Some(kept));
        self.kept_now.insert(state, value);
    }
}
