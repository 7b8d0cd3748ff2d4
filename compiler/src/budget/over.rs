//! The error for a design that needs more than there is.

use super::remedies::{self, Remedies, Remedy};
use super::{Design, Sums, footprint, needed_flash_bytes, owner};
use crate::backend;
use crate::declaration::{CodeChoice, Declaration, WeightsSource};
use crate::network::{LayerId, Network};
use crate::plan::{Keeps, MemoryPlan, Sink};
use crate::program::{Accumulator, parameter_bytes};
use std::cmp::Reverse;
use std::fmt;

/// A design that needs more than there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverBudget {
    /// The layer to change.
    pub layer: LayerId,
    message: String,
    /// What would make it fit, as the message says.
    pub remedies: Vec<Remedy>,
}

impl fmt::Display for OverBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Everything that the design needs more of than there is.
pub(super) fn over(declaration: &Declaration, design: &Design, sums: &Sums<'_>) -> Vec<OverBudget> {
    let sram = over_sram(declaration, design, sums);
    let flash = over_flash(declaration, design, sums);
    let array = over_array(declaration);
    [sram, flash, array].into_iter().flatten().collect()
}

fn what_would_fit(remedies: &Remedies, (this, other): (&str, &str)) -> String {
    let Remedies {
        changes,
        of_this_memory_alone,
        unfinished,
    } = remedies;
    let words: Vec<String> = changes.iter().map(ToString::to_string).collect();
    let words = words.join("; or ");
    let mut text = match (&changes[..], unfinished) {
        ([], true) => {
            "what would fit: nothing was found before the search stopped; take a smaller input, \
                       or pool earlier"
                .to_owned()
        }
        ([], false) => {
            "what would fit: no single change; take a smaller input, or pool earlier".to_owned()
        }
        _ if *of_this_memory_alone => format!(
            "what would fit the {this}, while the {other} needs a change of its own: {words}"
        ),
        _ => format!("what would fit: {words}"),
    };
    if *unfinished && !changes.is_empty() {
        text.push_str(" (not everything was tried: this design takes too long)");
    }
    text
}

fn over_sram(declaration: &Declaration, design: &Design, sums: &Sums<'_>) -> Option<OverBudget> {
    let given_bytes = declaration.budget.sram_bytes?;
    if design.sram_bytes() <= given_bytes {
        return None;
    }
    let owner = owner(declaration);
    let network = &declaration.network;
    let plan = &design.plan;
    let peak = plan.peak();
    let layer = network.node(peak.node);
    let live = live_at_peak(network, plan);
    let mut message = format!(
        "over budget: the network needs {} bytes of SRAM, and {owner} has {given_bytes}\n\
         needed: {} of arena (peak at `{layer}`), {} of state, {}{}{}{}{} of reserve{}\n\
         live at the peak: {live}\n",
        design.sram_bytes(),
        plan.arena_bytes,
        plan.cursor_bytes(),
        match design.parameter_bytes {
            0 => String::new(),
            bytes => format!("{bytes} of parameters, "),
        },
        match design.results_bytes {
            0 => String::new(),
            bytes => format!("{bytes} of results, "),
        },
        match design.window_bytes {
            0 => String::new(),
            bytes => format!("{bytes} of window, "),
        },
        match design.features_bytes {
            0 => String::new(),
            bytes => format!("{bytes} of samples, "),
        },
        design.reserve_bytes,
        match declaration.reserve.sram_bytes {
            None => of_stack(declaration, design, sums),
            Some(_) => String::new(),
        },
    );
    message.push_str(plans_left_out(design));
    let remedies = remedies::for_sram(declaration, design, sums, given_bytes);
    message.push_str(&what_would_fit(&remedies, ("SRAM", "flash")));
    Some(OverBudget {
        layer: layer.layer,
        message,
        remedies: remedies.changes,
    })
}

/// Of a design whose plans were not all made.
fn plans_left_out(design: &Design) -> &'static str {
    match design.plans_left_out {
        true => {
            "not every plan was tried, for that takes long for this design: `plan` can name one\n"
        }
        false => "",
    }
}

/// What is in a reserve that the declaration says nothing of.
fn of_stack(declaration: &Declaration, design: &Design, sums: &Sums<'_>) -> String {
    let stack_bytes = design.footprint.stack_bytes;
    let others_bytes = design.reserve_bytes - stack_bytes;
    let mut text = format!(" (a stack of {stack_bytes}");
    if declaration.weights == WeightsSource::Nowhere {
        let accumulator = match design.footprint.code {
            Some(_) => Accumulator::at_run_time(declaration.network.bits()),
            None => sums.widest,
        };
        let bits = 8 * accumulator.bytes();
        text.push_str(&format!(
            ", assuming {bits}-bit sums until there are weights"
        ));
    }
    text + &format!(", and {others_bytes})")
}

/// What the arena holds at its worst moment, in words.
fn live_at_peak(network: &Network, plan: &MemoryPlan) -> String {
    let peak = plan.peak();
    let layer = network.node(peak.node);
    if *peak == plan.arriving().need {
        return live_in_stream(network, plan);
    }
    let inputs = plan.bytes(peak.live_input_cells);
    let outputs = plan.bytes(peak.live_output_cells);
    let mut live = format!("{inputs} bytes of its {} input", layer.input);
    if outputs > 0 {
        live.push_str(&format!(", {outputs} bytes of its {} output", layer.output));
    }
    let idle = plan.bytes(peak.cells).saturating_sub(inputs + outputs);
    if idle > 0 {
        live.push_str(&format!(
            ", {idle} bytes between them not yet free to reuse"
        ));
    }
    live
}

