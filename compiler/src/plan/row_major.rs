//! Row-major in place, without a single wrap: feature maps lie at the two ends
//! of the arena in turn. A map at the high end is eaten from its first row and
//! its successor grows from the low end; a map at the low end is eaten from its
//! last row and its successor grows downwards from the high end.

use super::{ChainDemand, LayerPlan, MemoryPlan, Order, Placement, SimulatedStep};
use crate::network::Shape;

#[derive(Clone, Copy, PartialEq)]
enum End {
    Low,
    High,
}

pub(super) fn plan(demand: &ChainDemand<'_>) -> MemoryPlan {
    let from_high = plan_from(demand, End::High);
    let from_low = plan_from(demand, End::Low);
    if from_low.arena_bytes < from_high.arena_bytes {
        from_low
    } else {
        from_high
    }
}

fn plan_from(demand: &ChainDemand<'_>, first: End) -> MemoryPlan {
    let per_byte = demand.cells_per_byte;
    let mut end = first;
    let mut steps: Vec<LayerPlan> = Vec::new();
    let mut most_cells = demand.stream_need().cells.max(
        // What streams comes first, whole bytes of it, and then its output.
        demand.stream_cells() + demand.first_map().values().next_multiple_of(per_byte),
    );
    let mut stored = vec![(demand.first_map(), end)];
    for &(node, stores) in &demand.steps {
        let order = match end {
            End::High => Order::RowMajor,
            End::Low => Order::RowMajorBackward,
        };
        let step = SimulatedStep::new(node, stores, Order::RowMajor, order);
        most_cells = most_cells.max(fitting_cells(&step, end, per_byte));
        if stores {
            end = match end {
                End::High => End::Low,
                End::Low => End::High,
            };
            stored.push((node.output, end));
        }
        steps.push(step.report());
    }
    let arena_cells = most_cells.next_multiple_of(per_byte);
    let first_cell = |(map, end): (Shape, End)| match end {
        End::Low => 0,
        End::High => (arena_cells - map.values()) / per_byte * per_byte,
    };
    let stream_first_byte = match first {
        End::High => 0,
        End::Low => arena_cells / per_byte - demand.draft.bytes,
    };
    let maps = stored
        .iter()
        .map(|&map| Placement::new(map.0, Order::RowMajor, first_cell(map), arena_cells))
        .collect();
    demand.plan(arena_cells / per_byte, stream_first_byte, maps, steps)
}

/// Cells in which a step whose input lies at that end has its output at the other
/// one, the higher map beginning on a byte.
fn fitting_cells(step: &SimulatedStep<'_>, end: End, per_byte: u32) -> u32 {
    let (input, lead) = (step.node.input.values(), step.overlap.lead_cells);
    if !step.stores {
        return input;
    }
    let output = step.node.output.values();
    let (higher, below) = match end {
        End::High => (input, lead),
        // The same from the other end: what lies below the output is where the input
        // begins to be free.
        End::Low => (output, (input + lead).saturating_sub(output)),
    };
    (higher + below.next_multiple_of(per_byte)).max(step.need_cells())
}
