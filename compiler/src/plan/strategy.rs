//! Families of schedules: how many layers are streamed, and how the rest is
//! ordered.

use super::schedule::can_stream;
use crate::plan::{Dataflow, FlowNode};
use std::fmt;

/// The order of the layers that are computed when their input is complete, each
/// in place of what it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InPlace {
    /// Every layer row by row, from either end.
    RowMajor,
    /// Every layer in herringbone order, around a ring.
    Herringbone,
    /// Several layers at a time, pixel by pixel, wherever that needs less.
    Segments,
}

impl fmt::Display for InPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InPlace::RowMajor => "row_major",
            InPlace::Herringbone => "herringbone",
            InPlace::Segments => "segments",
        })
    }
}

/// A family of schedules: the first layers are streamed, pixel by pixel as their
/// input arrives; the rest runs layer by layer when that is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Strategy {
    /// How many are streamed of the layers that compute something. A leading `A`
    /// always is; more than [`most_streamed`] are as many as those.
    pub streamed_layers: usize,
    /// The order of the rest.
    pub rest: InPlace,
}

impl Strategy {
    /// Layer by layer, row by row.
    pub const ROW_MAJOR: Self = Self {
        streamed_layers: 0,
        rest: InPlace::RowMajor,
    };
    /// Layer by layer, in herringbone order.
    pub const HERRINGBONE: Self = Self {
        streamed_layers: 0,
        rest: InPlace::Herringbone,
    };
    /// Several layers at a time, wherever that needs less.
    pub const SEGMENTS: Self = Self {
        streamed_layers: 0,
        rest: InPlace::Segments,
    };
    /// Depth-first, as far as there is a depth.
    pub const STREAMED: Self = Self {
        streamed_layers: usize::MAX,
        rest: InPlace::RowMajor,
    };

    /// Every strategy that is another plan of the network: row by row first, then
    /// in other orders, then those that stream more and more.
    pub fn all(flow: &Dataflow) -> Vec<Self> {
        let most = most_streamed(flow);
        let strategies = streamed_counts(flow)
            .into_iter()
            .flat_map(|streamed_layers| {
                let rests = orders(flow).into_iter();
                rests.map(move |rest| Self {
                    streamed_layers,
                    rest,
                })
            });
        // What is left is a few single pixels, which have no order. Segments of a chain
        // save the most where nothing is streamed.
        let (least, is_chain) = (least_streamed(flow), flow.is_chain());
        let differs = |strategy: &Self| match strategy.rest {
            InPlace::RowMajor => true,
            InPlace::Herringbone => strategy.streamed_layers < most,
            InPlace::Segments => {
                strategy.streamed_layers < most && (!is_chain || strategy.streamed_layers == least)
            }
        };
        strategies.filter(differs).collect()
    }

    /// The same with as many streamed layers as the network has to have, or can, and
    /// in an order that it has.
    pub fn of(self, flow: &Dataflow) -> Self {
        let (least, most) = (least_streamed(flow), most_streamed(flow));
        let streamed_layers = self.streamed_layers.clamp(least, most);
        let rest_has_orders = streamed_layers < most || least == most;
        Self {
            streamed_layers,
            rest: if rest_has_orders && orders(flow).contains(&self.rest) {
                self.rest
            } else {
                InPlace::RowMajor
            },
        }
    }

    /// As the key `plan` and reports have it: `row_major`, `herringbone`,
    /// `streamed`, `streamed(2, row_major)`.
    pub fn name(self, flow: &Dataflow) -> String {
        let Self {
            streamed_layers,
            rest,
        } = self.of(flow);
        if streamed_layers == least_streamed(flow) {
            rest.to_string()
        } else if streamed_layers == most_streamed(flow) {
            "streamed".to_owned()
        } else {
            format!("streamed({streamed_layers}, {rest})")
        }
    }
}

/// Layers that can't but be streamed: an `A` averages bytes, which are nowhere
/// stored.
pub fn least_streamed(flow: &Dataflow) -> usize {
    let first = flow.computing_nodes().next();
    first.map_or(0, |node| usize::from(flow.averages_raw_input(node.id)))
}

/// The orders that the layers may have that are not streamed. Herringbone order is
/// that of maps around a ring, one after the other, and of fields that are inside
/// of their map.
pub fn orders(flow: &Dataflow) -> Vec<InPlace> {
    let mut nodes = flow.computing_nodes();
    let is_plain = flow.is_chain() && nodes.all(|node| !node.field().is_padded());
    if is_plain {
        vec![InPlace::RowMajor, InPlace::Herringbone, InPlace::Segments]
    } else {
        vec![InPlace::RowMajor, InPlace::Segments]
    }
}

/// Layers that depth-first order tells from layer-by-layer order: after a map of
/// one pixel, both are the same. Of a graph, those that can be computed together as
/// the input arrives.
pub fn most_streamed(flow: &Dataflow) -> usize {
    let least = least_streamed(flow);
    if flow.input().pixels() == 1 {
        return least;
    }
    let all = flow.computing_nodes().count();
    if flow.is_chain() {
        let to_one_pixel = flow
            .computing_nodes()
            .position(|layer| layer.output.pixels() == 1);
        return to_one_pixel.map_or(all, |last| last + 1).max(least);
    }
    let mut streamable = (least..=all).rev().filter(|&count| can_stream(flow, count));
    streamable.next().unwrap_or(least)
}

/// How many layers can be streamed, from the least number to the most: of a chain
/// any number between them, of a graph those that end where it does not branch.
pub fn streamable(flow: &Dataflow) -> Vec<usize> {
    let numbers = least_streamed(flow)..=most_streamed(flow);
    let is_chain = flow.is_chain();
    let can = |count: &usize| is_chain || can_stream(flow, *count);
    numbers.filter(can).collect()
}

/// How many layers are tried to be streamed: of a chain, each number that can; of a
/// graph, the least, the most, and the few after which the fewest cells are stored.
fn streamed_counts(flow: &Dataflow) -> Vec<usize> {
    let (least, most) = (least_streamed(flow), most_streamed(flow));
    if flow.is_chain() {
        return (least..=most).collect();
    }
    let mut between: Vec<usize> = (least + 1..most)
        .filter(|&count| can_stream(flow, count))
        .collect();
    between.sort_by_key(|&count| stored_cells(flow, count));
    between.truncate(MOST_BETWEEN);
    let mut counts = [vec![least], between, vec![most]].concat();
    counts.sort_unstable();
    counts.dedup();
    counts
}

/// Numbers of streamed layers of a graph that are tried between the least and the
/// most.
const MOST_BETWEEN: usize = 4;

/// Cells of the values that the first `count` layers leave to the others.
fn stored_cells(flow: &Dataflow, count: usize) -> u64 {
    let nodes: Vec<&FlowNode> = flow.computing_nodes().collect();
    let (first, rest) = nodes.split_at(count);
    let made = first.iter().map(|node| node.writes);
    let needed = made
        .chain([flow.input_value()])
        .filter(|value| rest.iter().any(|node| node.reads.contains(value)));
    let cells = needed.map(|value| u64::from(flow.value(value).shape.values()));
    cells.sum()
}
