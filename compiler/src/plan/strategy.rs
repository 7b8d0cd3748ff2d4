//! Families of schedules: how many layers are streamed, and how the rest is
//! ordered.

use crate::network::Network;
use std::fmt;

/// The order of the layers that are computed when their input is complete, each
/// in place of what it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InPlace {
    /// Every layer row by row, from either end.
    RowMajor,
    /// Every layer in herringbone order, around a ring.
    Herringbone,
}

impl fmt::Display for InPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InPlace::RowMajor => "row_major",
            InPlace::Herringbone => "herringbone",
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
    /// Depth-first, as far as there is a depth.
    pub const STREAMED: Self = Self {
        streamed_layers: usize::MAX,
        rest: InPlace::RowMajor,
    };

    /// Every strategy that is another plan of the network: row by row first, then
    /// in herringbone order, then those that stream more and more.
    pub fn all(network: &Network) -> Vec<Self> {
        let most = most_streamed(network);
        let strategies = (least_streamed(network)..=most).flat_map(|streamed_layers| {
            let rests = [InPlace::RowMajor, InPlace::Herringbone];
            rests.map(|rest| Self {
                streamed_layers,
                rest,
            })
        });
        // What is left is a few single pixels, which have no order.
        let last_pixels =
            |strategy: &Self| strategy.streamed_layers < most || strategy.rest == InPlace::RowMajor;
        strategies.filter(last_pixels).collect()
    }

    /// The same with as many streamed layers as the network has to have, or can.
    pub fn of(self, network: &Network) -> Self {
        let (least, most) = (least_streamed(network), most_streamed(network));
        let streamed_layers = self.streamed_layers.clamp(least, most);
        let rest_has_orders = streamed_layers < most || least == most;
        Self {
            streamed_layers,
            rest: if rest_has_orders {
                self.rest
            } else {
                InPlace::RowMajor
            },
        }
    }

    /// As the key `plan` and reports have it: `row_major`, `herringbone`,
    /// `streamed`, `streamed(2, row_major)`.
    pub fn name(self, network: &Network) -> String {
        let Self {
            streamed_layers,
            rest,
        } = self.of(network);
        if streamed_layers == least_streamed(network) {
            rest.to_string()
        } else if streamed_layers == most_streamed(network) {
            "streamed".to_owned()
        } else {
            format!("streamed({streamed_layers}, {rest})")
        }
    }
}

/// Layers that can't but be streamed: an `A` averages bytes, which are nowhere
/// stored.
pub fn least_streamed(network: &Network) -> usize {
    let first = network.computing_nodes().next();
    first.map_or(0, |node| usize::from(network.averages_raw_input(node.id)))
}

/// Layers that depth-first order tells from layer-by-layer order: behind a map
/// of one pixel, both are the same.
pub fn most_streamed(network: &Network) -> usize {
    let least = least_streamed(network);
    if network.input().pixels() == 1 {
        return least;
    }
    let to_one_pixel = network
        .computing_nodes()
        .position(|layer| layer.output.pixels() == 1);
    let all = network.computing_nodes().count();
    to_one_pixel.map_or(all, |last| last + 1).max(least)
}
