//! Memory plans: an order of computing for every layer, and a place in the
//! arena for every feature map.
//!
//! Pure: it knows layers and numbers, no source text and no code. Addresses
//! count *cells*: one activation each, a nibble or a byte as the network's
//! bits say.

mod herringbone;
mod lifetime;
mod order;
mod placement;
mod row_major;

pub use lifetime::{ReceptiveField, storage_indices};
pub use order::Order;
pub use placement::Placement;

use crate::network::{Layer, LayerId, LayerKind, Network, Shape};
use lifetime::Lifetimes;
use placement::Overlap;
use std::fmt;

/// A family of schedules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Every layer row by row, in place, from either end.
    RowMajor,
    /// Every layer in herringbone order, in place, around a ring.
    Herringbone,
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Strategy::RowMajor => "row_major",
            Strategy::Herringbone => "herringbone",
        })
    }
}

/// How the raw input becomes the first stored feature map, byte by byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intake {
    /// Each byte is shortened to an activation and stored.
    Store,
    /// The first layer is `A`: bytes are added to one 16-bit sum for each
    /// value of the row of outputs that is being made.
    Pool {
        /// The pooling layer.
        layer: LayerId,
        /// Where the sums begin in the arena.
        sums_first_byte: u32,
        /// How many there are, two bytes each.
        sums: u32,
    },
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
    /// The family of the schedule.
    pub strategy: Strategy,
    /// Cells of an activation in a byte: 2 or 1.
    pub cells_per_byte: u32,
    /// Bytes of the arena.
    pub arena_bytes: u32,
    /// How the raw input arrives.
    pub intake: Intake,
    /// Every stored feature map: map 0 is what the intake makes, map `i + 1`
    /// what step `i` makes. Logits are never stored.
    pub maps: Vec<Placement>,
    /// The layers that compute behind the intake; step `i` reads map `i`.
    pub steps: Vec<LayerPlan>,
    /// The intake's own need.
    pub intake_need: LayerPlan,
}

impl MemoryPlan {
    /// The moment that needs the most of the arena.
    pub fn peak(&self) -> &LayerPlan {
        // The first of equals: the reader of an error looks from the top.
        self.steps.iter().fold(&self.intake_need, |peak, step| {
            if step.need_cells > peak.need_cells {
                step
            } else {
                peak
            }
        })
    }

    /// Bytes that hold `cells` activations.
    pub fn bytes(&self, cells: u32) -> u32 {
        cells.div_ceil(self.cells_per_byte)
    }
}

/// Plans a network.
pub fn plan(network: &Network, strategy: Strategy) -> MemoryPlan {
    let demand = Demand::of(network);
    match strategy {
        Strategy::RowMajor => row_major::plan(&demand),
        Strategy::Herringbone => herringbone::plan(&demand),
    }
}

/// Bytes below which no herringbone plan of the network is: what its layers
/// need, before anything is placed, which takes much longer.
pub fn least_herringbone_bytes(network: &Network) -> u32 {
    herringbone::least_bytes(&Demand::of(network))
}

/// What any layer-by-layer plan of a network has to place.
struct Demand<'a> {
    cells_per_byte: u32,
    /// The layer that the intake computes, when the first is an `A`.
    pooled_intake: Option<&'a Layer>,
    /// The layer that the intake's need is reported at.
    intake_layer: LayerId,
    /// Map 0.
    first_map: Shape,
    /// Layers behind the intake, and whether each one's output is stored.
    steps: Vec<(&'a Layer, bool)>,
}

impl<'a> Demand<'a> {
    fn of(network: &'a Network) -> Self {
        let mut layers: Vec<&Layer> = network.computing_layers().collect();
        let first = layers[0];
        let pooled = matches!(first.kind, LayerKind::AveragePool { .. });
        if pooled {
            layers.remove(0);
        }
        let last = layers.len().wrapping_sub(1);
        let steps = layers
            .into_iter()
            .enumerate()
            .map(|(index, layer)| (layer, index != last || !network.gives_logits()))
            .collect();
        Self {
            cells_per_byte: 8 / network.bits().activations,
            pooled_intake: pooled.then_some(first),
            intake_layer: first.id,
            first_map: if pooled {
                first.output
            } else {
                network.input()
            },
            steps,
        }
    }

    /// Partial sums of the intake: one for each value of a row of outputs.
    fn sums(&self) -> u32 {
        self.pooled_intake
            .map_or(0, |_| self.first_map.width * self.first_map.channels)
    }

    /// Cells of the partial sums, 16 bits each.
    fn sums_cells(&self) -> u32 {
        2 * self.sums() * self.cells_per_byte
    }

    fn intake(&self, sums_first_byte: u32) -> Intake {
        match self.pooled_intake {
            Some(layer) => Intake::Pool {
                layer: layer.id,
                sums_first_byte,
                sums: self.sums(),
            },
            None => Intake::Store,
        }
    }

    fn intake_need(&self, order: Order) -> LayerPlan {
        LayerPlan {
            layer: self.intake_layer,
            order,
            need_cells: self.first_map.values() + self.sums_cells(),
            live_input_cells: 0,
            live_output_cells: self.first_map.values() + self.sums_cells(),
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

    #[test]
    fn the_published_network_takes_no_more_than_published() {
        let network = published();
        assert_eq!(plan(&network, Strategy::RowMajor).arena_bytes, 464);
        assert_eq!(plan(&network, Strategy::Herringbone).arena_bytes, 431);
    }

    #[test]
    fn the_peak_of_the_published_network_is_its_second_convolution() {
        for strategy in [Strategy::RowMajor, Strategy::Herringbone] {
            let plan = plan(&published(), strategy);
            assert_eq!(plan.peak().layer, LayerId(2), "{strategy}");
        }
    }
}
