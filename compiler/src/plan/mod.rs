//! Memory plans: an order of computing for every layer, and a place in the
//! arena for every feature map.
//!
//! Pure: it knows layers and numbers, no source text and no code. Addresses
//! count *cells*: one activation each, a nibble or a byte as the network's
//! bits say.

pub mod arena_search;
mod herringbone;
mod lifetime;
pub mod operator_order;
mod order;
mod placement;
mod row_major;
mod strategy;
mod stream;

pub use lifetime::{ReceptiveField, storage_indices};
pub use order::Order;
pub use placement::Placement;
pub use strategy::{InPlace, Strategy, least_streamed, most_streamed};
pub use stream::{Arrival, Keeps, Ring, Stage, Sums, Windows};

use crate::network::{Layer, LayerId, LayerKind, Network, Shape};
use lifetime::Lifetimes;
use placement::Overlap;
use stream::Stream;

/// Bytes that say which byte of the input comes next: its row, column and channel.
pub const CURSOR_PIXEL_BYTES: u32 = 3;

/// How wide the sums of each layer are, for those that are kept in the arena.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SumBytes(Vec<u32>);

impl SumBytes {
    /// By position in the declaration.
    pub fn new(bytes: Vec<u32>) -> Self {
        Self(bytes)
    }

    /// Every layer's sums as wide as that.
    pub fn all(network: &Network, bytes: u32) -> Self {
        Self(vec![bytes; network.layers().len()])
    }

    /// Of that layer.
    pub fn of(&self, layer: LayerId) -> u32 {
        self.0[layer.0]
    }
}

/// What one layer needs while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerPlan {
    /// The layer.
    pub layer: LayerId,
    /// The order of computing its outputs.
    pub order: Order,
    /// Cells from the first to the last that is in use at the worst moment.
    pub need_cells: u32,
    /// Of those, inputs that are still to be read.
    pub live_input_cells: u32,
    /// Of those, outputs that are stored already (or partial sums).
    pub live_output_cells: u32,
}

/// Where everything lies, and when it is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryPlan {
    /// The family of the schedule, as the network allows it.
    pub strategy: Strategy,
    /// Cells of an activation in a byte: 2 or 1.
    pub cells_per_byte: u32,
    /// Bytes of the arena.
    pub arena_bytes: u32,
    /// The layers that are computed while the input arrives, first to last.
    pub stages: Vec<Stage>,
    /// Which of the cursor's positions is the next pixel's in map 0, where a stage
    /// makes it: behind the one of the leading `A`, whose pixels the cursor's place
    /// tells.
    pub map_position: Option<u32>,
    /// Positions that the cursor holds beside its place in the input.
    pub positions: u32,
    /// Every map that is stored whole: map 0 is what the last stage makes (without
    /// a stage, the input's bytes shortened to activations), map `i + 1` what step
    /// `i` makes. There is none where a stage makes the results. The logits of a
    /// step are never stored.
    pub maps: Vec<Placement>,
    /// The layers that compute when the input is complete; step `i` reads map `i`.
    pub steps: Vec<LayerPlan>,
    /// What is needed while the input arrives: what the stages keep, and map 0.
    pub stream_need: LayerPlan,
}

impl MemoryPlan {
    /// The moment that needs the most of the arena.
    pub fn peak(&self) -> &LayerPlan {
        // The first of equals: the reader of an error looks from the top.
        self.steps.iter().fold(&self.stream_need, |peak, step| {
            if step.need_cells > peak.need_cells {
                step
            } else {
                peak
            }
        })
    }

    /// Bytes that a network's value holds beside the arena: where the input goes
    /// on, and two bytes a position.
    pub fn cursor_bytes(&self) -> u32 {
        CURSOR_PIXEL_BYTES + 2 * self.positions
    }

    /// Bytes that hold `cells` activations.
    pub fn bytes(&self, cells: u32) -> u32 {
        cells.div_ceil(self.cells_per_byte)
    }
}

/// Plans a network whose sums are that wide.
pub fn plan(network: &Network, sum_bytes: &SumBytes, strategy: Strategy) -> MemoryPlan {
    let strategy = strategy.of(network);
    let demand = Demand::of(network, sum_bytes, strategy);
    match strategy.rest {
        _ if demand.first_map.is_none() => streamed(&demand),
        InPlace::RowMajor => row_major::plan(&demand),
        InPlace::Herringbone => herringbone::plan(&demand),
    }
}

/// Bytes below which no plan of that strategy is: what its stages and layers
/// need, before anything is placed, which may take much longer.
pub fn least_bytes(network: &Network, sum_bytes: &SumBytes, strategy: Strategy) -> u32 {
    let strategy = strategy.of(network);
    let demand = Demand::of(network, sum_bytes, strategy);
    match strategy.rest {
        InPlace::Herringbone if demand.first_map.is_some() => herringbone::least_bytes(&demand),
        _ => plan(network, sum_bytes, strategy).arena_bytes,
    }
}

/// Bytes that the largest map, or all that is kept while the input arrives, takes
/// alone: no plan of that strategy has fewer.
pub fn largest_map_bytes(network: &Network, sum_bytes: &SumBytes, strategy: Strategy) -> u32 {
    let demand = Demand::of(network, sum_bytes, strategy.of(network));
    let stored = demand.steps.iter().filter(|(_, stores)| *stores);
    let maps = stored.map(|(layer, _)| layer.output.values());
    let most_cells = maps.chain([demand.stream_need().need_cells]).max();
    most_cells.unwrap_or(0).div_ceil(demand.cells_per_byte)
}

/// Nothing is left to compute when the input is complete.
fn streamed(demand: &Demand<'_>) -> MemoryPlan {
    demand.plan(demand.stream.bytes, 0, Vec::new(), Vec::new())
}

