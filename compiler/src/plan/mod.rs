//! Memory plans: an order of computing for every node, and a place in the arena
//! for every value.
//!
//! Pure: it knows nodes and numbers, no source text and no code. Addresses
//! count *cells*: one activation each, a nibble or a byte as the network's
//! bits say.

pub mod arena_search;
mod dataflow;
mod draft;
mod graph;
mod herringbone;
mod lifetime;
pub mod operator_order;
mod order;
mod place;
mod placement;
mod rings;
mod row_major;
mod schedule;
mod segment;
mod simulation;
mod strategy;
mod timing;

pub use dataflow::{Dataflow, FlowNode, FlowSource, FlowValue, Method, SourceKind};
pub use lifetime::storage_indices;
pub use order::Order;
pub use place::{Place, Ring, SumArray, Windows};
pub use placement::Placement;
pub use rings::{Rings, RowsRead};
pub use segment::{Arrival, Keeps, MapReading, Moves, RingReading, SegmentPlan, Sink, StagePlan};
pub use strategy::{InPlace, Strategy, least_streamed, most_streamed, orders, streamable};
pub use timing::{AxisTiming, Lead, Timing};

use crate::network::{ByNode, ByValue, NodeId, Shape, ValueId};
use draft::{Draft, SegmentOutline};
use lifetime::Lifetimes;
use placement::Overlap;

/// How wide the sums of each node are, for those that are kept in the arena.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SumBytes(ByNode<u32>);

impl SumBytes {
    /// By node.
    pub fn new(bytes: Vec<u32>) -> Self {
        Self(ByNode::new(bytes))
    }

    /// Every node's sums as wide as that.
    pub fn all(flow: &Dataflow, bytes: u32) -> Self {
        Self::new(vec![bytes; flow.nodes().len()])
    }

    /// Of that node.
    pub fn of(&self, node: NodeId) -> u32 {
        self.0[node]
    }
}

/// What a job needs of the arena while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The node to blame.
    pub node: NodeId,
    /// Cells from the first to the last that is in use at the worst moment.
    pub cells: u32,
    /// Of those, what is still to be read, and what a segment keeps.
    pub live_input_cells: u32,
    /// Of those, outputs that are stored already, where nothing lies that is still read.
    pub live_output_cells: u32,
}

/// A node that is computed alone, from inputs that are complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerPlan {
    pub node: NodeId,
    /// The order of computing its outputs.
    pub order: Order,
    /// What it needs.
    pub need: Need,
}

/// What is computed in one go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobPlan {
    /// Nodes pixel by pixel.
    Segment(SegmentPlan),
    /// A node from its first output to its last.
    Layer(LayerPlan),
}

impl JobPlan {
    /// What it needs.
    pub fn need(&self) -> &Need {
        match self {
            JobPlan::Segment(segment) => &segment.need,
            JobPlan::Layer(layer) => &layer.need,
        }
    }
}

/// Where everything is, and when it is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryPlan {
    /// The family of the schedule, as the network allows it.
    pub strategy: Strategy,
    /// Cells of an activation in a byte: 2 or 1.
    pub cells_per_byte: u32,
    /// Bytes of the arena.
    pub arena_bytes: u32,
    /// Where each value is.
    pub places: ByValue<Place>,
    /// Where the pixels of the input go, or those of the leading `A`.
    pub intake: Sink,
    /// In order: first what computes as the input arrives, which may be nothing.
    pub jobs: Vec<JobPlan>,
    /// Positions that the cursor holds beside its place in the input: jobs have
    /// them one after another, and each begins with all at 0.
    pub positions: u32,
    /// Bytes of the cursor's place in the input; see [`cursor_pixel_bytes`].
    pub cursor_pixel_bytes: u32,
}

/// Bytes that say which byte of the input comes next: its row, column and channel,
/// one each; two for a row or column where the input has more than 255.
///
/// A segment that goes on after the last column or row of the input counts further,
/// up to its grid.
pub fn cursor_pixel_bytes(input: Shape, grid: crate::network::Kernel) -> u32 {
    let (rows, columns) = cursor_axis_bytes(input, grid);
    rows + columns + 1
}

