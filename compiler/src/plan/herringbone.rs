//! Herringbone in place: every map is stored in the order in which its rings
//! are eaten, and its successor follows behind it around the arena's end, so
//! that no layer needs more than its own simulated peak.

use super::{Demand, MemoryPlan, Order, Placement, SimulatedStep, Strategy};

pub(super) fn plan(demand: &Demand<'_>) -> MemoryPlan {
    let order = Order::Herringbone;
    let steps: Vec<SimulatedStep<'_>> = demand
        .steps
        .iter()
        .map(|&(layer, stores)| SimulatedStep::new(layer, stores, order, order))
        .collect();
    let needs: Vec<u32> = steps
        .iter()
        .map(|step| {
            let input_cells = step.layer.input.values();
            if step.stores {
                (input_cells + step.overlap.lead_cells).max(step.layer.output.values())
            } else {
                input_cells
            }
        })
        .collect();
    let intake_need = demand.intake_need(order);
    let least_cells = needs
        .iter()
        .copied()
        .chain([intake_need.need_cells])
        .max()
        .unwrap_or(0);
    let per_byte = demand.cells_per_byte;
    // A ring of that many bytes may leave a few cells idle where a whole pixel
    // does not fit before its end; twice the bytes always do.
    let (arena_bytes, placed) = (least_cells.div_ceil(per_byte)..)
        .find_map(|bytes| Some((bytes, place(demand, &steps, bytes * per_byte)?)))
        .expect("a large enough arena holds every map apart");
    MemoryPlan {
        strategy: Strategy::Herringbone,
        cells_per_byte: per_byte,
        arena_bytes,
        intake: demand.intake(placed.sums_first_byte),
        maps: placed.maps,
        steps: steps
            .iter()
            .zip(needs)
            .map(|(step, need)| step.report(need))
            .collect(),
        intake_need,
    }
}

struct Placed {
    sums_first_byte: u32,
    maps: Vec<Placement>,
}

/// Places every map in an arena of `arena_cells`, or finds no way to.
fn place(demand: &Demand<'_>, steps: &[SimulatedStep<'_>], arena_cells: u32) -> Option<Placed> {
    let first = demand.first_map;
    let per_byte = demand.cells_per_byte;
    let slack = arena_cells.checked_sub(first.values())?;
    let most_channels = steps
        .iter()
        .map(|step| step.layer.output.channels)
        .max()
        .unwrap_or(1);
    byte_aligned_first(0, slack.min(2 * most_channels), per_byte).find_map(|first_cell| {
        let map = Placement::new(first, Order::Herringbone, first_cell, arena_cells);
        let behind = map.end_cell().next_multiple_of(per_byte);
        let sums_first_cell = if behind + demand.sums_cells() <= arena_cells {
            behind
        } else if demand.sums_cells() <= first_cell {
            0
        } else {
            return None;
        };
        Some(Placed {
            sums_first_byte: sums_first_cell / per_byte,
            maps: follow(map, steps, arena_cells, per_byte)?,
        })
    })
}

/// Lets each step's map follow the one it is made from.
fn follow(
    first: Placement,
    steps: &[SimulatedStep<'_>],
    arena_cells: u32,
    per_byte: u32,
) -> Option<Vec<Placement>> {
    let mut maps = vec![first];
    for step in steps.iter().filter(|step| step.stores) {
        let input = *maps.last().expect("the first map is there");
        let output = step.layer.output;
        let behind = input.end_cell();
        let map = byte_aligned_first(behind, output.channels, per_byte)
            .map(|cell| {
                if cell + output.channels > arena_cells {
                    0
                } else {
                    cell
                }
            })
            .filter(|cell| {
                // The part that goes on at cell 0 must end before its own start.
                let map = Placement::new(output, Order::Herringbone, *cell, arena_cells);
                output.channels <= arena_cells && (!map.wraps() || map.end_cell() <= *cell)
            })
            .map(|cell| Placement::new(output, Order::Herringbone, cell, arena_cells))
            .find(|map| !map.overwrites_live(&input, &step.lifetimes))?;
        maps.push(map);
    }
    Some(maps)
}

/// `from..=from + more`, cells that begin a byte before the others: a pixel of
/// an even count of nibbles is then loaded and stored by whole bytes.
fn byte_aligned_first(from: u32, more: u32, per_byte: u32) -> impl Iterator<Item = u32> {
    let cells = move || from..=from + more;
    let aligned = cells().filter(move |cell| cell % per_byte == 0);
    let others = cells().filter(move |cell| cell % per_byte != 0);
    aligned.chain(others)
}
