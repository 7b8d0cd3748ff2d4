//! Which nodes are computed together, and in which order: of any graph.
//!
//! The nodes that compute as the input arrives are the first ones of the list.
//! The others are ordered by [`operator_order`], as if each stored its output
//! whole; then that order, or the list's where that is better, is cut into segments
//! and single nodes by dynamic programming, so that the worst job needs as few cells
//! as can be: optimal for that order, up to [`LONGEST_SEGMENT`] nodes a segment.

use super::draft::{Draft, SegmentOutline};
use super::operator_order::{self, Operator, Overwrite, Tensor};
use super::{InPlace, Order, SimulatedStep, Strategy, SumBytes};
use crate::network::{NodeId, ValueId};
use crate::plan::{Dataflow, FlowNode};
use std::collections::{BTreeMap, BTreeSet};

/// Nodes of a segment at most: what is kept between more than those is rarely
/// less than a map.
const LONGEST_SEGMENT: usize = 12;

/// Nodes that are computed in one go.
#[derive(Clone, Debug)]
pub(super) enum Work {
    /// Pixel by pixel.
    Segment(Draft),
    /// A single node, from its first output to its last.
    Layer(NodeId),
}

/// All nodes, in the order of running; first what computes as the input arrives.
pub(super) fn schedule(
    flow: &Dataflow,
    sum_bytes: &SumBytes,
    strategy: Strategy,
) -> Option<Vec<Work>> {
    let nodes: Vec<NodeId> = flow.computing_nodes().map(|node| node.id).collect();
    let (arriving, rest) = nodes.split_at(strategy.streamed_layers.min(nodes.len()));
    let first = Cut {
        flow,
        sum_bytes,
        order: arriving,
    };
    let arriving = first.draft(0..arriving.len(), true, rest)?;
    // What is kept is read before it is replaced: the list has such nodes in an order that counts.
    let order = match flow.kept().next() {
        None => best_order(flow, rest),
        Some(_) => rest.to_vec(),
    };
    let works = match strategy.rest {
        InPlace::RowMajor | InPlace::Herringbone => {
            let cut = Cut {
                flow,
                sum_bytes,
                order: &order,
            };
            (0..order.len()).map(|index| cut.alone(index)).collect()
        }
        InPlace::Segments => best_segments(flow, sum_bytes, &order, rest),
    };
    Some([Work::Segment(arriving)].into_iter().chain(works).collect())
}

/// The better cut of the order that is best layer by layer, and of the list's: there
/// branches are whole, so that one may be a segment.
fn best_segments(
    flow: &Dataflow,
    sum_bytes: &SumBytes,
    order: &[NodeId],
    list: &[NodeId],
) -> Vec<Work> {
    let cut = |order| {
        let cut = Cut {
            flow,
            sum_bytes,
            order,
        };
        cut.best()
    };
    let best = cut(order);
    let other = (list != order).then(|| cut(list));
    match other {
        Some(other) if other.cost < best.cost => other.works,
        Some(_) | None => best.works,
    }
}

/// Whether the first nodes of the list can be computed as the input arrives.
pub(super) fn can_stream(flow: &Dataflow, count: usize) -> bool {
    let nodes: Vec<NodeId> = flow.computing_nodes().map(|node| node.id).collect();
    let (arriving, rest) = nodes.split_at(count);
    let first = Cut {
        flow,
        sum_bytes: &SumBytes::all(flow, 4),
        order: arriving,
    };
    first.draft(0..count, true, rest).is_some()
}

