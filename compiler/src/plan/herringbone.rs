//! Herringbone in place: every map is stored in the order in which its lines
//! are eaten, and its successor follows it around the arena's end, so
//! that no layer needs more than its own simulated peak.

use super::{ChainDemand, MemoryPlan, Order, Placement, SimulatedStep};

pub(super) fn plan(demand: &ChainDemand<'_>) -> MemoryPlan {
    let steps = simulate(demand);
    let least_bytes = least_bytes_of(demand, &steps);
    let per_byte = demand.cells_per_byte;
    let search = Search::new(&steps, per_byte);
    // A ring of that many bytes may leave a few cells idle where a whole pixel
    // does not fit before its end; a part more always holds every map.
    let (arena_bytes, placed) = (least_bytes..)
        .step_by(1 + least_bytes as usize / 1024)
        .find_map(|bytes| Some((bytes, search.place(demand, &steps, bytes * per_byte)?)))
        .expect("a large enough arena holds every map apart");
    let reports = steps.iter().map(SimulatedStep::report).collect();
    demand.plan(arena_bytes, placed.stream_first_byte, placed.maps, reports)
}

pub(super) fn least_bytes(demand: &ChainDemand<'_>) -> u32 {
    least_bytes_of(demand, &simulate(demand))
}

fn simulate<'a>(demand: &ChainDemand<'a>) -> Vec<SimulatedStep<'a>> {
    let order = Order::Herringbone;
    demand
        .steps
        .iter()
        .map(|&(node, stores)| SimulatedStep::new(node, stores, order, order))
        .collect()
}

fn least_bytes_of(demand: &ChainDemand<'_>, steps: &[SimulatedStep<'_>]) -> u32 {
    let stream_cells = demand.stream_need().cells;
    let needs = steps.iter().map(SimulatedStep::need_cells);
    let least_cells = needs.chain([stream_cells]).max().unwrap_or(0);
    least_cells.div_ceil(demand.cells_per_byte)
}

struct Placed {
    stream_first_byte: u32,
    maps: Vec<Placement>,
}

/// Looks at places of maps in all, for each that is taken at one map.
const LOOKS_PER_TRY: usize = 32;

/// What a search may take.
enum Effort {
    /// The nearest place of each map, whatever that means to later ones.
    Nearest,
    /// So many more looks at places, with second thoughts.
    Looks(usize),
}

impl Effort {
    fn has_a_look(&mut self) -> bool {
        match self {
            Effort::Nearest => true,
            Effort::Looks(left) => match left.checked_sub(1) {
                Some(fewer) => {
                    *left = fewer;
                    true
                }
                None => false,
            },
        }
    }
}

/// How far the placement of maps is searched.
struct Search {
    cells_per_byte: u32,
    /// First cells that are tried for a map: all that can matter for small
    /// networks, fewer for those whose simulation takes long.
    tries: usize,
}

impl Search {
    fn new(steps: &[SimulatedStep<'_>], cells_per_byte: u32) -> Self {
        let events: usize = steps.iter().map(|step| step.lifetimes.outputs.len()).sum();
        let tries = (40_000 / events.max(1)).clamp(3, 512);
        Self {
            cells_per_byte,
            tries,
        }
    }

    /// Places every map in an arena of `arena_cells`, or finds no way to: each map
    /// as near after the one before it as it can be, or else, where that leaves no
    /// place to a later one, a little further away.
    fn place(
        &self,
        demand: &ChainDemand<'_>,
        steps: &[SimulatedStep<'_>],
        arena_cells: u32,
    ) -> Option<Placed> {
        let stored: Vec<_> = steps.iter().filter(|step| step.stores).collect();
        let nearest = self.place_within(demand, &stored, arena_cells, &mut Effort::Nearest);
        nearest.or_else(|| {
            let mut effort = Effort::Looks(LOOKS_PER_TRY * self.tries);
            self.place_within(demand, &stored, arena_cells, &mut effort)
        })
    }

    fn place_within(
        &self,
        demand: &ChainDemand<'_>,
        steps: &[&SimulatedStep<'_>],
        arena_cells: u32,
        effort: &mut Effort,
    ) -> Option<Placed> {
        let first = demand.first_map();
        let slack = arena_cells.checked_sub(first.values())?;
        let channels = steps.iter().map(|step| step.node.output.channels);
        let more = slack.min(2 * channels.max().unwrap_or(1));
        let as_it_is = |cell| cell;
        self.first_cells(0, more, as_it_is).find_map(|first_cell| {
            let map = Placement::new(first, Order::Herringbone, first_cell, arena_cells);
            let after_map = map.end_cell().next_multiple_of(self.cells_per_byte);
            let stream_first_cell = if after_map + demand.stream_cells() <= arena_cells {
                after_map
            } else if demand.stream_cells() <= first_cell {
                0
            } else {
                return None;
            };
            let mut maps = vec![map];
            self.follow(&mut maps, steps, arena_cells, effort)
                .then_some(Placed {
                    stream_first_byte: stream_first_cell / self.cells_per_byte,
                    maps,
                })
        })
    }

    /// Lets each step's map follow the one it is made from.
    fn follow(
        &self,
        maps: &mut Vec<Placement>,
        steps: &[&SimulatedStep<'_>],
        arena_cells: u32,
        effort: &mut Effort,
    ) -> bool {
        let Some((step, later)) = steps.split_first() else {
            return true;
        };
        let input = *maps.last().expect("the first map is there");
        let output = step.node.output;
        // A pixel that does not fit before the end begins the ring.
        let wrapped = (arena_cells + 1).saturating_sub(output.channels);
        let nearest = input.end_cell().min(wrapped);
        let ring = |cell: u32| cell.checked_sub(wrapped).unwrap_or(cell);
        for cell in self.first_cells(nearest, output.channels, ring) {
            let map = Placement::new(output, Order::Herringbone, cell, arena_cells);
            // What goes on at cell 0 must end before the map's own start.
            if map.wraps() && map.end_cell() > map.first_cell {
                continue;
            }
            if !effort.has_a_look() {
                return false;
            }
            if map.overwrites_live(&input, &step.lifetimes) {
                continue;
            }
            maps.push(map);
            if self.follow(maps, later, arena_cells, effort) {
                return true;
            }
            maps.pop();
            if matches!(effort, Effort::Nearest) {
                return false;
            }
        }
        false
    }

    /// Where `ring` has `from..=from + more`, cells that begin a byte before the
    /// others: a pixel of an even count of nibbles is then loaded and stored by
    /// whole bytes.
    fn first_cells(
        &self,
        from: u32,
        more: u32,
        ring: impl Fn(u32) -> u32 + Copy,
    ) -> impl Iterator<Item = u32> {
        let per_byte = self.cells_per_byte;
        let cells = move || (from..=from + more).map(ring);
        let aligned = cells().filter(move |cell| cell % per_byte == 0);
        let others = cells().filter(move |cell| cell % per_byte != 0);
        aligned.chain(others).take(self.tries)
    }
}
