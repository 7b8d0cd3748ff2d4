//! What a declaration says besides the network itself: the keys.

use crate::network::{LayerId, Network, Shape};
use crate::plan::Strategy;
use crate::program::Accumulator;
use crate::target::Target;
use std::collections::BTreeMap;

/// A checked declaration without its source text.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// The layers, shapes and bits.
    pub network: Network,
    /// `target`, or `sram` and `flash`.
    pub budget: Budget,
    /// `reserve`.
    pub reserve: Reserve,
    /// `weights`.
    pub weights: WeightsSource,
    /// `results`: the type that they are wanted in; `None` for the narrowest that
    /// the weights prove to be enough.
    pub results: Option<Accumulator>,
    /// `plan`.
    pub plan: PlanChoice,
    /// `sparsity`: the share of all weights that training makes 0, 0 to below 1.
    pub sparsity: f64,
    /// `window`: the input is the newest part of a stream.
    pub window: Option<SlidingWindow>,
    /// `code`, of the network.
    pub code: CodeChoice,
    /// `code`, of a layer: it overrides the network's.
    pub layer_code: BTreeMap<LayerId, CodeChoice>,
}

impl Declaration {
    /// The form of kernels that was asked for in that layer.
    pub fn code_of(&self, layer: LayerId) -> CodeChoice {
        self.layer_code.get(&layer).copied().unwrap_or(self.code)
    }

    /// The type of the results where they are stored as `stored`.
    pub fn logit(&self, stored: Accumulator) -> Accumulator {
        self.results.unwrap_or(stored).max(stored)
    }

    /// Bytes of SRAM in which a stream's newest bytes are kept; 0 where whole inputs come.
    pub fn window_bytes(&self) -> u32 {
        let input = self.network.input();
        self.window.map_or(0, |_| SlidingWindow::kept_bytes(input))
    }

    /// The same as a design to size: of other shapes there are no weights yet.
    pub fn sized(self) -> Self {
        let weights = match self.weights {
            WeightsSource::Runtime => WeightsSource::Runtime,
            WeightsSource::File | WeightsSource::Nowhere => WeightsSource::Nowhere,
        };
        Self { weights, ..self }
    }
}

/// A checked declaration of a model, without its source text: its file says the rest.
#[derive(Clone, Debug)]
pub struct ModelDeclaration {
    /// `target`, or `sram` and `flash`.
    pub budget: Budget,
    /// `reserve`.
    pub reserve: Reserve,
    /// `plan`.
    pub plan: PlanChoice,
    /// `code`.
    pub code: CodeChoice,
}

/// How inputs are cut from a stream. An input's samples are its rows, or the pixels of its
/// only row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlidingWindow {
    /// Samples of an input.
    pub length: u32,
    /// Samples from one input to the next, 1 to `length`.
    pub stride: u32,
}

impl SlidingWindow {
    /// Bytes of SRAM that the newest bytes of the stream are kept in, with two positions
    /// of two bytes.
    pub fn kept_bytes(input: Shape) -> u32 {
        input.values() + 4
    }

    /// Samples of such an input.
    pub fn samples(input: Shape) -> u32 {
        match input.height {
            1 => input.width,
            rows => rows,
        }
    }

    /// Bytes from one input to the next.
    pub fn stride_bytes(self, input: Shape) -> u32 {
        self.stride * (input.values() / self.length)
    }
}

/// What a design must fit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Budget {
    /// The part, when it was named.
    pub target: Option<&'static Target>,
    /// SRAM in bytes; `None` on a host.
    pub sram_bytes: Option<u32>,
    /// Flash in bytes; `None` on a host.
    pub flash_bytes: Option<u32>,
}

impl Budget {
    /// Whether registers have 32 bits: those of the part, or of whichever core it is that is not
    /// named.
    pub(crate) fn has_32_bit_registers(&self) -> bool {
        self.target
            .is_none_or(|target| target.architecture.has_32_bit_registers())
    }
}

/// What is kept of the budget for all else than the network; `None` where the
/// declaration does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reserve {
    /// For the stack and the rest of the firmware.
    pub sram_bytes: Option<u32>,
    /// For the rest of the firmware.
    pub flash_bytes: Option<u32>,
}

/// Where a network's weights come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WeightsSource {
    /// Nowhere: a design to size.
    #[default]
    Nowhere,
    /// A file, at compile time: they are in flash.
    File,
    /// `runtime`: the firmware loads them into the network's value.
    Runtime,
}

/// The order of computing that was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlanChoice {
    /// The fastest that fits.
    #[default]
    Fastest,
    /// `row_major`, `herringbone`, `streamed`, or `streamed(2, row_major)`.
    Named(Strategy),
    /// `streamed(2)`: that many layers, of those that compute something, as the
    /// input arrives; the rest in the order that is best.
    Streamed { layers: usize },
    /// `smallest`: the fewest bytes of arena.
    Smallest,
}

impl PlanChoice {
    /// A plan of that network by its name.
    ///
    /// # Errors
    /// Where it has none of that name, with the names that it has.
    pub fn named(name: &str, network: &Network) -> Result<Self, String> {
        let without_spaces = |name: &str| name.replace(' ', "");
        let flow = &network.dataflow();
        let strategies = Strategy::all(flow);
        let named = strategies
            .iter()
            .find(|strategy| without_spaces(&strategy.name(flow)) == without_spaces(name));
        match (name, named) {
            ("fastest", _) => Ok(Self::Fastest),
            ("smallest", _) => Ok(Self::Smallest),
            (_, Some(&strategy)) => Ok(Self::Named(strategy)),
            (_, None) => {
                let names = strategies.iter().map(|strategy| strategy.name(flow));
                let names: Vec<String> = names.collect();
                Err(format!(
                    "no plan `{name}`: this network has fastest, smallest, {}",
                    names.join(", ")
                ))
            }
        }
    }
}

/// The form of kernels that was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CodeChoice {
    /// By layer: the fastest mix that is expected to fit the flash.
    #[default]
    Fastest,
    /// `unrolled`: weights as constants of straight-line code.
    Unrolled,
    /// `table`: weights read from a table in flash.
    Table,
}
