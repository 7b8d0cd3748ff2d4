//! What overlapping windows of a stream have in common: the outputs of the first layers of a
//! chain, which are the same in each window that they are part of.
//!
//! Along time, which is the axis of the input's samples, such a layer has no padding, and the
//! window moves on by a whole number of its outputs. An output is then computed once, when the
//! last sample that it depends on has come, and kept for all windows that it is part of.

use super::graph::Network;
use super::id::NodeId;
use super::kind::{Activation, Kind, PoolFunction, PoolWindow};
use super::list::{Entry, Item};
use super::node::Node;
use super::shape::{Kernel, Shape};
use super::window::Stride;

/// The axis along which samples come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeAxis {
    /// A sample is a row.
    Rows,
    /// A sample is a pixel of the only row.
    Columns,
}

impl TimeAxis {
    /// Of such an input.
    pub const fn of(input: Shape) -> Self {
        match input.height {
            1 => Self::Columns,
            _ => Self::Rows,
        }
    }

    /// Rows or columns of a map.
    pub const fn length(self, map: Shape) -> u32 {
        match self {
            Self::Rows => map.height,
            Self::Columns => map.width,
        }
    }

    const fn side(self, kernel: Kernel) -> u32 {
        match self {
            Self::Rows => kernel.height,
            Self::Columns => kernel.width,
        }
    }

    const fn step(self, stride: Stride) -> u32 {
        match self {
            Self::Rows => stride.rows,
            Self::Columns => stride.columns,
        }
    }

    /// The same map with that many samples.
    const fn with_length(self, map: Shape, length: u32) -> Shape {
        match self {
            Self::Rows => Shape {
                height: length,
                ..map
            },
            Self::Columns => Shape {
                width: length,
                ..map
            },
        }
    }
}

/// How the input of a network goes on without end: after its last sample, the last `period` ones
/// come again, with all that the network keeps of those before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The axis of time.
    pub axis: TimeAxis,
    /// Samples from one output to the next.
    pub period: u32,
    /// Samples before the first output, at least one and at most a period.
    pub first: u32,
}

impl Repeat {
    /// Row and column of the input at which the sample is that comes `before_last` samples
    /// before its end.
    pub const fn pixel(self, input: Shape, before_last: u32) -> (u32, u32) {
        let sample = self.axis.length(input) - before_last;
        match self.axis {
            TimeAxis::Rows => (sample, 0),
            TimeAxis::Columns => (0, sample),
        }
    }
}

/// A network cut in two: what windows share, and the rest.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedPrefix {
    /// The first layers, of as many samples as one of their outputs depends on. With each
    /// period of new samples, the newest of that many give the next output.
    pub leading: Network,
    /// The other layers, whose input is what the first ones make of a window, as bytes: each
    /// activation in the upper bits.
    pub trailing: Network,
    /// Nodes of the first layers.
    pub nodes: usize,
    /// How the input of the first layers goes on.
    pub repeat: Repeat,
    /// Samples that an output depends on, at least a period.
    pub field: u32,
    /// Outputs of a window, along time.
    pub outputs: u32,
    /// Outputs from one window to the next.
    pub outputs_per_stride: u32,
}

impl SharedPrefix {
    /// How many outputs of a node of the first layers a period makes, of those that one output
    /// of the last of them depends on, both along time.
    pub fn outputs_in_period(&self, node: NodeId) -> (u32, u32) {
        let nodes = &self.leading.nodes()[..=node.index()];
        let stride: u32 = nodes
            .iter()
            .filter(|node| !node.is_training_only())
            .map(|node| self.repeat.axis.step(node.field().stride))
            .product();
        let node = self.leading.node(node);
        (
            self.repeat.period / stride,
            self.repeat.axis.length(node.output),
        )
    }

    /// Multiply-accumulates of a window, with those of the samples since the one before it.
    pub fn multiply_accumulates(&self) -> u64 {
        let nodes = self.leading.computing_nodes();
        let leading = nodes.map(|node| {
            let (in_period, in_field) = self.outputs_in_period(node.id);
            node.multiply_accumulates() / u64::from(in_field) * u64::from(in_period)
        });
        leading.sum::<u64>() * u64::from(self.outputs_per_stride)
            + self.trailing.multiply_accumulates()
    }
}

/// Every way to cut a network whose windows of its whole input are `stride` samples apart: fewer
/// first layers before more.
pub fn shared_prefixes(network: &Network, stride: u32) -> Vec<SharedPrefix> {
    let input = network.input();
    let axis = TimeAxis::of(input);
    let (mut field, mut period) = (1, 1);
    let mut running = network.input_value();
    let mut cuts = Vec::new();
    for (node, item) in network.nodes().iter().zip(network.items()) {
        let Entry::Layer { kind: _, labels } = &item.entry else {
            break;
        };
        if !labels.is_empty() || node.reads != [running] {
            break;
        }
        if node.is_training_only() {
            continue;
        }
        if !is_shared(network, node, axis) {
            break;
        }
        running = node.writes;
        let window = node.field();
        field += (axis.side(window.kernel) - 1) * period;
        period *= axis.step(window.stride);
        if !stride.is_multiple_of(period) || field > axis.length(input) {
            break;
        }
        let count = node.id.index() + 1;
        let cut = Cut {
            axis,
            stride,
            period,
            field,
        };
        if gives_activations(node) && field >= period && is_read_at_once(network, count) {
            cuts.extend(cut.at(network, count));
        }
    }
    cuts
}

