//! Lines: variables that keep the newest values of a sequence. A file joins what a variable has
//! kept with what is new, and keeps all of that but the oldest. Here a line is one value that holds
//! both, of which the oldest go and to which the new come.

use super::moves;
use herringbone_tflite::operators::Move;
use herringbone_tflite::{Graph, Node, Operator, TensorId, Values};
use std::collections::BTreeMap;

/// A variable that keeps the newest values of a sequence, and the nodes that use it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// Values that the variable keeps.
    pub(super) old: u32,
    /// Values that an inference adds.
    pub(super) new: u32,
    /// The new ones.
    pub(super) added: TensorId,
    /// The old and then the new ones.
    pub(super) all: TensorId,
}

/// What a node of the graph does with a line.
#[derive(Clone, Copy, Debug)]
pub(super) enum LinePart {
    /// It adds to the line of that variable.
    Joins(usize),
    /// It is done by what adds.
    Done,
}

/// All lines of a graph.
#[derive(Debug)]
pub(super) struct Lines {
    by_state: BTreeMap<usize, Line>,
    parts: BTreeMap<usize, LinePart>,
}

impl Lines {
    pub(super) fn of(graph: &Graph, uses: &[usize]) -> Self {
        let mut lines = Self {
            by_state: BTreeMap::new(),
            parts: BTreeMap::new(),
        };
        for state in 0..graph.states.len() {
            lines.find(graph, uses, state);
        }
        lines
    }

    /// The line of a variable, if it is one.
    pub(super) fn of_state(&self, state: usize) -> Option<&Line> {
        self.by_state.get(&state)
    }

    /// What a node of the graph does with a line, if it does.
    pub(super) fn part(&self, in_graph: usize) -> Option<LinePart> {
        self.parts.get(&in_graph).copied()
    }

    fn find(&mut self, graph: &Graph, uses: &[usize], state: usize) -> Option<()> {
        let nodes = || graph.nodes.iter().enumerate();
        let loads = |(index, node): (usize, &Node)| match node {
            Node::Load { state: it, writes } if *it == state => Some((index, *writes)),
            Node::Load { .. } | Node::Compute { .. } | Node::Store { .. } => None,
        };
        let stores = |(index, node): (usize, &Node)| match node {
            Node::Store { state: it, reads } if *it == state => Some((index, *reads)),
            Node::Store { .. } | Node::Compute { .. } | Node::Load { .. } => None,
        };
        let (load, kept) = only(nodes().filter_map(loads))?;
        let (store, rest) = only(nodes().filter_map(stores))?;
        let computes = |(index, node): (usize, &Node)| match node {
            Node::Compute {
                operator,
                reads,
                writes,
                ..
            } => Some((index, operator.clone(), reads.clone(), *writes)),
            Node::Load { .. } | Node::Store { .. } => None,
        };
        let mut joins = nodes().filter_map(computes);
        let (join, Operator::Concatenation(joined), reads, all) =
            joins.find(|(_, _, reads, _)| reads.contains(&kept))?
        else {
            return None;
        };
        let mut slices = nodes().filter_map(computes);
        let (slice, Operator::Move(Move::Slice(taken)), of, _) =
            slices.find(|(.., writes)| *writes == rest)?
        else {
            return None;
        };
        let (&[first, added], &[old, new]) = (&reads[..], &joined.lengths[..]) else {
            return None;
        };
        let is_bytes = match graph.states[state].initial {
            Values::Int8(_) => true,
            Values::Uint8(_) | Values::Int32(_) | Values::Float32(_) => false,
        };
        let is_line = is_bytes
            && load < join
            && (first, graph.tensor(kept).values()) == (kept, old)
            && (uses[kept.0], uses[rest.0]) == (1, 1)
            && of[..] == [all]
            && moves::tail(&taken) == Some(new)
            && graph.tensor(added).constant.is_none();
        if is_line {
            let (old, new) = (old as u32, new as u32);
            let line = Line {
                old,
                new,
                added,
                all,
            };
            self.by_state.insert(state, line);
            self.parts.insert(join, LinePart::Joins(state));
            let done = [load, slice, store].map(|node| (node, LinePart::Done));
            self.parts.extend(done);
        }
        Some(())
    }
}

fn only<T>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next()?;
    all.next().is_none().then_some(first)
}