/// Bytes of the row, and of the column.
pub fn cursor_axis_bytes(input: Shape, grid: crate::network::Kernel) -> (u32, u32) {
    let axis = |side: u32, points: u32| if side.max(points) > 255 { 2 } else { 1 };
    (
        axis(input.height, grid.height),
        axis(input.width, grid.width),
    )
}

impl MemoryPlan {
    /// What computes as the input arrives.
    pub fn arriving(&self) -> &SegmentPlan {
        match self.jobs.first() {
            Some(JobPlan::Segment(segment)) if segment.arriving => segment,
            _ => unreachable!("the first job takes the input in"),
        }
    }

    /// The nodes that are computed alone.
    pub fn layers(&self) -> impl Iterator<Item = &LayerPlan> {
        self.jobs.iter().filter_map(|job| match job {
            JobPlan::Layer(layer) => Some(layer),
            JobPlan::Segment(_) => None,
        })
    }

    /// Every segment, the arriving one first.
    pub fn segments(&self) -> impl Iterator<Item = &SegmentPlan> {
        self.jobs.iter().filter_map(|job| match job {
            JobPlan::Segment(segment) => Some(segment),
            JobPlan::Layer(_) => None,
        })
    }

    /// A value that is stored whole.
    pub fn placement(&self, value: ValueId) -> Option<&Placement> {
        match &self.places[value] {
            Place::Whole(placement) => Some(placement),
            Place::Nowhere | Place::Ring(_) | Place::Windows(_) | Place::Sums(_) => None,
        }
    }

    /// The moment that needs the most of the arena.
    pub fn peak(&self) -> &Need {
        // The first of equals: the reader of an error looks from the top.
        let needs = self.jobs.iter().map(JobPlan::need);
        needs
            .reduce(|peak, need| if need.cells > peak.cells { need } else { peak })
            .expect("the first job takes the input in")
    }

    /// Bytes that a network's value holds beside the arena: where the input goes
    /// on, and two bytes a position.
    pub fn cursor_bytes(&self) -> u32 {
        self.cursor_pixel_bytes + 2 * self.positions
    }

    /// Bytes that hold `cells` activations.
    pub fn bytes(&self, cells: u32) -> u32 {
        cells.div_ceil(self.cells_per_byte)
    }
}

/// Plans a network whose sums are that wide.
pub fn plan(flow: &Dataflow, sum_bytes: &SumBytes, strategy: Strategy) -> MemoryPlan {
    let strategy = strategy.of(flow);
    if !flow.is_chain() || strategy.rest == InPlace::Segments {
        let plan = graph::plan(flow, sum_bytes, strategy);
        return plan.expect("`Strategy::of` streams what can be");
    }
    let demand = ChainDemand::of(flow, sum_bytes, strategy);
    match strategy.rest {
        _ if demand.first_map.is_none() => streamed(&demand),
        InPlace::RowMajor | InPlace::Segments => row_major::plan(&demand),
        InPlace::Herringbone => herringbone::plan(&demand),
    }
}

/// Bytes below which no plan of that strategy is: what its stages and layers
/// need, before anything is placed, which may take much longer.
pub fn least_bytes(flow: &Dataflow, sum_bytes: &SumBytes, strategy: Strategy) -> u32 {
    let strategy = strategy.of(flow);
    if !flow.is_chain() || strategy.rest == InPlace::Segments {
        return plan(flow, sum_bytes, strategy).arena_bytes;
    }
    let demand = ChainDemand::of(flow, sum_bytes, strategy);
    match strategy.rest {
        InPlace::Herringbone if demand.first_map.is_some() => herringbone::least_bytes(&demand),
        _ => plan(flow, sum_bytes, strategy).arena_bytes,
    }
}

