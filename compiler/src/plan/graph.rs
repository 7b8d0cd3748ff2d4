//! Plans of any graph: jobs in an order, every stored map and all that segments
//! keep at addresses found by [`arena_search`].

use super::arena_search::{
    self, ArenaDemand, ArenaObject, ArenaPlacement, InPlacePair, JobDirection,
};
use super::schedule::{Work, lead_cells, schedule};
use super::segment::SegmentPlan;
use super::{
    JobPlan, LayerPlan, MemoryPlan, Need, Order, Place, Placement, Strategy, SumBytes,
    cursor_pixel_bytes,
};
use crate::network::{ByValue, ValueId};
use crate::plan::Dataflow;
use std::collections::BTreeMap;
use std::ops::Range;

/// Plans a network; `None` where the first nodes can't be computed as the input
/// arrives.
pub(super) fn plan(
    flow: &Dataflow,
    sum_bytes: &SumBytes,
    strategy: Strategy,
) -> Option<MemoryPlan> {
    let works = schedule(flow, sum_bytes, strategy)?;
    let layout = ArenaLayout::new(flow, &works);
    Some(layout.place(strategy, works))
}

/// What is to be placed.
struct ArenaLayout<'a> {
    flow: &'a Dataflow,
    cells_per_byte: u32,
    objects: Vec<ArenaObject>,
    pairs: Vec<InPlacePair>,
    /// The object of each value that is stored whole.
    maps: BTreeMap<ValueId, usize>,
    /// The object of what each job keeps beside them.
    scratch: Vec<Option<usize>>,
}

impl<'a> ArenaLayout<'a> {
    fn new(flow: &'a Dataflow, works: &[Work]) -> Self {
        let mut layout = Self {
            flow,
            cells_per_byte: 8 / flow.activation_bits(),
            objects: Vec::new(),
            pairs: Vec::new(),
            maps: BTreeMap::new(),
            scratch: vec![None; works.len()],
        };
        for (value, _) in flow.other_sources() {
            layout.store(value, 0, works);
        }
        for (job, work) in works.iter().enumerate() {
            for value in layout.stored(work) {
                layout.store(value, job, works);
            }
            if let Work::Segment(draft) = work
                && draft.bytes > 0
            {
                layout.scratch[job] = Some(layout.objects.len());
                layout.objects.push(ArenaObject {
                    cells: draft.cells(),
                    alignment_cells: layout.cells_per_byte,
                    first_job: job,
                    last_job: job,
                });
            }
        }
        for (job, work) in works.iter().enumerate() {
            layout.pair(job, work);
        }
        layout
    }

    /// A value that is stored whole, from that job on.
    fn store(&mut self, value: ValueId, job: usize, works: &[Work]) {
        let of_value = self.flow.value(value);
        if let Some(kept) = of_value.kept_in.filter(|&kept| kept != value) {
            self.maps.insert(value, self.maps[&kept]);
            return;
        }
        let mut readers = (job..works.len()).rev();
        let last_read = readers.find(|&later| self.read(&works[later]).contains(&value));
        self.maps.insert(value, self.objects.len());
        self.objects.push(ArenaObject {
            cells: of_value.shape.values(),
            alignment_cells: self.cells_per_byte,
            first_job: job,
            last_job: match self.lasts(value) {
                true => works.len() - 1,
                false => last_read.unwrap_or(job),
            },
        });
    }

    /// Whether a value is there when all is done.
    fn lasts(&self, value: ValueId) -> bool {
        self.flow.is_output(value) || self.flow.is_kept(value)
    }

    /// The values that a job stores whole.
    fn stored(&self, work: &Work) -> Vec<ValueId> {
        match work {
            Work::Segment(draft) => draft.stores.clone(),
            Work::Layer(node) if self.flow.is_exact(*node) => Vec::new(),
            Work::Layer(node) => vec![self.flow.node(*node).writes],
        }
    }

    /// The values that a job reads.
    fn read(&self, work: &Work) -> Vec<ValueId> {
        let flow = self.flow;
        match work {
            Work::Segment(draft) => {
                let nodes = draft.stages.iter().map(|stage| flow.node(stage.node));
                nodes.flat_map(|node| node.reads.clone()).collect()
            }
            Work::Layer(node) => flow.node(*node).reads.clone(),
        }
    }

