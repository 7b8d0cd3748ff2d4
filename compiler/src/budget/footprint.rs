//! What the code of a plan takes of stack and flash.

use super::over::demands_unrolled;
use super::packed_weights_bytes;
use crate::avr::{self, Choice, Code, Core, Form};
use crate::declaration::{CodeChoice, Declaration, WeightsSource};
use crate::network::{Network, Node, NodeId};
use crate::plan::{Arrival, MemoryPlan, Order, SumBytes};
use crate::program::{
    self, Accumulator, Accumulators, Program, parameter_bytes, parameter_table_bytes,
};
use crate::stack;
use crate::target::Architecture;
use crate::weights::Weights;
use std::collections::BTreeMap;

/// What is known of a network's sums.
#[derive(Clone, Copy, Debug)]
pub struct Sums<'a> {
    /// The widest, where it decides about the stack.
    pub widest: Accumulator,
    /// The weights, and what they prove.
    pub constants: Option<(&'a Weights, &'a Accumulators)>,
}

impl Sums<'_> {
    /// How wide the sums are that a plan keeps in the arena.
    pub(crate) fn kept_bytes(&self, network: &Network) -> SumBytes {
        match self.constants {
            Some((_, accumulators)) => accumulators.sum_bytes(),
            None => Accumulators::at_run_time(network).sum_bytes(),
        }
    }

    /// Bytes of all results, as they are stored.
    pub(crate) fn results_bytes(&self, network: &Network) -> u32 {
        let at_run_time;
        let accumulators = match self.constants {
            Some((_, accumulators)) => accumulators,
            None => {
                at_run_time = Accumulators::at_run_time(network);
                &at_run_time
            }
        };
        let accumulator = program::results_accumulator(network, accumulators);
        network.output().values() * accumulator.bytes()
    }
}

/// What the code of a plan takes.
#[derive(Clone, Debug)]
pub struct Footprint {
    /// Its deepest stack, `run` and `push` included.
    pub stack_bytes: u32,
    /// Its code and tables; where only tables are counted, those.
    pub flash_bytes: u64,
    /// On AVR, each layer that has code of its own.
    pub layers: BTreeMap<NodeId, LayerFootprint>,
    /// On AVR, the code. Of a design to size: as if its weights were loaded at
    /// run time.
    pub code: Option<Code>,
    /// The layer that takes most of the flash.
    pub largest: NodeId,
    /// Without code for AVR, what plans are compared by: accesses to pixels,
    /// beside the multiply-accumulates that all plans share.
    pub effort: f64,
}

/// What the code of a layer takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerFootprint {
    /// How its weights are read; `None` where it has none.
    pub form: Option<Form>,
    /// Its code and tables.
    pub flash_bytes: u64,
    /// Expected cycles, half of all unsigned activations being 0.
    pub cycles: f64,
}

/// Bytes of flash that a firmware's way into the code takes, the C ABI's part of
/// a call included.
///
/// Measured in firmware for the ATtiny85, the ATmega328P and the ATmega2560 with
/// 3 and with 10 results at `opt-level = 2`, as functions of their own:
/// `push_in_place` 44 to 52, `push` 52 to 56, `run` 80 to 84, `classify` 154 to
/// 312 (its comparisons are unrolled). Inlined by `lto = true`, each takes some 30
/// less. This is what `run` takes, which no other one is 3 % of a small network
/// away from.
const GLUE_FLASH_BYTES: u32 = 84;

/// Bytes of stack that `run`, `push` and `classify` take beside the results.
///
/// Measured as above, not inlined: `run` and `classify` save 8 registers, `push`
/// 4, and its results have a tag; a return address is 3 bytes at most. Inlined,
/// they take less, and whatever else the caller keeps is the caller's.
const GLUE_STACK_BYTES: u32 = 8 + 1 + 3;

/// The part's core, where the AVR backend writes the code.
pub(super) fn avr_core(declaration: &Declaration) -> Option<Core> {
    let target = declaration.budget.target?;
    // Positions in nibbles are twice an address, in 16 bits: the four parts whose
    // SRAM goes beyond 0x8000 take the portable code.
    let addresses_double = target.sram_bytes < 0x6000;
    (target.architecture == Architecture::Avr && addresses_double).then(|| Core::of(target))
}

/// Bytes of flash kept for the rest of a firmware. Where the declaration does
/// not say: with the code of the network known, enough for start-up code,
/// vectors, a serial line and a small `main`; else none.
pub(crate) fn reserved_flash_bytes(declaration: &Declaration, flash_bytes: u32) -> u32 {
    let default_bytes = match avr_core(declaration) {
        Some(_) => (flash_bytes / 16).clamp(512, 4096),
        None => 0,
    };
    declaration.reserve.flash_bytes.unwrap_or(default_bytes)
}

/// Flash below which no design to size stays: its tables. Trained weights may
/// take less, for unrolled code has nothing for those that are 0.
pub(super) fn least_flash_bytes(declaration: &Declaration, network: &Network) -> u64 {
    match declaration.weights {
        WeightsSource::Nowhere if !demands_unrolled(declaration) => packed_weights_bytes(network),
        _ => 0,
    }
}

/// The program of a plan; where weights are not known, as if they came at run
/// time.
pub(crate) fn lower(declaration: &Declaration, sums: &Sums<'_>, plan: &MemoryPlan) -> Program {
    match sums.constants {
        Some((weights, accumulators)) => program::lower(declaration, weights, accumulators, plan),
        None => program::lower_runtime(declaration, plan),
    }
}