/// Bytes that the largest map, or all that is kept while the input arrives, takes
/// alone: no plan of that strategy has fewer.
pub fn largest_map_bytes(flow: &Dataflow, sum_bytes: &SumBytes, strategy: Strategy) -> u32 {
    let strategy = strategy.of(flow);
    if !flow.is_chain() || strategy.rest == InPlace::Segments {
        // Where nothing is computed as the input arrives, it is stored.
        let stored_cells = match strategy.streamed_layers {
            0 => flow.input().values(),
            _ => 0,
        };
        return stored_cells.div_ceil(8 / flow.activation_bits());
    }
    let demand = ChainDemand::of(flow, sum_bytes, strategy);
    let stored = demand.steps.iter().filter(|(_, stores)| *stores);
    let maps = stored.map(|(node, _)| node.output.values());
    let most_cells = maps.chain([demand.stream_need().cells]).max();
    most_cells.unwrap_or(0).div_ceil(demand.cells_per_byte)
}

/// Nothing is left to compute when the input is complete.
fn streamed(demand: &ChainDemand<'_>) -> MemoryPlan {
    demand.plan(demand.draft.bytes, 0, Vec::new(), Vec::new())
}

/// What a plan of a chain has to place.
struct ChainDemand<'a> {
    flow: &'a Dataflow,
    strategy: Strategy,
    cells_per_byte: u32,
    /// What streamed nodes keep.
    draft: Draft,
    /// The node that the stream's need is reported at.
    stream_node: NodeId,
    /// The first map that is stored whole, unless the stream's sums are the results.
    first_map: Option<(ValueId, Shape)>,
    /// Nodes after the stream, and whether each one's output is stored.
    steps: Vec<(&'a FlowNode, bool)>,
}

impl<'a> ChainDemand<'a> {
    fn of(flow: &'a Dataflow, sum_bytes: &SumBytes, strategy: Strategy) -> Self {
        let count = strategy.streamed_layers;
        let nodes: Vec<&FlowNode> = flow.computing_nodes().collect();
        let (streamed, rest) = nodes.split_at(count.min(nodes.len()));
        let first_map = match streamed.last() {
            None => Some(flow.input_value()),
            Some(node) if flow.is_exact(node.id) => None,
            Some(node) => Some(node.writes),
        };
        let ids: Vec<NodeId> = streamed.iter().map(|node| node.id).collect();
        let draft = Draft::new(&SegmentOutline {
            flow,
            sum_bytes,
            nodes: &ids,
            arriving: true,
            stores: first_map.into_iter().collect(),
        });
        let draft = draft.expect("a chain hangs together");
        Self {
            flow,
            strategy,
            cells_per_byte: 8 / flow.activation_bits(),
            stream_node: draft.largest().unwrap_or(flow.nodes()[0].id),
            draft,
            first_map: first_map.map(|value| (value, flow.value(value).shape)),
            steps: rest
                .iter()
                .map(|&node| (node, !flow.is_exact(node.id)))
                .collect(),
        }
    }

    /// The first map of a plan that has one.
    fn first_map(&self) -> Shape {
        let (_, shape) = self
            .first_map
            .expect("a plan without maps has nothing to place");
        shape
    }

    /// Cells of what the stages keep.
    fn stream_cells(&self) -> u32 {
        self.draft.cells()
    }

    fn stream_need(&self) -> Need {
        let map_cells = self.first_map.map_or(0, |(_, shape)| shape.values());
        Need {
            node: self.stream_node,
            cells: self.stream_cells() + map_cells,
            live_input_cells: self.stream_cells(),
            live_output_cells: map_cells,
        }
    }

