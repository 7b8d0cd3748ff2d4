//! A graph with less in it that computes the same: no slices of slices, and nothing that leads
//! nowhere.

use crate::graph::{Graph, Node, TensorId};
use crate::operators::{Move, Operator, Slice};

impl Graph {
    /// Lets each slice of a slice that nothing else reads be one slice, in the place of the second.
    pub(crate) fn join_slices(&mut self) {
        let uses = self.uses();
        for index in 0..self.nodes.len() {
            let Some((outer, of)) = self.slice(index) else {
                continue;
            };
            let mut makers = self.nodes[..index].iter();
            let maker = makers.position(|node| node.writes() == Some(of));
            let Some((inner, first)) = maker.and_then(|maker| self.slice(maker)) else {
                continue;
            };
            let joined = inner.then(outer);
            if let (1, Some(joined)) = (uses[of.0], joined)
                && let Node::Compute {
                    operator, reads, ..
                } = &mut self.nodes[index]
            {
                *operator = Operator::Move(Move::Slice(joined));
                *reads = vec![first];
            }
        }
    }

    /// Leaves out what no output and no variable needs.
    pub(crate) fn leave_out_what_leads_nowhere(&mut self) {
        let mut is_needed = vec![false; self.tensors.len()];
        for output in &self.outputs {
            is_needed[output.0] = true;
        }
        let mut kept: Vec<Node> = Vec::new();
        while let Some(node) = self.nodes.pop() {
            if node.writes().is_none_or(|writes| is_needed[writes.0]) {
                for read in node.reads() {
                    is_needed[read.0] = true;
                }
                kept.push(node);
            }
        }
        kept.reverse();
        self.nodes = kept;
    }

    fn slice(&self, index: usize) -> Option<(&Slice, TensorId)> {
        match &self.nodes[index] {
            Node::Compute {
                operator: Operator::Move(Move::Slice(slice)),
                reads,
                ..
            } => Some((slice, reads[0])),
            Node::Compute { .. } | Node::Load { .. } | Node::Store { .. } => None,
        }
    }
}

impl Slice {
    /// What a slice takes of what this one takes, where both have the same axes.
    fn then(&self, next: &Self) -> Option<Self> {
        if next.shape != self.count {
            return None;
        }
        let axes = self.begin.iter().zip(&self.step);
        let axes = axes.zip(next.begin.iter().zip(&next.step));
        let (begin, step) = axes
            .map(|((begin, step), (next_begin, next_step))| {
                let from_first = step * *next_begin as isize;
                (begin.saturating_add_signed(from_first), step * next_step)
            })
            .unzip();
        Some(Self {
            shape: self.shape.clone(),
            begin,
            step,
            count: next.count.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::Values;

    #[test]
    fn two_slices_take_what_one_after_the_other_takes() {
        let values = Values::Int8((0..24).collect());
        let first = Slice {
            shape: vec![4, 6],
            begin: vec![3, 1],
            step: vec![-1, 2],
            count: vec![3, 3],
        };
        let second = Slice {
            shape: vec![3, 3],
            begin: vec![0, 2],
            step: vec![2, -1],
            count: vec![2, 3],
        };
        let joined = first.then(&second).unwrap();
        let one_by_one = Operator::Move(Move::Slice(second))
            .compute(&[&Operator::Move(Move::Slice(first)).compute(&[&values])]);
        let at_once = Operator::Move(Move::Slice(joined)).compute(&[&values]);
        assert_eq!(at_once, one_by_one);
    }
}
