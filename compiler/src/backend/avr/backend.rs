//! What the code of a plan takes of a part.

use crate::backend::Backend;
use crate::backend::avr::choice::{Choice, choose};
use crate::backend::avr::isa::core::Core;
use crate::backend::avr::wide;
use crate::backend::portable::Portable;
use crate::budget::features_flash_bytes;
use crate::budget::{
    Footprint, LayerFootprint, Sums, lower, packed_weights_bytes, reserved_flash_bytes,
};
use crate::declaration::{CodeChoice, Declaration, WeightsSource};
use crate::network::NodeId;
use crate::plan::MemoryPlan;
use crate::program::{parameter_bytes, parameter_table_bytes};
use crate::target::{Architecture, Target};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Bytes of flash that a firmware's way into the code takes, the C ABI's part of
/// a call included.
///
/// Measured in firmware for the ATtiny85, the ATmega328P and the ATmega2560 with
/// 3 and with 10 results at `opt-level = 2`, as functions of their own:
/// `push_in_place` 44 to 52, `push` 52 to 56, `run` 80 to 84, `classify` 154 to
/// 312 (its comparisons are unrolled). Inlined by `lto = true`, each takes some 30
/// less. This is what `run` takes, which no other one is 3 % of a small network
/// away from.
pub(crate) const GLUE_FLASH_BYTES: u32 = 84;

/// Bytes of stack that `run`, `push` and `classify` take beside the results.
///
/// Measured as above, not inlined: `run` and `classify` save 8 registers, `push`
/// 4, and its results have a tag; a return address is 3 bytes at most. Inlined,
/// they take less, and whatever else the caller keeps is the caller's.
pub(crate) const GLUE_STACK_BYTES: u32 = 8 + 1 + 3;

impl Core {
    /// The core of a part that code is written for.
    pub(crate) fn written_for(target: &Target) -> Option<Self> {
        // Positions in nibbles are twice an address, in 16 bits: the four parts whose
        // SRAM goes beyond 0x8000 take the portable code.
        let addresses_double = target.sram_bytes < 0x6000;
        (target.architecture == Architecture::Avr && addresses_double).then(|| Self::of(target))
    }
}

impl Backend for Core {
    fn unrolls_weights(&self) -> bool {
        true
    }

    fn counts_code(&self) -> bool {
        true
    }

    fn default_flash_reserve_bytes(&self, flash_bytes: u32) -> u32 {
        (flash_bytes / 16).clamp(512, 4096)
    }

