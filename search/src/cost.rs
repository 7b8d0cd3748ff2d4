//! What a design takes: the compiler's own answer.

use std::fmt;

use herringbone_compiler::budget::{self, Sums};
use herringbone_compiler::declaration::Declaration;
use herringbone_compiler::program;
use herringbone_compiler::weights;
use serde::{Deserialize, Serialize};

use crate::base::Base;
use crate::design::Design;

/// What a design takes, with weights that are drawn: those of a training take some percent more or
/// less of flash and cycles.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Bytes of SRAM: the network's value, the deepest stack, and what is reserved.
    pub sram_bytes: u32,
    /// Bytes of the deepest stack.
    pub stack_bytes: u32,
    /// Bytes of flash: code and tables where the code is machine code, else tables alone.
    pub flash_bytes: u64,
    /// Cycles that an inference is expected to take; known of machine code.
    pub cycles: Option<u64>,
    /// Bytes of packed weights and biases, as papers count them.
    pub weights_bytes: u64,
    /// Bytes of the arena, where activations are.
    pub activations_bytes: u32,
    /// Multiply-accumulates.
    pub multiply_accumulates: u64,
}

impl Cost {
    /// What a planned network takes.
    pub fn of(declaration: &Declaration, planned: &budget::Design) -> Self {
        let network = &declaration.network;
        let code = planned.footprint.code.as_ref();
        Self {
            sram_bytes: planned.sram_bytes(),
            stack_bytes: planned.footprint.stack_bytes,
            flash_bytes: planned.footprint.flash_bytes,
            cycles: code.map(|code| code.cycles().round() as u64),
            weights_bytes: budget::packed_weights_bytes(network),
            activations_bytes: planned.plan.arena_bytes,
            multiply_accumulates: network.multiply_accumulates(),
        }
    }
}

/// A cost that designs are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Costs {
    /// Bytes of SRAM.
    Sram,
    /// Bytes of flash.
    Flash,
    /// Cycles, or multiply-accumulates where cycles are not known.
    Time,
}

impl Costs {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Flash, Self::Sram, Self::Time];

    /// That cost of a design.
    pub fn of(self, cost: &Cost) -> f64 {
        match self {
            Self::Sram => f64::from(cost.sram_bytes),
            Self::Flash => cost.flash_bytes as f64,
            Self::Time => cost.cycles.unwrap_or(cost.multiply_accumulates) as f64,
        }
    }
}

/// What a design may take besides the chip's SRAM and flash. `None`: as much as it likes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Cycles of an inference, expected.
    pub cycles: Option<u64>,
    /// Bytes of packed weights and biases.
    pub weights_bytes: Option<u64>,
    /// Bytes of the arena.
    pub activations_bytes: Option<u64>,
    /// Bytes of both together, as the papers count.
    pub total_bytes: Option<u64>,
}

impl Limits {
    /// Whether bytes of the arena are limited by themselves, not by the chip's SRAM alone.
    pub fn count_the_arena(&self) -> bool {
        self.activations_bytes.is_some() || self.total_bytes.is_some()
    }

    /// Whether weights that are 0 count for nothing: not so where bytes of weights are counted as papers
    /// do.
    pub(crate) fn leave_zeros_free(&self) -> bool {
        self.weights_bytes.is_none() && self.total_bytes.is_none()
    }

    fn hold(&self, cost: &Cost) -> bool {
        let within = |limit: Option<u64>, value: u64| limit.is_none_or(|limit| value <= limit);
        let activations = u64::from(cost.activations_bytes);
        self.cycles
            .is_none_or(|limit| cost.cycles.is_some_and(|cycles| cycles <= limit))
            && within(self.weights_bytes, cost.weights_bytes)
            && within(self.activations_bytes, activations)
            && within(self.total_bytes, cost.weights_bytes + activations)
    }
}

/// Whether a design can be tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// It fits.
    Fits(Cost),
    /// It takes too much of something: that many times what there is.
    Over(f64),
    /// A map of it would have no pixels, or the widths of its sums cannot be proven.
    Impossible,
}

impl Verdict {
    /// What it takes, where it fits.
    pub fn fitting(self) -> Option<Cost> {
        match self {
            Self::Fits(cost) => Some(cost),
            Self::Over(_) | Self::Impossible => None,
        }
    }
}

/// Says what a design takes, and whether that is within the chip and the limits.
pub fn measure(base: &Base, limits: &Limits, design: &Design) -> Verdict {
    let Some(declaration) = base.declaration_of(design) else {
        return Verdict::Impossible;
    };
    let network = &declaration.network;
    let weights_bytes = budget::packed_weights_bytes(network);
    if let Some(flash) = declaration.budget.flash_bytes
        && weights_bytes > SURELY_OVER * u64::from(flash)
    {
        return Verdict::Over(weights_bytes as f64 / f64::from(flash));
    }
    let drawn = weights::invented(network, declaration.sparsity);
    let Ok(accumulators) = program::prove(network, &drawn) else {
        return Verdict::Impossible;
    };
    let sums = Sums {
        widest: accumulators.widest(),
        constants: Some((&drawn, &accumulators)),
    };
    let planned = budget::choose(&declaration, &sums);
    let cost = Cost::of(&declaration, &planned);
    match budget::fits(&declaration, &planned) && limits.hold(&cost) {
        true => Verdict::Fits(cost),
        // What is kept of the flash for the rest of the firmware counts too.
        false => Verdict::Over(excess(base, limits, &cost).max(JUST_OVER)),
    }
}

/// Weights of more bytes than that many times the flash have no form that fits, whatever is 0.
const SURELY_OVER: u64 = 3;
/// What does not fit is over by that much at least.
const JUST_OVER: f64 = 1.000_001;

/// By how much a design takes too much, as a factor of the most that it may: 1 or less where it
/// fits; the largest of all limits.
fn excess(base: &Base, limits: &Limits, cost: &Cost) -> f64 {
    let budget = &base.declaration.budget;
    let activations = u64::from(cost.activations_bytes);
    let pairs = [
        (budget.sram_bytes.map(u64::from), u64::from(cost.sram_bytes)),
        (budget.flash_bytes.map(u64::from), cost.flash_bytes),
        (limits.cycles, cost.cycles.unwrap_or(0)),
        (limits.weights_bytes, cost.weights_bytes),
        (limits.activations_bytes, activations),
        (limits.total_bytes, cost.weights_bytes + activations),
    ];
    let shares = pairs
        .into_iter()
        .filter_map(|(limit, value)| Some(value as f64 / limit?.max(1) as f64));
    shares.fold(0.0, f64::max)
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} B SRAM, {} B flash",
            self.sram_bytes, self.flash_bytes
        )?;
        match self.cycles {
            Some(cycles) => write!(f, ", {cycles} cycles"),
            None => write!(f, ", {} multiply-accumulates", self.multiply_accumulates),
        }
    }
}
