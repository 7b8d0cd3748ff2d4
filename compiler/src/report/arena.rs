//! What the arena holds at each moment: what pictures and charts are made of.

use super::drawn::Drawn;
use crate::backend::interpreter::{self, Occupant, ProgramPart, Timeline};
use crate::network::{Network, NodeId, Shape, ValueId};
use crate::plan::{Dataflow, FlowNode};
use crate::program::{Job, Program};
use crate::tflite::Model;
use std::ops::Range;

/// An inference as the arena sees it.
#[derive(Clone, Debug)]
pub struct ArenaOverTime {
    /// Whose values the arena holds, in the order of computing.
    pub owners: Vec<Owner>,
    /// What runs, from the first event to the last.
    pub phases: Vec<Phase>,
    /// Everything that is ever stored.
    pub blocks: Vec<Block>,
    /// The moment at which most is alive.
    pub peak: Peak,
    /// Bytes of the arena.
    pub arena_bytes: u32,
    /// Cells of a byte: 2 or 1.
    pub cells_per_byte: u32,
    /// By event, when it begins; and when the last one ends. Time is counted in
    /// values that are read and written.
    times: Vec<u64>,
    /// By owner and event, how many of its cells are alive after the event.
    live_cells: Vec<Vec<u32>>,
}

/// A layer, or the input, that makes values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// `None` for the input's bytes, shortened to activations.
    pub layer: Option<NodeId>,
    /// As the declaration writes it, without arguments that have names, or `input`.
    pub name: String,
    /// What it makes.
    pub output: Shape,
}

/// A run of events that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// The layer that is computed; `None` while the input arrives.
    pub layer: Option<NodeId>,
    pub events: Range<u32>,
}

/// Neighbouring cells that are stored and die together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The cells of the arena.
    pub cells: Range<u32>,
    /// Whose values, by position among the owners.
    pub owner: usize,
    /// Whether they are sums, or largest values so far, that are not complete, or
    /// are the results.
    pub is_partial: bool,
    /// The event that stores them.
    pub born: u32,
    /// The last event that reads them.
    pub dies: u32,
}

/// A moment at which most is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peak {
    /// The first such event: what it has stored is alive, and what it has read
    /// for the last time is not.
    pub event: u32,
    /// What runs then: an owner.
    pub owner: usize,
    /// Cells that are alive.
    pub live_cells: u32,
    /// By owner, how many of them are its.
    pub cells_by_owner: Vec<u32>,
}

/// Values that an inference may read and write for its arena to be followed: about half
/// a gigabyte of what is alive when.
const MOST_VALUES_FOLLOWED: u64 = 10_000_000;

impl ArenaOverTime {
    /// Of a program of that network; `None` where the network is so large that following
    /// each of its values takes too much memory.
    ///
    /// # Panics
    /// Where the program overwrites what it still reads: no lowered plan does.
    pub fn of(network: &Network, program: &Program) -> Option<Self> {
        Self::of_drawn(&Drawn::network(network), program)
    }

    /// Of a program of that model, as of a network's.
    ///
    /// # Panics
    /// Where the program overwrites what it still reads: no lowered plan does.
    pub fn of_model(model: &Model, program: &Program) -> Option<Self> {
        Self::of_drawn(&Drawn::model(model), program)
    }