    fn footprint(
        &self,
        declaration: &Declaration,
        sums: &Sums<'_>,
        plan: &MemoryPlan,
    ) -> Footprint {
        let least_bytes = least_flash_bytes(declaration, sums);
        if is_hopeless(declaration, plan, least_bytes) {
            return Footprint {
                flash_bytes: least_bytes,
                ..Portable.footprint(declaration, sums, plan)
            };
        }
        let program = lower(declaration, sums, plan);
        if let Some(node) = wide::without_code(&program) {
            return Footprint {
                portable_because: Some(format!(
                    "there is no assembly for `{}`",
                    declaration.network.name_of(node)
                )),
                ..Portable.footprint(declaration, sums, plan)
            };
        }
        // Of a design to size whose code is that of weights loaded at run time: the tables that its
        // weights will take.
        let network = &declaration.network;
        let tables = |bytes: u64| match (declaration.weights, sums.constants) {
            (WeightsSource::Nowhere, None) => bytes,
            (WeightsSource::Nowhere, Some(_)) => 0,
            (WeightsSource::File | WeightsSource::Runtime, _) => 0,
        };
        let tables_bytes = tables(packed_weights_bytes(network));
        let flash_bytes = declaration.budget.flash_bytes.unwrap_or(u32::MAX);
        let reserve_bytes = reserved_flash_bytes(declaration, flash_bytes);
        let taken = u64::from(reserve_bytes)
            + u64::from(GLUE_FLASH_BYTES)
            + tables_bytes
            + features_flash_bytes(declaration);
        let room = u64::from(flash_bytes).saturating_sub(taken) as u32;
        let choice_of = |node| declaration.code_of(network.node(node).layer);
        let Choice { mix, code } =
            choose(&program, *self, choice_of, room).unwrap_or_else(|over| *over.smallest);
        let layers: BTreeMap<NodeId, LayerFootprint> = network
            .computing_nodes()
            .filter_map(|layer| {
                let functions: Vec<_> = code.layer(layer.id).collect();
                // A streamed pooling may be done by the layers on both of its sides, any other one
                // with the layer before it.
                let stages = program.all_stages().map(|stage| stage.plan.node);
                let mut computed = stages.chain(program.steps().map(|step| step.node));
                if functions.is_empty() && !computed.any(|node| node == layer.id) {
                    return None;
                }
                let tables_bytes = tables(parameter_table_bytes(layer, network.bits()));
                let bytes = functions.iter().map(|function| function.all_flash_bytes());
                let footprint = LayerFootprint {
                    form: (layer.weight_count() > 0).then(|| mix.form_of(layer.id)),
                    flash_bytes: u64::from(bytes.sum::<u32>()) + tables_bytes,
                    cycles: functions.iter().map(|function| function.cycles).sum(),
                };
                Some((layer.id, footprint))
            })
            .collect();
        let largest = layers.iter().max_by_key(|(_, layer)| layer.flash_bytes);
        // The results as they are stored, and once more where they are wanted wider.
        let stored = program.results.accumulator();
        let bytes_each = match declaration.logit(stored) {
            wider if wider > stored => wider.bytes() + stored.bytes(),
            same => same.bytes(),
        };
        let results_bytes = bytes_each * program.results.count;
        Footprint {
            stack_bytes: code.stack_bytes() + results_bytes + GLUE_STACK_BYTES,
            flash_bytes: u64::from(code.flash_bytes() + GLUE_FLASH_BYTES) + tables_bytes,
            largest: largest.map_or(NodeId::new(0), |(&layer, _)| layer),
            layers,
            code: Some(Rc::new(code)),
            effort: 0.0,
            portable_because: None,
        }
    }
}

/// What of flash no code of the network can do without: each layer's weights as
/// a table, or two instructions for each that is not 0; and what is done for each
/// output, eight bytes at the least.
fn least_flash_bytes(declaration: &Declaration, sums: &Sums<'_>) -> u64 {
    let network = &declaration.network;
    let layers = network.nodes().iter();
    layers
        .map(|layer| {
            let table_bytes = parameter_table_bytes(layer, network.bits());
            let weights_bytes = match (declaration.weights, sums.constants) {
                (WeightsSource::Runtime, _) => 0,
                (_, Some((weights, _))) => {
                    let unrolled_bytes = 4 * weights.nonzero(layer.id);
                    match declaration.code_of(layer.layer) {
                        CodeChoice::Unrolled => unrolled_bytes,
                        CodeChoice::Table => table_bytes,
                        CodeChoice::Fastest => table_bytes.min(unrolled_bytes),
                    }
                }
                (_, None) => table_bytes,
            };
            let outputs = layer.kind.outputs().map_or(0, u64::from);
            weights_bytes + 8 * outputs
        })
        .sum()
}

/// Whether a design is so far beyond its part that its code need not be written
/// to refuse it, which could take minutes.
fn is_hopeless(declaration: &Declaration, plan: &MemoryPlan, least_flash_bytes: u64) -> bool {
    let network = &declaration.network;
    let sram_bytes = declaration.budget.sram_bytes.unwrap_or(u32::MAX);
    let flash_bytes = declaration.budget.flash_bytes.unwrap_or(u32::MAX);
    let kept_bytes = reserved_flash_bytes(declaration, flash_bytes);
    let parameter_bytes = match declaration.weights {
        WeightsSource::Runtime => parameter_bytes(network),
        WeightsSource::File | WeightsSource::Nowhere => 0,
    };
    least_flash_bytes + u64::from(kept_bytes) > 2 * u64::from(flash_bytes)
        || u64::from(plan.arena_bytes) + parameter_bytes > 4 * u64::from(sram_bytes)
}