/// The order of nodes that leaves the fewest cells alive, each node's output stored
/// whole.
fn best_order(flow: &Dataflow, nodes: &[NodeId]) -> Vec<NodeId> {
    let in_rest: BTreeSet<NodeId> = nodes.iter().copied().collect();
    let mut indices: BTreeMap<ValueId, usize> = BTreeMap::new();
    let mut tensors: Vec<Tensor> = Vec::new();
    let mut makers: BTreeMap<usize, NodeId> = BTreeMap::new();
    for &id in nodes {
        let node = flow.node(id);
        for &value in &node.reads {
            indices.entry(value).or_insert_with(|| {
                tensors.push(Tensor {
                    bytes: flow.value(value).shape.values(),
                    ..Tensor::default()
                });
                tensors.len() - 1
            });
        }
        let exact = flow.is_exact(id);
        let reads: Vec<usize> = node.reads.iter().map(|value| indices[value]).collect();
        let output_cells = if exact { 0 } else { node.output.values() };
        let overwrites = node.reads.iter().zip(&reads).enumerate();
        let overwrites = overwrites.map(|(index, (&value, &input))| {
            let cells = flow.value(value).shape.values();
            let together = (cells + lead_cells(flow, node, index, false)).max(output_cells);
            Overwrite {
                input,
                saved_bytes: (cells + output_cells).saturating_sub(together),
            }
        });
        tensors.push(Tensor {
            bytes: output_cells,
            operator: Some(Operator {
                reads: reads.clone(),
                overwrites: overwrites.collect(),
                scratch_bytes: 0,
            }),
            is_output: flow.is_output(node.writes),
        });
        indices.insert(node.writes, tensors.len() - 1);
        makers.insert(tensors.len() - 1, id);
    }
    debug_assert_eq!(makers.len(), in_rest.len());
    let best = operator_order::least_peak(&tensors);
    best.order.iter().map(|tensor| makers[tensor]).collect()
}

/// Cells by which a node's output must begin before its `index`-th input, both row
/// by row, or from the last pixel on; see [`SimulatedStep`].
pub(super) fn lead_cells(flow: &Dataflow, node: &FlowNode, index: usize, backward: bool) -> u32 {
    let order = if backward {
        Order::RowMajorBackward
    } else {
        Order::RowMajor
    };
    if node.moves() {
        return node.output.values();
    }
    if index == 0 {
        return SimulatedStep::new(node, true, Order::RowMajor, order)
            .overlap
            .lead_cells;
    }
    // A node that computes a value at a time may read all of a pixel for each.
    if node.is_dense() {
        return node.output.values();
    }
    // Pixel by pixel, as the output is: only the last one may end after the input's.
    let more = node
        .output
        .channels
        .saturating_sub(joined_channels(flow, node, index));
    more * (node.output.pixels() - 1)
}

fn joined_channels(flow: &Dataflow, node: &FlowNode, index: usize) -> u32 {
    flow.value(node.reads[index]).shape.channels
}

/// An order, to be cut.
struct Cut<'a> {
    flow: &'a Dataflow,
    sum_bytes: &'a SumBytes,
    order: &'a [NodeId],
}

/// The best way to run the first nodes of an order.
#[derive(Clone)]
struct Best {
    /// Cells of the worst job, then nodes that are in segments: of equals, fewer.
    cost: (u32, usize),
    works: Vec<Work>,
}