/// What the arena holds while the input arrives, in words: the largest parts first
/// where there are many.
fn live_in_stream(network: &Network, plan: &MemoryPlan) -> String {
    const MOST_PARTS: usize = 8;
    let mut parts: Vec<(u32, String)> = Vec::new();
    let arriving = plan.arriving();
    for stage in &arriving.stages {
        let node = network.node(stage.node);
        match stage.ring() {
            Some(ring) if ring.pixels > 1 => parts.push((
                plan.bytes(ring.cells()),
                format!("the last {} pixels that `{node}` reads", ring.pixels),
            )),
            Some(ring) => parts.push((
                plan.bytes(ring.cells()),
                format!("the pixel that `{node}` reads"),
            )),
            None => {}
        }
        match stage.keeps {
            Keeps::Windows(windows) => parts.push((
                plan.bytes(windows.cells()),
                format!("a row of windows of `{node}`"),
            )),
            Keeps::Sums(sums) => parts.push((sums.bytes(), format!("sums of `{node}`"))),
            Keeps::States(states) => {
                parts.push((states.bytes(), format!("states of `{node}`")));
            }
            Keeps::Nothing => {}
        }
    }
    let stored = arriving.stages.iter().map(|stage| stage.sink);
    for sink in stored.chain([plan.intake]) {
        if let Sink::Map { value, .. } = sink {
            let value = network.value(value);
            let what = match value.maker {
                Some(maker) => {
                    format!(
                        "the whole {} output of `{}`",
                        value.shape,
                        network.node(maker)
                    )
                }
                None => format!("the whole {} input", value.shape),
            };
            parts.push((plan.bytes(value.cells(network.bits().activations)), what));
        }
    }
    let mut rest = None;
    if parts.len() > MOST_PARTS + 1 {
        parts.sort_by_key(|&(bytes, _)| Reverse(bytes));
        let others = parts.split_off(MOST_PARTS);
        let bytes: u32 = others.iter().map(|(bytes, _)| bytes).sum();
        rest = Some(format!("{bytes} bytes of {} other parts", others.len()));
    }
    let parts = parts
        .into_iter()
        .map(|(bytes, what)| format!("{bytes} bytes of {what}"));
    parts.chain(rest).collect::<Vec<_>>().join(", ")
}

/// Code and tables that the flash can't hold.
fn over_flash(declaration: &Declaration, design: &Design, sums: &Sums<'_>) -> Option<OverBudget> {
    let given_bytes = declaration.budget.flash_bytes?;
    let needed_bytes = needed_flash_bytes(declaration, design, given_bytes);
    if needed_bytes <= given_bytes.into() {
        return None;
    }
    let owner = owner(declaration);
    let network = &declaration.network;
    let largest = network.node(design.footprint.largest);
    let weight_count = largest.weight_count();
    let own_bytes = design.footprint.flash_bytes;
    let reserve = match footprint::reserved_flash_bytes(declaration, given_bytes) {
        0 => String::new(),
        bytes => format!(", {bytes} of reserve (for the rest of the firmware)"),
    };
    let (needed, most) = match design.footprint.layers.get(&largest.id) {
        Some(layer) => (
            format!(
                "{own_bytes} of code and tables{}{reserve}",
                of_code(declaration)
            ),
            format!("{} bytes, {weight_count} weights", layer.flash_bytes),
        ),
        None if backend::of(declaration).counts_code() => (
            format!("at least {own_bytes} of code and tables{reserve}"),
            format!("{weight_count} weights"),
        ),
        None => (
            format!(
                "{own_bytes} of weights and biases only, at {} bits a weight{reserve}",
                network.bits().weights
            ),
            format!("{weight_count} weights"),
        ),
    };
    // Of portable code, the tables alone are known.
    let at_least = match design.footprint.code {
        Some(_) => "",
        None => "at least ",
    };
    let remedies = remedies::for_flash(declaration, design, sums, given_bytes);
    Some(OverBudget {
        layer: largest.layer,
        message: format!(
            "over budget: the network needs {at_least}{needed_bytes} bytes of flash, and {owner} has \
             {given_bytes}\n\
             needed: {needed}\n\
             most of it is here: {most}\n\
             {}{}",
            plans_left_out(design),
            what_would_fit(&remedies, ("flash", "SRAM")),
        ),
        remedies: remedies.changes,
    })
}

/// Which code was counted.
fn of_code(declaration: &Declaration) -> &'static str {
    let demands_unrolled = demands_unrolled(declaration);
    match declaration.weights {
        WeightsSource::Nowhere if demands_unrolled => {
            " (as tables: the size of unrolled code depends on the weights)"
        }
        WeightsSource::Nowhere | WeightsSource::Runtime => "",
        WeightsSource::File if demands_unrolled => " (unrolled, as `code` says)",
        WeightsSource::File => " at least",
    }
}

/// Whether any layer has to be unrolled.
pub(super) fn demands_unrolled(declaration: &Declaration) -> bool {
    let mut layers = declaration.network.computing_nodes();
    layers.any(|layer| {
        layer.weight_count() > 0 && declaration.code_of(layer.layer) == CodeChoice::Unrolled
    })
}

/// Parameters that are no array on any target.
fn over_array(declaration: &Declaration) -> Option<OverBudget> {
    const LARGEST_BYTES: u64 = i32::MAX as u64;
    let network = &declaration.network;
    let largest = network
        .nodes()
        .iter()
        .max_by_key(|node| node.weight_count())?;
    (parameter_bytes(network) > LARGEST_BYTES).then(|| OverBudget {
        layer: largest.layer,
        message: format!(
            "the parameters take more than {LARGEST_BYTES} bytes, most of them here: {} weights: \
             use fewer outputs, or pool earlier",
            largest.weight_count()
        ),
        remedies: Vec::new(),
    })
}