    /// The plan with the stages from that byte on. `maps` are the first map and
    /// those that the steps store.
    fn plan(
        &self,
        arena_bytes: u32,
        stream_first_byte: u32,
        maps: Vec<Placement>,
        steps: Vec<LayerPlan>,
    ) -> MemoryPlan {
        let mut draft = self.draft.clone();
        draft.move_to(stream_first_byte);
        let mut places = ByValue::new(vec![Place::Nowhere; self.flow.values().len()]);
        for &(value, place) in &draft.places {
            places[value] = place;
        }
        let first = self.first_map.map(|(value, _)| value);
        let stored = self.steps.iter().filter(|(_, stores)| *stores);
        let stored = first.into_iter().chain(stored.map(|(node, _)| node.writes));
        for (value, placement) in stored.zip(maps) {
            places[value] = Place::Whole(placement);
        }
        let arriving = SegmentPlan {
            arriving: true,
            grid: draft.grid,
            stages: draft.stages,
            need: self.stream_need(),
        };
        MemoryPlan {
            strategy: self.strategy,
            cells_per_byte: self.cells_per_byte,
            arena_bytes,
            places,
            intake: draft.intake.expect("the input goes somewhere"),
            cursor_pixel_bytes: cursor_pixel_bytes(self.flow.input(), arriving.grid),
            jobs: [JobPlan::Segment(arriving)]
                .into_iter()
                .chain(steps.into_iter().map(JobPlan::Layer))
                .collect(),
            positions: draft.positions,
        }
    }
}

/// One layer, simulated in one order.
struct SimulatedStep<'a> {
    node: &'a FlowNode,
    stores: bool,
    order: Order,
    lifetimes: Lifetimes,
    overlap: Overlap,
}

impl<'a> SimulatedStep<'a> {
    fn new(node: &'a FlowNode, stores: bool, storage: Order, order: Order) -> Self {
        // Logits go to the caller's array, in its order.
        let order = if stores { order } else { Order::RowMajor };
        let lifetimes = Lifetimes::of(node, storage, order);
        let mut overlap = Overlap::simulate(&lifetimes, order == Order::RowMajorBackward);
        if lifetimes.cells_per_event < node.output.channels {
            // Stored from the first value on, whichever end the inputs are at.
            overlap.lead_cells = node.output.values();
        }
        Self {
            node,
            stores,
            order,
            lifetimes,
            overlap,
        }
    }

    /// Cells from the first to the last that is in use at the worst moment.
    fn need_cells(&self) -> u32 {
        let input_cells = self.node.input.values();
        if self.stores {
            (input_cells + self.overlap.lead_cells).max(self.node.output.values())
        } else {
            input_cells
        }
    }

    fn report(&self) -> LayerPlan {
        let overlap = &self.overlap;
        let (live_input_cells, live_output_cells) = if self.stores {
            (overlap.live_input_cells, overlap.live_output_cells)
        } else {
            (self.node.input.values(), 0)
        };
        LayerPlan {
            node: self.node.id,
            order: self.order,
            need: Need {
                node: self.node.id,
                cells: self.need_cells(),
                live_input_cells,
                live_output_cells,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::chains::{average, convolution, dense, dropout, maximum};
    use crate::network::{Bits, Network};

    /// The network of Gural & Murmann, ICML 2019.
    fn published() -> Network {
        let kinds = [
            average(2),
            convolution(5, 3),
            convolution(8, 3),
            convolution(11, 3),
            maximum(2),
            dropout(),
            dense(10),
        ];
        Network::new(Shape::new(28, 28, 1), Bits::default(), &kinds).unwrap()
    }

    fn planned(strategy: Strategy) -> MemoryPlan {
        let network = published();
        plan(
            &network.dataflow(),
            &SumBytes::all(&network.dataflow(), 2),
            strategy,
        )
    }

    #[test]
    fn the_published_network_takes_no_more_than_published() {
        assert_eq!(planned(Strategy::ROW_MAJOR).arena_bytes, 464);
        assert_eq!(planned(Strategy::HERRINGBONE).arena_bytes, 431);
    }

    /// Sums of the first pooling 28, rings 16, 70 and 92, maxima 24, logits 20.
    #[test]
    fn the_published_network_streams_in_a_little_more_than_half_of_it() {
        assert_eq!(planned(Strategy::STREAMED).arena_bytes, 250);
    }

    #[test]
    fn the_peak_of_the_published_network_is_its_second_convolution() {
        for strategy in [Strategy::ROW_MAJOR, Strategy::HERRINGBONE] {
            assert_eq!(
                planned(strategy).peak().node,
                NodeId::new(2),
                "{strategy:?}"
            );
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod graphs;