    /// The outputs of a job that may overwrite what it is the last to read.
    fn pair(&mut self, job: usize, work: &Work) {
        let mut pairs = Vec::new();
        for value in self.read(work) {
            let Some(&input) = self.maps.get(&value) else {
                continue;
            };
            let object = &self.objects[input];
            let dies = object.first_job < job && object.last_job == job && !self.lasts(value);
            if !dies || pairs.iter().any(|pair: &InPlacePair| pair.input == input) {
                continue;
            }
            let made = self.stored(work).into_iter();
            for written in made.filter(|&value| !self.flow.is_kept(value)) {
                let of_layer = |backward: bool| match work {
                    Work::Segment(_) => None,
                    Work::Layer(node) => {
                        let node = self.flow.node(*node);
                        let reads = node.reads.iter().enumerate();
                        let leads = reads
                            .filter(|&(_, &read)| read == value)
                            .map(|(index, _)| lead_cells(self.flow, node, index, backward));
                        leads.max()
                    }
                };
                pairs.push(InPlacePair {
                    input,
                    output: self.maps[&written],
                    forward_lead_cells: match work {
                        Work::Segment(draft) => Some(draft.lead_cells(self.flow, value, written)),
                        Work::Layer(_) => of_layer(false),
                    },
                    backward_lead_cells: of_layer(true),
                });
            }
        }
        self.pairs.append(&mut pairs);
    }

    fn place(self, strategy: Strategy, works: Vec<Work>) -> MemoryPlan {
        let flow = self.flow;
        let demand = ArenaDemand {
            objects: self.objects.clone(),
            pairs: self.pairs.clone(),
            granule_cells: self.cells_per_byte,
        };
        let found = arena_search::place(&demand, arena_search::LOOKS);
        let arena_cells = found.arena_cells;
        let mut places = ByValue::new(vec![Place::Nowhere; flow.values().len()]);
        for (&value, &object) in &self.maps {
            let shape = flow.value(value).shape;
            let first_cell = found.first_cells[object];
            let placement = Placement::new(shape, Order::RowMajor, first_cell, arena_cells);
            places[value] = Place::Whole(placement);
        }
        let mut positions = 0;
        let mut intake = None;
        let mut jobs = Vec::with_capacity(works.len());
        for (job, work) in works.into_iter().enumerate() {
            let need = self.need(job, &work, &found);
            jobs.push(match work {
                Work::Segment(mut draft) => {
                    if let Some(object) = self.scratch[job] {
                        draft.move_to(found.first_cells[object] / self.cells_per_byte);
                    }
                    for &(value, place) in &draft.places {
                        places[value] = place;
                    }
                    positions = positions.max(draft.positions);
                    intake = intake.or(draft.intake);
                    JobPlan::Segment(SegmentPlan {
                        arriving: draft.arriving,
                        grid: draft.grid,
                        stages: draft.stages,
                        need,
                    })
                }
                Work::Layer(node) => JobPlan::Layer(LayerPlan {
                    node,
                    // Of jobs in which nothing is stored there is no direction.
                    order: match found.directions.get(job) {
                        Some(JobDirection::Backward) => Order::RowMajorBackward,
                        Some(JobDirection::Forward) | None => Order::RowMajor,
                    },
                    need,
                }),
            });
        }
        let grid = match &jobs[0] {
            JobPlan::Segment(arriving) => arriving.grid,
            JobPlan::Layer(_) => unreachable!("the first job takes the input in"),
        };
        MemoryPlan {
            strategy,
            cells_per_byte: self.cells_per_byte,
            arena_bytes: arena_cells / self.cells_per_byte,
            places,
            intake: intake.expect("the input goes somewhere"),
            jobs,
            positions,
            cursor_pixel_bytes: cursor_pixel_bytes(flow.input(), grid),
        }
    }

    /// What a job needs: from the first cell to the last of all that is alive.
    fn need(&self, job: usize, work: &Work, found: &ArenaPlacement) -> Need {
        let alive = |object: &ArenaObject| object.first_job <= job && job <= object.last_job;
        let objects = || {
            let objects = self.objects.iter().zip(&found.first_cells);
            objects.filter(|(object, _)| alive(object))
        };
        let first = objects().map(|(_, &first)| first).min().unwrap_or(0);
        let end = objects().map(|(object, &first)| first + object.cells).max();
        let is_output =
            |index: usize| self.objects[index].first_job == job && self.scratch[job] != Some(index);
        let ranges = |outputs: bool| {
            let objects = self.objects.iter().zip(&found.first_cells).enumerate();
            objects
                .filter(move |&(index, (object, _))| {
                    alive(object) && (outputs || !is_output(index))
                })
                .map(|(_, (object, &first))| first..first + object.cells)
        };
        let live_input_cells = covered_cells(ranges(false));
        let node = match work {
            Work::Segment(draft) => draft.largest(),
            Work::Layer(node) => Some(*node),
        };
        Need {
            node: node.unwrap_or(self.flow.nodes()[0].id),
            cells: end.unwrap_or(first) - first,
            live_input_cells,
            // Those that lie where an input does are counted as the input's.
            live_output_cells: covered_cells(ranges(true)) - live_input_cells,
        }
    }
}

/// Cells that lie in one range at least.
fn covered_cells(ranges: impl Iterator<Item = Range<u32>>) -> u32 {
    let mut ranges: Vec<Range<u32>> = ranges.collect();
    ranges.sort_unstable_by_key(|range| range.start);
    let mut end = 0;
    let mut cells = 0;
    for range in ranges {
        cells += range.end.saturating_sub(range.start.max(end));
        end = end.max(range.end);
    }
    cells
}
