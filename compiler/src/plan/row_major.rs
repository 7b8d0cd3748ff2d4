//! Row-major in place, without a single wrap: feature maps lie at the two ends
//! of the arena in turn. A map at the high end is eaten from its first row and
//! its successor grows from the low end; a map at the low end is eaten from its
//! last row and its successor grows downwards from the high end.

use super::{Demand, LayerPlan, MemoryPlan, Order, Placement, SimulatedStep};
use crate::network::Shape;

#[derive(Clone, Copy, PartialEq)]
enum End {
    Low,
    High,
}

pub(super) fn plan(demand: &Demand<'_>) -> MemoryPlan {
    let from_high = plan_from(demand, End::High);
    let from_low = plan_from(demand, End::Low);
    if from_low.arena_bytes < from_high.arena_bytes {
        from_low
    } else {
        from_high
    }
}

fn plan_from(demand: &Demand<'_>, first: End) -> MemoryPlan {
    let per_byte = demand.cells_per_byte;
    let mut end = first;
    let mut steps: Vec<LayerPlan> = Vec::new();
    let mut stored = vec![(demand.first_map(), end)];
    for &(layer, stores) in &demand.steps {
        let order = match end {
            End::High => Order::RowMajor,
            End::Low => Order::RowMajorBackward,
        };
        let step = SimulatedStep::new(layer, stores, Order::RowMajor, order);
        if stores {
            end = match end {
                End::High => End::Low,
                End::Low => End::High,
            };
            stored.push((layer.output, end));
        }
        steps.push(step.report());
    }
    let most_cells = steps
        .iter()
        .map(|step| step.need_cells)
        .chain([demand.stream_need().need_cells])
        .max();
    // One cell more where a map of an odd count of nibbles is at the high end,
    // so that every map begins on a byte.
    let arena_cells = fitting_cells(demand, &stored, &steps, most_cells.unwrap_or(0));
    let first_cell = |(map, end): (Shape, End)| match end {
        End::Low => 0,
        End::High => (arena_cells - map.values()) / per_byte * per_byte,
    };
    let stream_first_byte = match first {
        End::High => 0,
        End::Low => arena_cells / per_byte - demand.stream.bytes,
    };
    let maps = stored
        .iter()
        .map(|&map| Placement::new(map.0, Order::RowMajor, first_cell(map), arena_cells))
        .collect();
    demand.plan(arena_cells / per_byte, stream_first_byte, maps, steps)
}

/// Whole bytes in which every layer fits, its high map rounded down to a byte.
fn fitting_cells(
    demand: &Demand<'_>,
    stored: &[(Shape, End)],
    steps: &[LayerPlan],
    most_cells: u32,
) -> u32 {
    let per_byte = demand.cells_per_byte;
    let odd = |map: Shape| map.values() % per_byte;
    let padded = steps.iter().enumerate().map(|(index, step)| {
        let high = stored[index..]
            .iter()
            .take(2)
            .find(|(_, end)| *end == End::High);
        step.need_cells + high.map_or(0, |(map, _)| odd(*map))
    });
    let stream = demand.stream_cells() + stored[0].0.values().next_multiple_of(per_byte);
    padded
        .chain([most_cells, stream])
        .max()
        .unwrap_or(0)
        .next_multiple_of(per_byte)
}
