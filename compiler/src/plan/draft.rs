//! From nodes to a segment: what each keeps, and in how many bytes.

mod layout;
mod outline;
mod relocation;
mod timetable;

pub(super) use outline::{SegmentOutline, field_of_read};

use super::place::Place;
use super::segment::{Sink, StagePlan};
use super::simulation::Simulation;
use crate::network::{Kernel, NodeId, ValueId};
use crate::plan::{Dataflow, FlowNode};
use layout::SegmentLayout;

/// A segment laid out from byte 0 on.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) arriving: bool,
    pub(super) grid: Kernel,
    pub(super) stages: Vec<StagePlan>,
    /// Bytes of all that it keeps beside whole maps.
    pub(super) bytes: u32,
    /// Positions of the cursor that it needs.
    pub(super) positions: u32,
    /// Where the values are that it makes, but for whole ones.
    pub(super) places: Vec<(ValueId, Place)>,
    /// The values that it stores whole.
    pub(super) stores: Vec<ValueId>,
    /// Where the pixels of an arriving input go.
    pub(super) intake: Option<Sink>,
    /// When what it reads and stores whole is used.
    simulation: Simulation,
    cells_per_byte: u32,
}

impl Draft {
    /// Lays a segment out; `None` where its nodes can't be computed together: they
    /// do not hang together, or joins would meet at different strides.
    pub(super) fn new(outline: &SegmentOutline<'_>) -> Option<Self> {
        // What is moved must be complete.
        if outline.nodes().any(FlowNode::moves) {
            return None;
        }
        let used = outline.used_shapes();
        let timings = timetable::timings(outline, &used)?;
        let grid = timings
            .values()
            .map(|timing| timing.grid())
            .reduce(|a, b| Kernel {
                height: a.height.max(b.height),
                width: a.width.max(b.width),
            })
            .unwrap_or(Kernel::square(1));
        let mut layout = SegmentLayout::new(outline, &used);
        let mut stages: Vec<StagePlan> = Vec::new();
        // First how everything is read, without places; then, as the simulation
        // says how much of it is alive, the places.
        let readers = timetable::readers(outline, &used, &timings);
        let simulation = Simulation::of(outline, &used, &timings, &readers);
        for (reader, node) in readers.iter().zip(outline.nodes()) {
            let stage = layout.stage(node, reader, &timings, &simulation, &stages);
            stages.push(stage);
        }
        layout.own_positions(&mut stages, &simulation, &readers);
        let sinks = layout.sinks(&mut stages);
        Some(Self {
            arriving: outline.arriving,
            grid,
            stages,
            bytes: layout.bytes,
            positions: layout.positions,
            places: layout.places,
            stores: outline.stores.clone(),
            intake: sinks,
            simulation,
            cells_per_byte: layout.cells_per_byte,
        })
    }

    /// The node that keeps the most, the first of equals.
    pub(super) fn largest(&self) -> Option<NodeId> {
        let cells = |stage: &&StagePlan| std::cmp::Reverse(stage.cells(self.cells_per_byte));
        self.stages.iter().min_by_key(cells).map(|stage| stage.node)
    }

    /// Cells of all that it keeps beside whole maps.
    pub(super) fn cells(&self) -> u32 {
        self.bytes * self.cells_per_byte
    }

    /// Cells by which the first pixel of `output`, which it stores, must come before
    /// the first one of `input`, which it reads.
    pub(super) fn lead_cells(&self, flow: &Dataflow, input: ValueId, output: ValueId) -> u32 {
        let channels = |value: ValueId| flow.value(value).shape.channels;
        let (input, output) = ((input, channels(input)), (output, channels(output)));
        self.simulation.lead_cells(input, output)
    }
}