/// Whether each output of a node is a field of what it reads that is never padded. Of a leading
/// `A`, whose sums of bytes are found by the number of their window, such as touch one another.
fn is_shared(network: &Network, node: &Node, axis: TimeAxis) -> bool {
    let field = node.field();
    let outputs = axis.length(node.output);
    let is_cut_off = axis.length(node.input) < axis.side(field.kernel) || outputs == 0;
    let has_window = match node.kind {
        Kind::Convolution(_) | Kind::Depthwise(_) | Kind::Separable(_) => true,
        Kind::Pool(pool) => match (pool.window, pool.function) {
            (PoolWindow::All, _) => false,
            (PoolWindow::Sized { .. }, PoolFunction::Average) => {
                !network.averages_raw_input(node.id) || field.is_tiled()
            }
            (PoolWindow::Sized { .. }, PoolFunction::Maximum) => true,
        },
        Kind::Dense(_)
        | Kind::Add(_)
        | Kind::Concat(_)
        | Kind::Recurrent(_)
        | Kind::Projection(_)
        | Kind::Tree(_)
        | Kind::Prototypes(_)
        | Kind::Dropout(_)
        | Kind::Noise(_) => false,
    };
    has_window && !is_cut_off && !field.is_padded()
}

/// Whether what a node makes can be the input of a network: activations, not negative.
fn gives_activations(node: &Node) -> bool {
    let is_linear = match node.activation() {
        Some(Activation::Linear) => true,
        Some(Activation::Relu) | None => false,
    };
    !node.signed_output && !is_linear
}

/// Whether the nodes after the first `count` read nothing that is before them but what the last
/// of those makes.
fn is_read_at_once(network: &Network, count: usize) -> bool {
    let running = network.nodes()[count - 1].writes;
    let after = &network.nodes()[count..];
    after.iter().any(|node| !node.is_training_only())
        && after
            .iter()
            .flat_map(|node| &node.reads)
            .all(|&value| value.index() >= running.index())
}

struct Cut {
    axis: TimeAxis,
    stride: u32,
    period: u32,
    field: u32,
}

impl Cut {
    /// After the first `count` nodes; `None` where the two parts are no networks.
    fn at(&self, network: &Network, count: usize) -> Option<SharedPrefix> {
        let made = network.nodes()[count - 1].output;
        let outputs = self.axis.length(made);
        let expected = (self.axis.length(network.input()) - self.field) / self.period + 1;
        if outputs != expected || made.height > 1 && self.axis == TimeAxis::Columns {
            return None;
        }
        let (first, rest) = network.items().split_at(count);
        // A label that the rest reads is there no more.
        let of = |input: Shape, items: &[Item]| {
            Network::of_list(input, network.bits(), items.to_vec()).ok()
        };
        let leading = of(self.axis.with_length(network.input(), self.field), first)?;
        let trailing = of(made, rest)?;
        // An output that depends on samples before the first one comes at its time too; no
        // window has it.
        let repeat = Repeat {
            axis: self.axis,
            period: self.period,
            first: (self.field - 1) % self.period + 1,
        };
        (self.axis.length(leading.output()) == 1).then(|| SharedPrefix {
            leading: leading.repeating(repeat),
            trailing,
            nodes: count,
            repeat,
            field: self.field,
            outputs,
            outputs_per_stride: self.stride / self.period,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Bits;
    use crate::syntax;

    fn cuts(list: &str, input: &str, stride: u32) -> Vec<SharedPrefix> {
        let text = format!("N: {input} => < {list} >");
        let parsed = syntax::parse(text.parse().expect("tokens"));
        let declaration = parsed.declaration.expect("a right declaration");
        shared_prefixes(&declaration.network, stride)
    }

    fn numbers(cuts: &[SharedPrefix]) -> Vec<(usize, u32, u32, u32)> {
        let cuts = cuts.iter();
        cuts.map(|cut| (cut.nodes, cut.repeat.period, cut.field, cut.outputs))
            .collect()
    }

    #[test]
    fn cuts_are_where_the_window_moves_by_whole_outputs() {
        let list = "C1(8,1x5), M(1x2), Dr, C1(12,1x5), M(1x2), C1(16,1x3), M(1x4), D*(5)";
        let found = cuts(list, "[1, 64, 3]", 16);
        let expected = [
            (1, 1, 5, 60),
            (2, 2, 6, 30),
            (4, 2, 14, 26),
            (5, 4, 16, 13),
            (6, 4, 24, 11),
            (7, 16, 36, 2),
        ];
        assert_eq!(numbers(&found), expected);
        assert_eq!(numbers(&cuts(list, "[1, 64, 3]", 6)), expected[..3]);
        assert_eq!(found[5].repeat.first, 4);
        assert_eq!(found[5].outputs_in_period(NodeId::new(0)), (16, 32));
        assert_eq!(found[5].trailing.bits(), Bits::default());
    }

    #[test]
    fn what_is_padded_along_time_or_read_again_is_in_no_cut() {
        let sizes = |list, input| numbers(&cuts(list, input, 4)).len();
        assert_eq!(sizes("C1(4,1x3, padding: same), D*(3)", "[1, 16, 3]"), 0);
        assert_eq!(
            sizes("'a: C1(4,1x3), C1(4,1x1), Add('a), D*(3)", "[1, 16, 3]"),
            0
        );
        assert_eq!(sizes("C1*(4,1x3), C1(4,1x1), D*(3)", "[1, 16, 3]"), 1);
        assert_eq!(sizes("C1(4,3), M, D*(3)", "[12, 8, 2]"), 2);
        assert_eq!(sizes("M(all), D*(3)", "[12, 8, 2]"), 0);
        assert_eq!(
            sizes("'a: C1(4,1x3), T(1x1), Cat('a), D*(3)", "[1, 9, 3]"),
            0
        );
    }
}
