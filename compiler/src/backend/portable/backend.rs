//! What portable code takes: of flash, its tables alone are known.

use crate::backend::Backend;
use crate::budget::{Footprint, Sums};
use crate::declaration::{CodeChoice, Declaration, WeightsSource};
use crate::network::{Network, Node, NodeId};
use crate::plan::{Arrival, MemoryPlan, Order};
use crate::program::{fixed_table_bytes, parameter_table_bytes};
use crate::stack;
use std::collections::BTreeMap;

/// The backend of every target that has none of its own.
pub(crate) struct Portable;

impl Backend for Portable {
    fn unrolls_weights(&self) -> bool {
        false
    }

    fn counts_code(&self) -> bool {
        false
    }

    fn default_flash_reserve_bytes(&self, _: u32) -> u32 {
        0
    }

    fn footprint(
        &self,
        declaration: &Declaration,
        sums: &Sums<'_>,
        plan: &MemoryPlan,
    ) -> Footprint {
        let network = &declaration.network;
        let largest = network
            .nodes()
            .iter()
            .max_by_key(|layer| layer.weight_count());
        let flash_bytes = network
            .nodes()
            .iter()
            .map(|layer| least_flash_bytes(declaration, sums, layer));
        Footprint {
            stack_bytes: stack::deepest_bytes(declaration, plan, sums.widest),
            flash_bytes: flash_bytes.sum(),
            layers: BTreeMap::new(),
            code: None,
            largest: largest.map_or(NodeId::new(0), |layer| layer.id),
            effort: effort(&declaration.network, plan),
            portable_because: None,
        }
    }
}

/// What a layer takes of flash at the least: its table; as straight-line code, an
/// instruction of two bytes for each weight that is not 0, or a table that is smaller.
/// Parameters that are loaded are in SRAM.
fn least_flash_bytes(declaration: &Declaration, sums: &Sums<'_>, layer: &Node) -> u64 {
    let table_bytes = parameter_table_bytes(layer, declaration.network.bits());
    match (declaration.weights, declaration.code_of(layer.layer)) {
        (WeightsSource::Runtime, _) => fixed_table_bytes(layer),
        (_, CodeChoice::Table | CodeChoice::Fastest) => table_bytes,
        (_, CodeChoice::Unrolled) => match sums.constants {
            Some((weights, _)) => table_bytes.min(2 * weights.nonzero(layer.id)),
            None => table_bytes,
        },
    }
}

/// What a plan costs besides the multiply-accumulates, which all plans share, in
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
