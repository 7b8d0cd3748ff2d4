//! What the code of a plan takes of a part.

use super::{Code, Core, Form, Reason, choose};
use crate::backend::Backend;
use crate::backend::portable::Portable;
use crate::budget::features_flash_bytes;
use crate::budget::{Footprint, LayerFootprint, Sums, lower};
use crate::declaration::{CodeChoice, Declaration, WeightsSource};
use crate::network::NodeId;
use crate::plan::{MemoryPlan, Rings};
use crate::program::Program;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Bytes of flash that a firmware's way into the code takes: an estimate. A loop that
/// pushes an image and looks for its class takes 280 on an nRF51822, most of it the
/// firmware's own.
const GLUE_FLASH_BYTES: u32 = 64;

/// Bytes of stack that `run`, `push` and `classify` take beside the results, at most:
/// the registers that an ABI lets them save.
const GLUE_STACK_BYTES: u32 = 64;

impl Backend for Core {
    /// It computes row by row as the input arrives.
    fn rings(&self, _: &Declaration) -> Rings {
        Rings::Rows
    }

    fn unrolls_weights(&self) -> bool {
        true
    }

    /// Where there is code at all, it is.
    fn counts_code(&self) -> bool {
        false
    }

    /// None, for where code is portable its flash is not known: code that leaves too
    /// little for the rest of a firmware is not taken ([`least_left_bytes`]).
    fn default_flash_reserve_bytes(&self, _: u32) -> u32 {
        0
    }

    /// Of the code that is written here, or, where there is none or it does not fit, of
    /// the portable one, with the reason.
    fn footprint(
        &self,
        declaration: &Declaration,
        sums: &Sums<'_>,
        plan: &MemoryPlan,
    ) -> Footprint {
        match code(*self, declaration, sums, plan) {
            Ok((program, code)) => counted(declaration, &program, code),
            Err(reason) => Footprint {
                portable_because: Some(reason.to_string()),
                ..Portable.footprint(declaration, sums, plan)
            },
        }
    }
}

/// The code of a plan, if there is any and the part holds it.
fn code(
    core: Core,
    declaration: &Declaration,
    sums: &Sums<'_>,
    plan: &MemoryPlan,
) -> Result<(Program, Code), Reason> {
    match declaration.weights {
        WeightsSource::File | WeightsSource::Runtime => {}
        WeightsSource::Nowhere => return Err(Reason::NoWeights),
    }
    let network = &declaration.network;
    let program = lower(declaration, sums, plan);
    let choice_of = |node: NodeId| declaration.code_of(network.node(node).layer);
    let flash_bytes = declaration.budget.flash_bytes.unwrap_or(u32::MAX);
    let left = u64::from(GLUE_FLASH_BYTES)
        + u64::from(least_left_bytes(declaration, flash_bytes))
        + features_flash_bytes(declaration);
    let for_code = u64::from(flash_bytes).saturating_sub(left);
    let code = choose(&program, core, choice_of, for_code as u32)?;
    let mut nodes = network.computing_nodes();
    let is_demanded = nodes.any(|node| match declaration.code_of(node.layer) {
        CodeChoice::Unrolled => true,
        CodeChoice::Table | CodeChoice::Fastest => false,
    });
    // What is asked for by name is refused rather than replaced.
    if u64::from(code.flash_bytes()) > for_code && !is_demanded {
        return Err(Reason::Flash);
    }
    let sram_bytes = declaration.budget.sram_bytes.unwrap_or(u32::MAX);
    let state_bytes = plan.arena_bytes
        + plan.cursor_bytes()
        + program.parameter_bytes
        + declaration.window_bytes();
    let state_bytes = state_bytes.next_multiple_of(code.alignment());
    let reserve_bytes = declaration.reserve.sram_bytes;
    let stack_bytes = reserve_bytes.unwrap_or_else(|| stack_bytes(&program, &code));
    if state_bytes.saturating_add(stack_bytes) > sram_bytes {
        return Err(Reason::Sram);
    }
    Ok((program, code))
}

/// Bytes of flash that are left for the rest of a firmware: what the declaration says, or
/// enough for start-up code, vectors, a serial line and a small `main`.
fn least_left_bytes(declaration: &Declaration, flash_bytes: u32) -> u32 {
    let reserve_bytes = declaration.reserve.flash_bytes;
    reserve_bytes.unwrap_or_else(|| (flash_bytes / 16).clamp(512, 4096))
}

/// The deepest stack of `run`, `push` and `classify`.
fn stack_bytes(program: &Program, code: &Code) -> u32 {
    // Wider than they are stored at most, and as they are stored.
    let results_bytes = program.results.count * (4 + program.results.integer.bytes());
    code.stack_bytes() + results_bytes + GLUE_STACK_BYTES
}

fn counted(declaration: &Declaration, program: &Program, code: Code) -> Footprint {
    let parts: BTreeMap<NodeId, (u32, f64)> = code
        .layers()
        .map(|(node, bytes, cycles)| (node, (bytes, cycles)))
        .collect();
    // What `absorb` does is counted as the intake.
    let in_absorb = program.intake.pool.map(|pool| pool.node);
    let layers: BTreeMap<NodeId, LayerFootprint> = declaration
        .network
        .computing_nodes()
        .filter(|layer| Some(layer.id) != in_absorb)
        .map(|layer| {
            // A pooling is done by the convolution before it.
            let (bytes, cycles) = parts.get(&layer.id).copied().unwrap_or_default();
            let footprint = LayerFootprint {
                form: code.form_of(layer.id).map(Form::code_form),
                flash_bytes: bytes.into(),
                cycles,
            };
            (layer.id, footprint)
        })
        .collect();
    let largest = layers.iter().max_by_key(|(_, layer)| layer.flash_bytes);
    Footprint {
        stack_bytes: stack_bytes(program, &code),
        flash_bytes: u64::from(code.flash_bytes() + GLUE_FLASH_BYTES),
        largest: largest.map_or(NodeId::new(0), |(&layer, _)| layer),
        layers,
        code: Some(Rc::new(code)),
        effort: 0.0,
        portable_because: None,
    }
}
