//! When each cell of the arena holds what: for pictures, and for tools that want
//! to see what a plan does.

use super::Machine;
use super::fault::{Content, ProgramPart};
use super::schedule::{Event, stage_at, step_at};
use crate::network::{NodeId, ValueId};
use crate::program::Program;
use std::collections::BTreeMap;
use std::ops::Range;

/// An inference as the arena sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// What runs, by event: a byte of the raw input, an output pixel, one output
    /// of a dense layer; of a streamed pooling or dense layer, an input pixel.
    pub events: Vec<ProgramPart>,
    /// Everything that is ever stored, by cell.
    pub lifespans: Vec<Lifespan>,
}

/// Neighbouring cells that are stored and die together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifespan {
    /// The cells of the arena.
    pub cells: Range<u32>,
    /// What they hold.
    pub occupant: Occupant,
    /// The event that stores them first.
    pub born: u32,
    /// The last event that reads them, or adds to them.
    pub dies: u32,
}

/// What a cell of the arena holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Occupant {
    /// A value of a map.
    Map(ValueId),
    /// A window or a sum that is not complete, or is a result.
    Partial { keeper: NodeId },
}

impl Occupant {
    fn of(content: Content) -> Self {
        match content {
            Content::Activation { map, .. } => Occupant::Map(map),
            Content::Partial { keeper, .. } => Occupant::Partial { keeper },
        }
    }
}

/// The lifespans of all that a program stores. Parameters do not matter, and need
/// not be known.
///
/// # Panics
/// Where the program reads or overwrites what it must not: no lowered plan does.
pub fn timeline(program: &Program) -> Timeline {
    let input = vec![0; program.input.values() as usize];
    let mut machine = Machine::new(program);
    machine.computes = false;
    let others = program.given.iter().copied();
    let mut others = others.chain(program.kept.iter().map(|it| it.value));
    others
        .try_for_each(|value| machine.begin_with_zeros(value))
        .and_then(|()| machine.run(&input))
        .unwrap_or_else(|fault| panic!("{fault}"));
    // A window, or a sum, is written again and again.
    let mut stored: BTreeMap<(u32, Content, u32), u32> = BTreeMap::new();
    for write in machine.arena.writes() {
        let born = stored.entry((write.cell, write.content, write.dies));
        born.or_insert(write.time);
    }
    let mut lifespans: Vec<Lifespan> = Vec::new();
    for ((cell, content, dies), born) in stored {
        let occupant = Occupant::of(content);
        let together = lifespans.iter_mut().rev().take(4).find(|last| {
            (last.occupant, last.born, last.dies, last.cells.end) == (occupant, born, dies, cell)
        });
        match together {
            Some(last) => last.cells.end += 1,
            None => lifespans.push(Lifespan {
                cells: cell..cell + 1,
                occupant,
                born,
                dies,
            }),
        }
    }
    let events = machine.schedule.events.iter();
    Timeline {
        events: events.map(|&event| stage_of(program, event)).collect(),
        lifespans,
    }
}

/// The part of the program that an event belongs to.
pub(super) fn stage_of(program: &Program, event: Event) -> ProgramPart {
    match event {
        Event::Byte { .. } => ProgramPart::Intake,
        Event::Stage { job, stage, .. } => {
            ProgramPart::Layer(stage_at(program, job, stage).plan.node)
        }
        Event::Step { job, .. } => ProgramPart::Layer(step_at(program, job).node),
        Event::Results => ProgramPart::Results,
    }
}