    fn of_drawn(drawn: &Drawn, program: &Program) -> Option<Self> {
        if drawn.values_read_and_written() > MOST_VALUES_FOLLOWED {
            return None;
        }
        let timeline = interpreter::timeline(program);
        let owners = owners(drawn, program);
        let events = timeline.events.len();
        let mut live_cells = vec![vec![0; events]; owners.len()];
        let blocks = blocks(&drawn.flow, &owners, &timeline);
        for block in &blocks {
            // Changes first, then their running sums.
            let live = &mut live_cells[block.owner];
            let cells = block.cells.end - block.cells.start;
            live[block.born as usize] = u32::wrapping_add(live[block.born as usize], cells);
            live[block.dies as usize] = u32::wrapping_sub(live[block.dies as usize], cells);
        }
        for live in &mut live_cells {
            let mut sum = 0u32;
            for change in live {
                sum = sum.wrapping_add(*change);
                *change = sum;
            }
        }
        let mut times = vec![0];
        for &stage in &timeline.events {
            let before = times[times.len() - 1];
            times.push(before + values_moved(&drawn.flow, program, stage));
        }
        let peak = peak(&owners, &timeline, &live_cells);
        Some(Self {
            phases: phases(program, &timeline),
            owners,
            blocks,
            peak,
            arena_bytes: program.arena_bytes,
            cells_per_byte: 8 / program.activation_bits,
            times,
            live_cells,
        })
    }

    /// The owner of what a node makes, or of the input.
    pub fn owner_of(&self, node: Option<NodeId>) -> usize {
        owner_of(&self.owners, node)
    }

    /// Events of an inference.
    pub fn events(&self) -> u32 {
        self.times.len() as u32 - 1
    }

    /// When an event ends, as a share of the whole time; what it stores is there
    /// from then on.
    pub fn end_of(&self, event: u32) -> f64 {
        self.share(event + 1)
    }

    /// When an event begins, as a share of the whole time.
    pub fn start_of(&self, event: u32) -> f64 {
        self.share(event)
    }

    fn share(&self, boundary: u32) -> f64 {
        let all = self.values_moved().max(1);
        self.times[boundary as usize] as f64 / all as f64
    }

    /// The whole time: values that are read and written.
    pub fn values_moved(&self) -> u64 {
        self.times[self.times.len() - 1]
    }

    /// Bytes of that many cells.
    pub fn bytes(&self, cells: u32) -> f64 {
        f64::from(cells) / f64::from(self.cells_per_byte)
    }

    /// Cells that are alive after an event.
    pub fn live_cells(&self, event: u32) -> u32 {
        let live = self.live_cells.iter();
        live.map(|owner| owner[event as usize]).sum()
    }

    /// The most cells that are alive in each of `columns` equal parts of the time.
    pub fn live_cells_by_column(&self, columns: usize) -> Vec<u32> {
        let mut most = vec![0; columns];
        let column = |share: f64| ((share * columns as f64) as usize).min(columns - 1);
        let mut before = 0;
        for event in 0..self.events() {
            for live in &mut most[column(self.start_of(event))..=column(self.end_of(event))] {
                *live = before.max(*live);
            }
            before = self.live_cells(event);
            let live = &mut most[column(self.end_of(event))];
            *live = before.max(*live);
        }
        most
    }
}

/// Owner 0 is the input, or the leading `A`; the others are the streamed layers,
/// then those after them.
fn owners(drawn: &Drawn, program: &Program) -> Vec<Owner> {
    let first = match program.intake.pool {
        Some(pool) => layer_owner(drawn, pool.node),
        None => Owner {
            layer: None,
            name: "input".to_owned(),
            output: program.input,
        },
    };
    let nodes = program.jobs.iter().flat_map(|job| match job {
        Job::Segment(segment) => segment
            .stages
            .iter()
            .map(|stage| stage.plan.node)
            .collect::<Vec<_>>(),
        Job::Layer(step) => vec![step.node],
    });
    let others = nodes.map(|layer| layer_owner(drawn, layer));
    [first].into_iter().chain(others).collect()
}

fn layer_owner(drawn: &Drawn, layer: NodeId) -> Owner {
    Owner {
        layer: Some(layer),
        name: drawn.node(layer).short_name.clone(),
        output: drawn.flow.node(layer).output,
    }
}

/// The owner of what a node makes; that of the input is the first one.
pub(super) fn owner_of(owners: &[Owner], node: Option<NodeId>) -> usize {
    let owner = owners.iter().position(|owner| owner.layer == node);
    owner.unwrap_or(0)
}

