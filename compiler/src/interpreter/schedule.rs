//! The events of an inference in the order of running, and by them the last use
//! of whatever is stored.

use crate::plan::{Arrival, Order};
use crate::program::{Operation, Program, Step};
use std::collections::BTreeMap;

/// An event's place in the order of running.
pub(super) type Time = u32;

/// A row and a column.
pub(super) type Pixel = (u32, u32);

/// What happens at once: reads, then a computation in registers, then writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A byte of the raw input is taken in.
    Byte { pixel: Pixel, channel: u32 },
    /// A stage computes an output (a convolution), or takes an input in (a
    /// pooling, a dense layer).
    Stage { stage: usize, pixel: Pixel },
    /// A step computes an output pixel; of a dense layer, one value.
    Step {
        step: usize,
        pixel: Pixel,
        /// Its place in the order of the step.
        ordinal: u32,
    },
    /// The caller gets the results.
    Results,
}

/// What adds to something that lies in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Keeper {
    /// The leading `A`.
    Intake,
    /// A stage.
    Stage(usize),
}

/// All events, and when each pixel and window is used for the last time.
pub(super) struct Schedule {
    pub(super) events: Vec<Event>,
    last_reads: BTreeMap<(usize, Pixel), Time>,
    last_takes: BTreeMap<(Keeper, Pixel), Time>,
}

impl Schedule {
    pub(super) fn of(program: &Program) -> Self {
        let mut events = Vec::new();
        let input = program.input;
        for pixel in Order::RowMajor.pixels(input.height, input.width) {
            for channel in 0..input.channels {
                events.push(Event::Byte { pixel, channel });
                if channel + 1 == input.channels
                    && let Some(pixel) = completed_by_intake(program, pixel)
                {
                    push_through(program, pixel, &mut events);
                }
            }
        }
        for (index, step) in program.steps.iter().enumerate() {
            events.extend(
                (0..)
                    .zip(pixels_of_step(step))
                    .map(|(ordinal, pixel)| Event::Step {
                        step: index,
                        pixel,
                        ordinal,
                    }),
            );
        }
        events.push(Event::Results);
        let mut schedule = Self {
            events: Vec::new(),
            last_reads: BTreeMap::new(),
            last_takes: BTreeMap::new(),
        };
        for (time, event) in (0..).zip(&events) {
            for read in reads(program, *event) {
                schedule.last_reads.insert(read, time);
            }
            if let Some(take) = takes(program, *event) {
                schedule.last_takes.insert(take, time);
            }
        }
        // What is returned lives to the end.
        let end = events.len() as Time - 1;
        if program.maps.is_empty() && !program.stages.is_empty() {
            let last = program.stages.len() - 1;
            let outputs = program.stages[last].output;
            for pixel in Order::RowMajor.pixels(outputs.height, outputs.width) {
                let keeper = Keeper::Stage(last);
                schedule.last_takes.insert((keeper, pixel), end);
            }
        }
        schedule.events = events;
        schedule
    }

    /// The last event that reads a pixel, if any does.
    pub(super) fn last_read(&self, map: usize, pixel: Pixel) -> Option<Time> {
        self.last_reads.get(&(map, pixel)).copied()
    }

    /// The last event that a window, or a sum, is used by.
    pub(super) fn last_take(&self, keeper: Keeper, window: Pixel) -> Option<Time> {
        self.last_takes.get(&(keeper, window)).copied()
    }
}

/// The output pixels of a step in order, or as often the only pixel of a dense
/// layer as it has outputs.
fn pixels_of_step(step: &Step) -> Vec<Pixel> {
    match step.operation {
        Operation::Dense(_) => vec![(0, 0); step.output.channels as usize],
        _ => step.order.pixels(step.output.height, step.output.width),
    }
}

/// The pixel of the first map that a pixel of the raw input is the last of.
pub(super) fn completed_by_intake(program: &Program, (row, column): Pixel) -> Option<Pixel> {
    let (height, width) = match program.intake.pool {
        Some(pool) => (pool.window.height, pool.window.width),
        None => (1, 1),
    };
    let last = row % height + 1 == height && column % width + 1 == width;
    let pixel = (row / height, column / width);
    let used = program.intake.output;
    (last && pixel.0 < used.height && pixel.1 < used.width).then_some(pixel)
}

/// The events that a pixel of the first map sets off.
fn push_through(program: &Program, pixel: Pixel, events: &mut Vec<Event>) {
    let (mut row, mut column) = pixel;
    for (index, stage) in program.stages.iter().enumerate() {
        let kernel = stage.field.kernel;
        let event = |pixel| Event::Stage {
            stage: index,
            pixel,
        };
        match stage.operation {
            Operation::Convolution(_) | Operation::Separable { .. } => {
                if row + 1 < kernel.height || column + 1 < kernel.width {
                    return;
                }
                (row, column) = (row + 1 - kernel.height, column + 1 - kernel.width);
                events.push(event((row, column)));
            }
            Operation::AveragePool { .. } | Operation::MaxPool => {
                events.push(event((row, column)));
                if row % kernel.height + 1 < kernel.height
                    || column % kernel.width + 1 < kernel.width
                {
                    return;
                }
                (row, column) = (row / kernel.height, column / kernel.width);
            }
            Operation::Dense(_) => {
                events.push(event((row, column)));
                if (row + 1, column + 1) != (stage.input.height, stage.input.width) {
                    return;
                }
                (row, column) = (0, 0);
            }
        }
    }
}

/// The pixels that an event reads, by map: the inputs of the stages, then the
/// maps that are stored whole.
fn reads(program: &Program, event: Event) -> Vec<(usize, Pixel)> {
    let stages = program.stages.len();
    match event {
        Event::Byte { .. } => Vec::new(),
        Event::Stage { stage, pixel } => {
            let computing = &program.stages[stage];
            match computing.operation {
                Operation::Convolution(_) | Operation::Separable { .. } => {
                    let pixels = computing.field.pixels(pixel);
                    pixels.map(|pixel| (stage, pixel)).collect()
                }
                _ if computing.arrival == Arrival::Values => Vec::new(),
                _ => vec![(stage, pixel)],
            }
        }
        Event::Step { step, pixel, .. } => {
            let field = program.steps[step].field.pixels(pixel);
            field.map(|pixel| (stages + step, pixel)).collect()
        }
        Event::Results => match program.maps.get(program.steps.len()) {
            Some(map) => Order::RowMajor
                .pixels(map.shape.height, map.shape.width)
                .into_iter()
                .map(|pixel| (stages + program.steps.len(), pixel))
                .collect(),
            None => Vec::new(),
        },
    }
}

/// The window that an event takes a value into.
fn takes(program: &Program, event: Event) -> Option<(Keeper, Pixel)> {
    match event {
        Event::Byte { pixel, .. } => {
            let window = program.intake.pool?.window;
            let at = (pixel.0 / window.height, pixel.1 / window.width);
            Some((Keeper::Intake, at))
        }
        Event::Stage { stage, pixel } => {
            let kernel = program.stages[stage].field.kernel;
            let at = match program.stages[stage].operation {
                Operation::AveragePool { .. } | Operation::MaxPool => {
                    (pixel.0 / kernel.height, pixel.1 / kernel.width)
                }
                Operation::Dense(_) => (0, 0),
                Operation::Convolution(_) | Operation::Separable { .. } => pixel,
            };
            Some((Keeper::Stage(stage), at))
        }
        Event::Step { .. } | Event::Results => None,
    }
}
