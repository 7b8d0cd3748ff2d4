//! What portable code takes: of flash, its tables alone are known.

use crate::backend::Backend;
use crate::budget::{Footprint, Sums};
use crate::declaration::{CodeChoice, Declaration, WeightsSource};
use crate::network::{Network, Node, NodeId};
use crate::plan::{Arrival, MemoryPlan, Order};
use crate::program::parameter_table_bytes;
use crate::stack;
use std::collections::BTreeMap;

/// The backend of every target that has none of its own.
pub(crate) struct Portable;

impl Backend for Portable {
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