fn blocks(flow: &Dataflow, owners: &[Owner], timeline: &Timeline) -> Vec<Block> {
    let blocks = timeline.lifespans.iter().map(|lifespan| {
        let (owner, is_partial) = match lifespan.occupant {
            Occupant::Map(map) => (maker_of(flow, map), false),
            Occupant::Partial { keeper } => (Some(keeper), true),
        };
        let owner = owner_of(owners, owner);
        Block {
            cells: lifespan.cells.clone(),
            owner,
            is_partial,
            born: lifespan.born,
            dies: lifespan.dies,
        }
    });
    blocks.collect()
}

/// The node that makes a value; of what is kept from the last inference, the one that then made it.
pub(super) fn maker_of(flow: &Dataflow, value: ValueId) -> Option<NodeId> {
    let made = flow.value(value);
    let replaces = |node: &&FlowNode| node.replaces == made.kept_in;
    let last = || {
        flow.computing_nodes()
            .rev()
            .find(replaces)
            .map(|node| node.id)
    };
    made.maker.or_else(|| made.kept_in.and_then(|_| last()))
}

fn peak(owners: &[Owner], timeline: &Timeline, live_cells: &[Vec<u32>]) -> Peak {
    let live = |event: usize| live_cells.iter().map(|owner| owner[event]).sum::<u32>();
    let events = 0..timeline.events.len();
    // The first of equals.
    let event = events.rev().max_by_key(|&event| live(event)).unwrap_or(0);
    let layer = match timeline.events[event] {
        ProgramPart::Layer(layer) => Some(layer),
        ProgramPart::Intake | ProgramPart::Results => None,
    };
    let running = owners.iter().position(|owner| owner.layer == layer);
    Peak {
        event: event as u32,
        owner: running.unwrap_or(0),
        live_cells: live(event),
        cells_by_owner: live_cells.iter().map(|owner| owner[event]).collect(),
    }
}

/// While the input arrives, the streamed layers are computed too.
fn phases(program: &Program, timeline: &Timeline) -> Vec<Phase> {
    let streams = |node| {
        let mut stages = program.stages().iter();
        stages.any(|stage| stage.plan.node == node)
    };
    let mut phases: Vec<Phase> = Vec::new();
    for (event, &stage) in (0..).zip(&timeline.events) {
        let layer = match stage {
            ProgramPart::Layer(layer) if !streams(layer) => Some(layer),
            ProgramPart::Layer(_) | ProgramPart::Intake => None,
            // It moves nothing that takes any time.
            ProgramPart::Results => phases.last().and_then(|phase| phase.layer),
        };
        match phases.last_mut().filter(|phase| phase.layer == layer) {
            Some(phase) => phase.events.end = event + 1,
            None => phases.push(Phase {
                layer,
                events: event..event + 1,
            }),
        }
    }
    phases
}

/// Values that an event reads and writes: a measure of time that any target's code
/// comes near.
fn values_moved(flow: &Dataflow, program: &Program, stage: ProgramPart) -> u64 {
    let id = match stage {
        ProgramPart::Intake => return 2,
        ProgramPart::Results => return 0,
        ProgramPart::Layer(id) => id,
    };
    let layer = flow.node(id);
    if layer.moves() {
        return u64::from(2 * layer.output.values());
    }
    if let Some(steps) = layer.steps() {
        // What is taken in, and the states as they were and as they are.
        return u64::from(steps.taken.kernel.taps() * layer.input.channels + 2 * steps.states);
    }
    let (inputs, outputs) = (layer.input.channels, layer.output.channels);
    let taps = layer.field().kernel.taps();
    let mut stages = program.all_stages();
    let takes = stages.any(|stage| stage.plan.node == id && stage.plan.takes);
    u64::from(match (takes, layer.is_dense()) {
        // A pixel, into every sum.
        (true, true) => inputs + 2 * outputs,
        // A pixel, into its window.
        (true, false) => 2 * inputs,
        (false, true) => taps * inputs + 1,
        (false, false) => taps * inputs + outputs,
    })
}