/// What a plan of a network has to place.
struct Demand<'a> {
    strategy: Strategy,
    cells_per_byte: u32,
    /// What streamed layers keep.
    stream: Stream,
    /// The layer that the stream's need is reported at.
    stream_layer: LayerId,
    /// Map 0, unless the stream's sums are the results.
    first_map: Option<Shape>,
    /// Layers behind the stream, and whether each one's output is stored.
    steps: Vec<(&'a Layer, bool)>,
}

impl<'a> Demand<'a> {
    fn of(network: &'a Network, sum_bytes: &SumBytes, strategy: Strategy) -> Self {
        let count = strategy.streamed_layers;
        let stream = Stream::new(network, count, sum_bytes);
        let mut layers = network.computing_layers();
        let streamed: Vec<&Layer> = layers.by_ref().take(count).collect();
        let rest: Vec<&Layer> = layers.collect();
        let gives_logits = network.gives_logits();
        let last = rest.len().wrapping_sub(1);
        let first_map = match streamed.last() {
            None => Some(network.input()),
            Some(_) if rest.is_empty() && gives_logits => None,
            Some(layer) => Some(layer.output),
        };
        Self {
            strategy,
            cells_per_byte: 8 / network.bits().activations,
            stream_layer: stream.largest().unwrap_or(network.layers()[0].id),
            stream,
            first_map,
            steps: rest
                .into_iter()
                .enumerate()
                .map(|(index, layer)| (layer, index != last || !gives_logits))
                .collect(),
        }
    }

    /// Map 0 of a plan that has one.
    fn first_map(&self) -> Shape {
        self.first_map
            .expect("a plan without maps has nothing to place")
    }

    /// Cells of what the stages keep.
    fn stream_cells(&self) -> u32 {
        self.stream.bytes * self.cells_per_byte
    }

    fn stream_need(&self) -> LayerPlan {
        let map_cells = self.first_map.map_or(0, Shape::values);
        LayerPlan {
            layer: self.stream_layer,
            order: Order::RowMajor,
            need_cells: self.stream_cells() + map_cells,
            live_input_cells: self.stream_cells(),
            live_output_cells: map_cells,
        }
    }

    /// The plan with the stages from that byte on.
    fn plan(
        &self,
        arena_bytes: u32,
        stream_first_byte: u32,
        maps: Vec<Placement>,
        steps: Vec<LayerPlan>,
    ) -> MemoryPlan {
        let computing = |stage: &Stage| stage.arrival != Arrival::Bytes;
        let by_a_stage = self.stream.stages.last().is_some_and(computing);
        let map_position = (by_a_stage && !maps.is_empty()).then_some(self.stream.positions);
        MemoryPlan {
            strategy: self.strategy,
            cells_per_byte: self.cells_per_byte,
            arena_bytes,
            stages: self.stream.placed_at(stream_first_byte),
            map_position,
            positions: self.stream.positions + u32::from(map_position.is_some()),
            maps,
            steps,
            stream_need: self.stream_need(),
        }
    }
}

/// One layer, simulated in one order.
struct SimulatedStep<'a> {
    layer: &'a Layer,
    stores: bool,
    order: Order,
    lifetimes: Lifetimes,
    overlap: Overlap,
}

impl<'a> SimulatedStep<'a> {
    fn new(layer: &'a Layer, stores: bool, storage: Order, order: Order) -> Self {
        // Logits go to the caller's array, in its order.
        let order = if stores { order } else { Order::RowMajor };
        let lifetimes = Lifetimes::of(layer, storage, order);
        let mut overlap = Overlap::simulate(&lifetimes, order == Order::RowMajorBackward);
        if matches!(layer.kind, LayerKind::Dense { .. }) {
            // Stored from the first value on, whichever end the inputs lie at.
            overlap.lead_cells = layer.output.values();
        }
        Self {
            layer,
            stores,
            order,
            lifetimes,
            overlap,
        }
    }

    /// Cells from the first to the last that is in use at the worst moment.
    fn need_cells(&self) -> u32 {
        let input_cells = self.layer.input.values();
        if self.stores {
            (input_cells + self.overlap.lead_cells).max(self.layer.output.values())
        } else {
            input_cells
        }
    }

    fn report(&self) -> LayerPlan {
        let overlap = &self.overlap;
        LayerPlan {
            layer: self.layer.id,
            order: self.order,
            need_cells: self.need_cells(),
            live_input_cells: if self.stores {
                overlap.live_input_cells
            } else {
                self.layer.input.values()
            },
            live_output_cells: if self.stores {
                overlap.live_output_cells
            } else {
                0
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Activation, Bits, Kernel};

    fn convolution(outputs: u32, side: u32) -> LayerKind {
        LayerKind::Convolution {
            outputs,
            kernel: Kernel::square(side),
            activation: Activation::Relu,
        }
    }

    /// The network of Gural & Murmann, ICML 2019.
    fn published() -> Network {
        let kinds = [
            LayerKind::AveragePool {
                window: Kernel::square(2),
            },
            convolution(5, 3),
            convolution(8, 3),
            convolution(11, 3),
            LayerKind::MaxPool {
                window: Kernel::square(2),
            },
            LayerKind::Dropout { probability: 0.5 },
            LayerKind::Dense {
                outputs: 10,
                activation: Activation::Linear,
            },
        ];
        Network::new(Shape::new(28, 28, 1), Bits::default(), &kinds).unwrap()
    }

    fn planned(strategy: Strategy) -> MemoryPlan {
        let network = published();
        plan(&network, &SumBytes::all(&network, 2), strategy)
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
            assert_eq!(planned(strategy).peak().layer, LayerId(2), "{strategy:?}");
        }
    }
}
