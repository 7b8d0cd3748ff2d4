//! Which plan is taken, what of the target it uses, and what to change where
//! that is too much.

mod choice;
mod expected;
mod features;
mod footprint;
mod over;
mod remedies;
mod sharing;

pub use crate::backend::zeros_can_be_free;
pub use choice::{alternatives, choose, every_plan};
pub use expected::ExpectedWeights;
pub(crate) use features::features_flash_bytes;
pub use footprint::{Footprint, LayerFootprint, Sums};
pub(crate) use footprint::{lower, reserved_flash_bytes};
pub use over::OverBudget;
pub use remedies::{Change, Remedy};
pub use sharing::{PartDesign, Sharing, every_sharing, share};

use crate::declaration::Declaration;
use crate::network::{LayerId, Network};
use crate::plan::MemoryPlan;
use crate::program::parameter_table_bytes;
use std::fmt;

/// Bytes kept for the rest of the firmware where the declaration does not say.
const DEFAULT_RESERVE_BESIDE_STACK_BYTES: u32 = 64;

/// The plan that is taken, and the SRAM that the design then needs.
#[derive(Clone, Debug)]
pub struct Design {
    pub plan: MemoryPlan,
    /// Kept for the stack and the rest of the firmware.
    pub reserve_bytes: u32,
    /// What `reserve_bytes` is where the declaration does not say.
    default_reserve_bytes: u32,
    /// Bytes of the parameters that are loaded at run time.
    pub parameter_bytes: u32,
    /// Bytes in which results are kept, where the arena has no room for them beside
    /// the map that they are made of; else 0.
    pub results_bytes: u32,
    /// Bytes in which a stream's newest samples are kept, where inputs are cut from one.
    pub window_bytes: u32,
    /// Bytes of the samples that features are made of.
    pub features_bytes: u32,
    /// What its code takes.
    pub footprint: Footprint,
    /// Whether the network has plans that were not looked at: that takes too long.
    pub plans_left_out: bool,
}

impl Design {
    /// The size of the network's value: arena, cursor, parameters where they are
    /// loaded at run time, results where the arena has no room for them, and the window.
    pub fn state_bytes(&self) -> u32 {
        [
            self.plan.cursor_bytes(),
            self.parameter_bytes,
            self.results_bytes,
            self.window_bytes,
            self.features_bytes,
        ]
        .into_iter()
        .fold(self.plan.arena_bytes, u32::saturating_add)
    }

    /// What an inference is expected to cost: cycles of machine code; else what plans
    /// are compared by.
    pub fn cycles(&self) -> f64 {
        match &self.footprint.code {
            Some(code) => code.cycles(),
            None => self.footprint.effort,
        }
    }

    /// SRAM that the design needs: its value and the reserve.
    pub fn sram_bytes(&self) -> u32 {
        self.state_bytes().saturating_add(self.reserve_bytes)
    }
}

/// Kinds of memory that a budget has.
#[derive(Clone, Copy)]
struct Resources {
    sram: bool,
    flash: bool,
}

impl Resources {
    const ALL: Self = Self {
        sram: true,
        flash: true,
    };

    const SRAM: Self = Self {
        sram: true,
        flash: false,
    };
    const FLASH: Self = Self {
        sram: false,
        flash: true,
    };

    /// Whether a design takes no more of these than there is.
    fn fit(self, declaration: &Declaration, design: &Design) -> bool {
        let budget = &declaration.budget;
        let sram = budget.sram_bytes.filter(|_| self.sram);
        let flash = budget.flash_bytes.filter(|_| self.flash);
        sram.is_none_or(|given| design.sram_bytes() <= given)
            && flash
                .is_none_or(|given| needed_flash_bytes(declaration, design, given) <= given.into())
    }
}

/// Flash that the design needs: its code and tables, and what is kept of as
/// much as is given.
pub fn needed_flash_bytes(declaration: &Declaration, design: &Design, given_bytes: u32) -> u64 {
    let reserve_bytes = footprint::reserved_flash_bytes(declaration, given_bytes);
    design.footprint.flash_bytes + u64::from(reserve_bytes)
}

/// Whether a design takes no more SRAM and flash than there is.
pub fn fits(declaration: &Declaration, design: &Design) -> bool {
    Resources::ALL.fit(declaration, design)
}

/// How a design stands to its budget.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It fits, with more than a tenth of the SRAM to spare.
    Fits,
    /// It fits, and a tenth of the SRAM or less is left.
    Tight(Tight),
    /// It does not fit.
    Over(Vec<OverBudget>),
}

/// A design that fits, barely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tight {
    /// The layer of the peak.
    pub layer: LayerId,
    needed_bytes: u32,
    given_bytes: u32,
    owner: String,
}

impl fmt::Display for Tight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            needed_bytes,
            given_bytes,
            owner,
            ..
        } = self;
        write!(
            f,
            "within 10 % of the budget: the network takes {needed_bytes} of the {given_bytes} \
             bytes of SRAM of {owner}, {} are left; the arena's peak is at this layer",
            given_bytes - needed_bytes
        )
    }
}

/// Holds a design against its budget; `sums` are those that it was chosen with.
pub fn judge(declaration: &Declaration, design: &Design, sums: &Sums<'_>) -> Verdict {
    let over = over::over(declaration, design, sums);
    if !over.is_empty() {
        return Verdict::Over(over);
    }
    let layer = declaration.network.node(design.plan.peak().node).layer;
    tight_or_fits(declaration, design.sram_bytes(), layer)
}

/// Holds a network in two parts, which fits, against its budget.
pub fn judge_sharing(declaration: &Declaration, sharing: &Sharing) -> Verdict {
    let network = &declaration.network;
    let peak = sharing.leading.design.plan.peak().node;
    tight_or_fits(declaration, sharing.sram_bytes(), network.node(peak).layer)
}

fn tight_or_fits(declaration: &Declaration, needed_bytes: u32, layer: LayerId) -> Verdict {
    match declaration.budget.sram_bytes {
        Some(given_bytes) if u64::from(needed_bytes) * 10 >= u64::from(given_bytes) * 9 => {
            Verdict::Tight(Tight {
                layer,
                needed_bytes,
                given_bytes,
                owner: owner(declaration),
            })
        }
        _ => Verdict::Fits,
    }
}

/// Whose SRAM and flash it is.
fn owner(declaration: &Declaration) -> String {
    let target = declaration.budget.target;
    target.map_or("the budget", |target| target.name).to_owned()
}

/// Bytes of the largest array on a 16-bit target.
pub(crate) const LARGEST_AVR_ARRAY_BYTES: u32 = 32_767;

/// What weights and biases take in flash as tables.
pub fn packed_weights_bytes(network: &Network) -> u64 {
    network
        .nodes()
        .iter()
        .map(|layer| parameter_table_bytes(layer, network.bits()))
        .sum()
}