/// What the code of that plan takes.
pub(super) fn of(declaration: &Declaration, sums: &Sums<'_>, plan: &MemoryPlan) -> Footprint {
    match avr_core(declaration) {
        Some(core) => on_avr(declaration, sums, plan, core),
        None => portable(declaration, sums, plan),
    }
}

fn portable(declaration: &Declaration, sums: &Sums<'_>, plan: &MemoryPlan) -> Footprint {
    let network = &declaration.network;
    let largest = network
        .nodes()
        .iter()
        .max_by_key(|layer| layer.weight_count());
    // How many weights are zero, and so cost nothing, is not known here; those
    // that are loaded are in SRAM.
    let in_table = |layer: &&Node| {
        declaration.code_of(layer.layer) != CodeChoice::Unrolled
            && declaration.weights != WeightsSource::Runtime
    };
    let tables = network.nodes().iter().filter(in_table);
    Footprint {
        stack_bytes: stack::deepest_bytes(declaration, plan, sums.widest),
        flash_bytes: tables
            .map(|layer| parameter_table_bytes(layer, network.bits()))
            .sum(),
        layers: BTreeMap::new(),
        code: None,
        largest: largest.map_or(NodeId::new(0), |layer| layer.id),
        effort: effort(&declaration.network, plan),
    }
}

/// What a plan costs beside the multiply-accumulates, which all plans share, in
/// accesses to a pixel: one for a pixel that is found by adding a constant, a
/// half more where a ring may go around before it, twice as much where its
/// address is looked up. A pooling that takes values in as they are computed
/// stores and loads no pixel of its own.
fn effort(network: &Network, plan: &MemoryPlan) -> f64 {
    let accesses = |layer: &Node, pixels: u32| {
        let field = layer.field().kernel.taps();
        f64::from(pixels) * f64::from(field)
    };
    let all_stages = plan.segments().flat_map(|segment| &segment.stages);
    let stages = all_stages.map(|stage| {
        let node = network.node(stage.node);
        let stored = f64::from(stage.input.pixels());
        match stage.arrival {
            Arrival::Bytes | Arrival::Values => stored,
            Arrival::Window(_) | Arrival::Map(_) => accesses(node, stage.output.pixels()),
            Arrival::Ring(_) => 1.5 * accesses(node, stage.output.pixels()) + 2.0 * stored,
        }
    });
    let steps = plan.layers().map(|step| {
        let node = network.node(step.node);
        let looked_up = match plan.placement(node.reads[0]).map(|map| map.storage) {
            Some(Order::Herringbone) => 2.0,
            Some(Order::RowMajor | Order::RowMajorBackward) | None => 1.0,
        };
        looked_up * (accesses(node, node.output.pixels()) + f64::from(node.input.pixels()))
    });
    stages.chain(steps).sum()
}

/// What of flash no code of the network can do without: each layer's weights as
/// a table, or two instructions for each that is not 0; and what is done for each
/// output, eight bytes at the least.
fn least_avr_flash_bytes(declaration: &Declaration, sums: &Sums<'_>) -> u64 {
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

fn on_avr(declaration: &Declaration, sums: &Sums<'_>, plan: &MemoryPlan, core: Core) -> Footprint {
    let least_bytes = least_avr_flash_bytes(declaration, sums);
    if is_hopeless(declaration, plan, least_bytes) {
        return Footprint {
            flash_bytes: least_bytes,
            ..portable(declaration, sums, plan)
        };
    }
    let program = lower(declaration, sums, plan);
    // Of a design to size: the tables that its weights will take.
    let network = &declaration.network;
    let tables = |bytes: u64| match declaration.weights {
        WeightsSource::Nowhere => bytes,
        WeightsSource::File | WeightsSource::Runtime => 0,
    };
    let tables_bytes = tables(packed_weights_bytes(network));
    let flash_bytes = declaration.budget.flash_bytes.unwrap_or(u32::MAX);
    let reserve_bytes = reserved_flash_bytes(declaration, flash_bytes);
    let taken = u64::from(reserve_bytes) + u64::from(GLUE_FLASH_BYTES) + tables_bytes;
    let room = u64::from(flash_bytes).saturating_sub(taken) as u32;
    let choice_of = |node| declaration.code_of(network.node(node).layer);
    let Choice { mix, code } =
        avr::choose(&program, core, choice_of, room).unwrap_or_else(|over| over.smallest);
    let layers: BTreeMap<NodeId, LayerFootprint> = network
        .computing_nodes()
        .filter_map(|layer| {
            let functions: Vec<_> = code.layer(layer.id).collect();
            // A streamed pooling may be done by the layers on both of its sides.
            let is_streamed = program
                .all_stages()
                .any(|stage| stage.plan.node == layer.id);
            if functions.is_empty() && !is_streamed {
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
    let stored = program.results.accumulator;
    let bytes_each = match declaration.logit(stored) {
        wider if wider > stored => wider.bytes() + stored.bytes(),
        same => same.bytes(),
    };
    let results_bytes = bytes_each * program.results.count;
    Footprint {
        stack_bytes: stack_bytes(&code, results_bytes),
        flash_bytes: u64::from(code.flash_bytes() + GLUE_FLASH_BYTES) + tables_bytes,
        largest: largest.map_or(NodeId::new(0), |(&layer, _)| layer),
        layers,
        code: Some(code),
        effort: 0.0,
    }
}

fn stack_bytes(code: &Code, results_bytes: u32) -> u32 {
    code.stack_bytes() + results_bytes + GLUE_STACK_BYTES
}
