//! Which plan is taken, what of the target it uses, and what to change where
//! that is too much.

mod footprint;
mod remedies;

pub(crate) use footprint::lower;
pub use footprint::{Footprint, Sums};

use crate::declaration::{CodeChoice, Declaration, PlanChoice, WeightsSource};
use crate::network::{LayerId, Network};
use crate::plan::{self, Intake, MemoryPlan, Strategy};
use crate::program::{Accumulator, parameter_bytes, parameter_table_bytes};
use std::fmt;

/// Bytes that a network's value holds beside the arena: the row, column and
/// channel of the input's next byte.
pub const CURSOR_BYTES: u32 = 3;

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
    /// The widest sum that the stack has to hold.
    widest: Accumulator,
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
            widest: sums.widest,
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

/// A design that needs more than there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverBudget {
    /// The layer to change.
    pub layer: LayerId,
    message: String,
}

impl fmt::Display for OverBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Holds a design against its budget.
pub fn judge(declaration: &Declaration, design: &Design) -> Verdict {
    let owner = declaration
        .budget
        .target
        .map_or("the budget", |target| target.name)
        .to_owned();
    let mut over = Vec::new();
    let needed_bytes = design.sram_bytes();
    if let Some(given_bytes) = declaration.budget.sram_bytes
        && needed_bytes > given_bytes
    {
        let layer = design.plan.peak().layer;
        over.push(OverBudget {
            layer,
            message: over_sram(declaration, design, given_bytes, &owner),
        });
    }
    over.extend(over_flash(declaration, design, &owner));
    over.extend(over_array(declaration, design));
    if !over.is_empty() {
        return Verdict::Over(over);
    }
    match declaration.budget.sram_bytes {
        Some(given_bytes) if u64::from(needed_bytes) * 10 >= u64::from(given_bytes) * 9 => {
            let layer = design.plan.peak().layer;
            Verdict::Tight(Tight {
                layer,
                needed_bytes,
                given_bytes,
                owner,
            })
        }
        _ => Verdict::Fits,
    }
}

fn what_would_fit(remedies: &[String]) -> String {
    if remedies.is_empty() {
        "what would fit: nothing by one change alone; take a smaller input, or pool earlier"
            .to_owned()
    } else {
        format!("what would fit: {}", remedies.join("; or "))
    }
}

fn over_sram(declaration: &Declaration, design: &Design, given_bytes: u32, owner: &str) -> String {
    let network = &declaration.network;
    let plan = &design.plan;
    let peak = plan.peak();
    let layer = network.layer(peak.layer);
    let live = live_at_peak(network, plan);
    let mut message = format!(
        "over budget: the network needs {} bytes of SRAM, and {owner} has {given_bytes}\n\
         needed: {} of arena (peak at `{layer}`), {CURSOR_BYTES} of state, {}{} of reserve{}\n\
         live at the peak: {live}\n",
        design.sram_bytes(),
        plan.arena_bytes,
        match design.parameter_bytes {
            0 => String::new(),
            bytes => format!("{bytes} of parameters, "),
        },
        design.reserve_bytes,
        match declaration.reserve.sram_bytes {
            None if declaration.weights == WeightsSource::Nowhere =>
                " (a stack for 32-bit sums: weights may prove less)",
            _ => "",
        },
    );
    message.push_str(&what_would_fit(&remedies::for_sram(
        declaration,
        design,
        given_bytes,
    )));
    message
}

/// What the arena holds at its worst moment, in words.
fn live_at_peak(network: &Network, plan: &MemoryPlan) -> String {
    let peak = plan.peak();
    let layer = network.layer(peak.layer);
    if *peak == plan.intake_need {
        return match plan.intake {
            Intake::Store => format!(
                "{} bytes of the whole {} input",
                plan.bytes(peak.live_output_cells),
                network.input()
            ),
            Intake::Pool { sums, .. } => format!(
                "{} bytes of the {} that `{layer}` makes, {} bytes of its sums",
                plan.bytes(layer.output.values()),
                layer.output,
                2 * sums
            ),
        };
    }
    let inputs = plan.bytes(peak.live_input_cells);
    let outputs = plan.bytes(peak.live_output_cells);
    let mut live = format!("{inputs} bytes of its {} input", layer.input);
    if outputs > 0 {
        live.push_str(&format!(", {outputs} bytes of its {} output", layer.output));
    }
    let idle = plan.bytes(peak.need_cells).saturating_sub(inputs + outputs);
    if idle > 0 {
        live.push_str(&format!(
            ", {idle} bytes between them not yet free to reuse"
        ));
    }
    live
}

/// Parameters that are no array on any target.
fn over_array(declaration: &Declaration, design: &Design) -> Option<OverBudget> {
    const LARGEST_BYTES: u32 = i32::MAX as u32;
    let layers = declaration.network.layers().iter();
    let largest = layers.max_by_key(|layer| layer.weight_count())?;
    (design.parameter_bytes > LARGEST_BYTES).then(|| OverBudget {
        layer: largest.id,
        message: format!(
            "the parameters take more than {LARGEST_BYTES} bytes, most of them here: {} weights: \
             use fewer outputs, or pool earlier",
            largest.weight_count()
        ),
    })
}

/// Bytes of the largest array on a 16-bit target.
pub(crate) const LARGEST_AVR_ARRAY_BYTES: u32 = 32_767;

/// Code and tables that the flash can't hold.
fn over_flash(declaration: &Declaration, design: &Design, owner: &str) -> Option<OverBudget> {
    let flash_bytes = declaration.budget.flash_bytes?;
    let network = &declaration.network;
    let needed_bytes = design.footprint.flash_bytes;
    let on_avr = design.footprint.mix.is_some();
    let reserve_bytes = footprint::reserved_flash_bytes(declaration, flash_bytes);
    let given_bytes = u64::from(flash_bytes.saturating_sub(reserve_bytes));
    if needed_bytes <= given_bytes {
        return None;
    }
    let largest = network.layer(design.footprint.largest);
    let fits = |network: &Network, code: CodeChoice| {
        let changed = Declaration {
            network: network.clone(),
            code,
            ..declaration.clone()
        };
        let unknown = Sums {
            widest: design.widest,
            constants: None,
        };
        let plan = plan::plan(network, design.plan.strategy);
        footprint::of(&changed.sized(), &unknown, &plan).flash_bytes <= given_bytes
    };
    let mut remedies = Vec::new();
    if declaration.code == CodeChoice::Unrolled && fits(network, CodeChoice::Fastest) {
        remedies.push("leaving `code: unrolled` out".to_owned());
    }
    remedies.extend(remedies::for_flash(
        declaration,
        largest.id,
        needed_bytes,
        |network| fits(network, declaration.code),
    ));
    let what = if on_avr {
        format!(
            "the network takes {needed_bytes} bytes of flash, {reserve_bytes} are kept for the \
             rest of the firmware, and {owner} has {flash_bytes}"
        )
    } else {
        format!(
            "the weights alone take {needed_bytes} bytes of flash at {} bits, and {owner} has \
             {flash_bytes}",
            network.bits().weights
        )
    };
    Some(OverBudget {
        layer: largest.id,
        message: format!(
            "over budget: {what}\n\
             most of it is here: {} weights\n\
             {}",
            largest.weight_count(),
            what_would_fit(&remedies),
        ),
    })
}

/// What weights and biases take in flash as tables.
fn packed_weights_bytes(network: &Network) -> u64 {
    network
        .layers()
        .iter()
        .map(|layer| parameter_table_bytes(layer, network.bits()))
        .sum()
}
