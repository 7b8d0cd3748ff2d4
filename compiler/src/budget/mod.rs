//! Which plan is taken, what of the target it uses, and what to change where
//! that is too much.

mod footprint;
mod over;
mod remedies;

pub use footprint::{Footprint, LayerFootprint, Sums};
pub(crate) use footprint::{lower, reserved_flash_bytes};
pub use over::OverBudget;

use crate::declaration::{Declaration, PlanChoice, WeightsSource};
use crate::network::{LayerId, Network};
use crate::plan::{self, MemoryPlan, Strategy};
use crate::program::{CURSOR_BYTES, parameter_bytes, parameter_table_bytes};
use std::fmt;

/// Bytes kept for the rest of the firmware where the declaration does not say.
const DEFAULT_RESERVE_BESIDE_STACK_BYTES: u32 = 64;

/// The plan that is taken, and the SRAM that the design then needs.
#[derive(Clone, Debug)]
pub struct Design {
    /// The plan.
    pub plan: MemoryPlan,
    /// Kept for the stack and the rest of the firmware.
    pub reserve_bytes: u32,
    /// What `reserve_bytes` is where the declaration does not say.
    default_reserve_bytes: u32,
    /// Bytes of the parameters that are loaded at run time.
    pub parameter_bytes: u32,
    /// What its code takes.
    pub footprint: Footprint,
}

impl Design {
    /// The size of the network's value: arena, cursor, and parameters where they
    /// are loaded at run time.
    pub fn state_bytes(&self) -> u32 {
        (self.plan.arena_bytes + CURSOR_BYTES).saturating_add(self.parameter_bytes)
    }

    /// SRAM that the design needs: its value and the reserve.
    pub fn sram_bytes(&self) -> u32 {
        self.state_bytes().saturating_add(self.reserve_bytes)
    }
}

/// Takes the plan that the declaration asks for; where it does not, row-major,
/// whose code is the faster, unless only herringbone fits.
///
/// `sums` decide how deep the stack is, and how large the code.
pub fn choose(declaration: &Declaration, sums: &Sums<'_>) -> Design {
    let network = &declaration.network;
    let design = |strategy| {
        let plan = plan::plan(network, strategy);
        let footprint = footprint::of(declaration, sums, &plan);
        let default_reserve_bytes = footprint.stack_bytes + DEFAULT_RESERVE_BESIDE_STACK_BYTES;
        Design {
            plan,
            reserve_bytes: declaration
                .reserve
                .sram_bytes
                .unwrap_or(default_reserve_bytes),
            default_reserve_bytes,
            parameter_bytes: match declaration.weights {
                // More than there can be is too much anywhere.
                WeightsSource::Runtime => parameter_bytes(network).try_into().unwrap_or(u32::MAX),
                WeightsSource::File | WeightsSource::Nowhere => 0,
            },
            footprint,
        }
    };
    match declaration.plan {
        PlanChoice::RowMajor => design(Strategy::RowMajor),
        PlanChoice::Herringbone => design(Strategy::Herringbone),
        PlanChoice::Smallest | PlanChoice::Fastest => {
            let row_major = design(Strategy::RowMajor);
            let fits = |design: &Design| {
                declaration
                    .budget
                    .sram_bytes
                    .is_none_or(|given| design.sram_bytes() <= given)
            };
            if declaration.plan == PlanChoice::Fastest && fits(&row_major) {
                return row_major;
            }
            // Placing takes much longer than finding that it can't pay.
            if plan::least_herringbone_bytes(network) >= row_major.plan.arena_bytes {
                return row_major;
            }
            let herringbone = design(Strategy::Herringbone);
            if herringbone.plan.arena_bytes < row_major.plan.arena_bytes {
                herringbone
            } else {
                row_major
            }
        }
    }
}

/// Whether a design fits all of its budget.
fn fits(declaration: &Declaration, design: &Design) -> bool {
    let budget = &declaration.budget;
    let sram = budget.sram_bytes;
    let flash = budget.flash_bytes;
    sram.is_none_or(|given| design.sram_bytes() <= given)
        && flash.is_none_or(|given| needed_flash_bytes(declaration, design, given) <= given.into())
}

/// Flash that the design needs: its code and tables, and what is kept of as
/// much as is given.
fn needed_flash_bytes(declaration: &Declaration, design: &Design, given_bytes: u32) -> u64 {
    let reserve_bytes = footprint::reserved_flash_bytes(declaration, given_bytes);
    design.footprint.flash_bytes + u64::from(reserve_bytes)
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
    let needed_bytes = design.sram_bytes();
    match declaration.budget.sram_bytes {
        Some(given_bytes) if u64::from(needed_bytes) * 10 >= u64::from(given_bytes) * 9 => {
            let layer = design.plan.peak().layer;
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
fn packed_weights_bytes(network: &Network) -> u64 {
    network
        .layers()
        .iter()
        .map(|layer| parameter_table_bytes(layer, network.bits()))
        .sum()
}