impl Cut<'_> {
    /// The best cut into segments and single nodes.
    fn best(&self) -> Best {
        let count = self.order.len();
        let mut best: Vec<Option<Best>> = vec![None; count + 1];
        best[0] = Some(Best {
            cost: (0, 0),
            works: Vec::new(),
        });
        for end in 1..=count {
            let mut winner: Option<Best> = None;
            for start in (end.saturating_sub(LONGEST_SEGMENT)..end).rev() {
                let Some(before) = &best[start] else { continue };
                let Some((cells, work)) = self.work(start..end) else {
                    continue;
                };
                let streamed = if end - start > 1 { end - start } else { 0 };
                let cost = (before.cost.0.max(cells), before.cost.1 + streamed);
                if winner.as_ref().is_none_or(|winner| cost < winner.cost) {
                    let mut works = before.works.clone();
                    works.push(work);
                    winner = Some(Best { cost, works });
                }
            }
            best[end] = winner;
        }
        let best = best.swap_remove(count);
        best.expect("every node can be computed alone")
    }

    /// A node on its own.
    fn alone(&self, index: usize) -> Work {
        let id = self.order[index];
        match self.flow.node(id).steps() {
            None => Work::Layer(id),
            Some(_) => {
                let draft = self.draft(index..index + 1, false, &self.order[index + 1..]);
                Work::Segment(draft.expect("steps go over any map that is complete"))
            }
        }
    }

    /// Some nodes in one go, and the cells that are alive then.
    fn work(&self, range: std::ops::Range<usize>) -> Option<(u32, Work)> {
        let nodes = &self.order[range.clone()];
        let inside: BTreeSet<NodeId> = nodes.iter().copied().collect();
        let later = &self.order[range.end..];
        let cells = |value: ValueId| self.flow.value(value).shape.values();
        // Alive: what an earlier node has made, or the arriving segment, and this or
        // a later one reads.
        let earlier = &self.order[..range.start];
        let is_there = |value: ValueId| {
            let maker = self.flow.value(value).maker;
            maker.is_none_or(|maker| earlier.contains(&maker) || !self.order.contains(&maker))
        };
        let read_by = |nodes: &[NodeId]| -> BTreeSet<ValueId> {
            let nodes = nodes.iter().map(|&node| self.flow.node(node));
            nodes.flat_map(|node| node.reads.clone()).collect()
        };
        let (read_now, mut read_later) = (read_by(nodes), read_by(later));
        read_later.extend(self.flow.outputs());
        read_later.extend(self.flow.kept());
        let alive: u32 = read_now
            .union(&read_later)
            .filter(|&&value| is_there(value))
            .map(|&value| cells(value))
            .sum();
        let dying = || {
            read_now
                .difference(&read_later)
                .copied()
                .filter(|&value| is_there(value))
        };
        let saved = |input: ValueId, output: ValueId, lead: u32| {
            let (input, output) = (cells(input), cells(output));
            (input + output).saturating_sub((input + lead).max(output))
        };
        if let [id] = nodes
            && self.flow.node(*id).steps().is_none()
        {
            let node = self.flow.node(*id);
            let exact = self.flow.is_exact(*id);
            let output = if exact { 0 } else { cells(node.writes) };
            let most_saved = dying()
                .filter(|_| !exact)
                .filter_map(|value| {
                    let index = node.reads.iter().position(|&read| read == value)?;
                    Some(saved(
                        value,
                        node.writes,
                        lead_cells(self.flow, node, index, false),
                    ))
                })
                .max();
            return Some((alive + output - most_saved.unwrap_or(0), Work::Layer(*id)));
        }
        debug_assert_eq!(inside.len(), nodes.len());
        let draft = self.draft(range.clone(), false, later)?;
        let stored: u32 = draft.stores.iter().map(|&value| cells(value)).sum();
        let pairs = dying().flat_map(|input| {
            let stores = draft.stores.iter();
            stores.map(move |&output| (input, output))
        });
        let most_saved = pairs
            .map(|(input, output)| saved(input, output, draft.lead_cells(self.flow, input, output)))
            .max();
        let cells = alive + stored + draft.cells() - most_saved.unwrap_or(0);
        Some((cells, Work::Segment(draft)))
    }

    /// Nodes of the order as a segment; `later` are those that run after it.
    fn draft(
        &self,
        range: std::ops::Range<usize>,
        arriving: bool,
        later: &[NodeId],
    ) -> Option<Draft> {
        let nodes = &self.order[range];
        let made = nodes.iter().map(|&node| self.flow.node(node).writes);
        let input = arriving.then(|| self.flow.input_value());
        let is_needed = |value: &ValueId| {
            let readers = &self.flow.value(*value).readers;
            let is_result = self.flow.is_output(*value);
            let exact = self
                .flow
                .value(*value)
                .maker
                .is_some_and(|maker| self.flow.is_exact(maker));
            readers.iter().any(|reader| later.contains(reader)) || is_result && !exact
        };
        let stores = input.into_iter().chain(made).filter(is_needed).collect();
        Draft::new(&SegmentOutline {
            flow: self.flow,
            sum_bytes: self.sum_bytes,
            nodes,
            arriving,
            stores,
        })
    }
}

#[cfg(test)]
mod tests;
