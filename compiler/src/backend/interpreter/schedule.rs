//! The events of an inference in the order of running, and by them the last use
//! of whatever is stored.

use crate::network::{ByValue, NodeId, Pixel, ReceptiveField, ValueId};
use crate::plan::{Arrival, Order, Place};
use crate::program::{ByPixel, Job, Program, Segment, Stage, Step};
use std::collections::BTreeMap;

/// An event's place in the order of running.
pub(super) type Time = u32;

/// What happens at once: reads, then a computation in registers, then writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A byte of the raw input is taken in.
    Byte { pixel: Pixel, channel: u32 },
    /// A stage takes a pixel of its input in, computes an output, or both.
    Stage {
        job: usize,
        stage: usize,
        takes: Option<Pixel>,
        output: Option<Pixel>,
    },
    /// A step computes an output pixel; of a dense layer, one value.
    Step {
        job: usize,
        pixel: Pixel,
        /// Its place in the order of the step.
        ordinal: u32,
    },
    /// The caller gets the results.
    Results,
}

/// All events, and when each pixel and window is used for the last time.
pub(super) struct Schedule {
    pub(super) events: Vec<Event>,
    /// By row and column of each value, as far as it is read.
    last_reads: ByValue<Vec<Vec<Option<Time>>>>,
    last_takes: BTreeMap<(NodeId, Pixel), Time>,
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
                    arrive(program, pixel, &mut events);
                }
            }
        }
        for (job, completed) in program.jobs.iter().enumerate().skip(1) {
            match completed {
                Job::Segment(segment) => {
                    for row in 0..segment.grid.height {
                        for column in 0..segment.grid.width {
                            run_point((job, segment), (row, column), &mut events);
                        }
                    }
                }
                Job::Layer(step) => {
                    let pixels = (0..).zip(pixels_of_step(step));
                    events.extend(pixels.map(|(ordinal, pixel)| Event::Step {
                        job,
                        pixel,
                        ordinal,
                    }));
                }
            }
        }
        events.push(Event::Results);
        let mut schedule = Self {
            events: Vec::new(),
            last_reads: ByValue::new(vec![Vec::new(); program.places.entries().len()]),
            last_takes: BTreeMap::new(),
        };
        for (time, event) in (0..).zip(&events) {
            for (value, pixel) in reads(program, *event) {
                schedule.note_read(value, pixel, time);
            }
            for take in takes(program, *event) {
                schedule.last_takes.insert(take, time);
            }
        }
        // What is returned lives to the end.
        let end = events.len() as Time - 1;
        if let Some(stage) = program.stage_of_results() {
            let outputs = stage.plan.output;
            let is_dense = stage.plan.takes;
            for pixel in Order::RowMajor.pixels(outputs.height, outputs.width) {
                let pixel = if is_dense { (0, 0) } else { pixel };
                schedule.last_takes.insert((stage.plan.node, pixel), end);
            }
        }
        schedule.events = events;
        schedule
    }

    fn note_read(&mut self, value: ValueId, (row, column): Pixel, time: Time) {
        let rows = &mut self.last_reads[value];
        let (row, column) = (row as usize, column as usize);
        if rows.len() <= row {
            rows.resize(row + 1, Vec::new());
        }
        let columns = &mut rows[row];
        if columns.len() <= column {
            columns.resize(column + 1, None);
        }
        columns[column] = Some(time);
    }

    /// The last event that reads a pixel, if any does.
    pub(super) fn last_read(&self, map: ValueId, (row, column): Pixel) -> Option<Time> {
        let columns = self.last_reads[map].get(row as usize)?;
        columns.get(column as usize).copied().flatten()
    }

    /// The last event that a window, or a sum, is used by.
    pub(super) fn last_take(&self, keeper: NodeId, window: Pixel) -> Option<Time> {
        self.last_takes.get(&(keeper, window)).copied()
    }
}

/// The output pixels of a step in order, or as often the only pixel of a dense
/// layer as it has outputs; a single one where all values are moved at once.
fn pixels_of_step(step: &Step) -> Vec<Pixel> {
    if step.operation.rearrangement().is_some() {
        return vec![(0, 0)];
    }
    match step.operation.is_dense() {
        true => vec![(0, 0); step.output.channels as usize],
        false => step.order.pixels(step.output.height, step.output.width),
    }
}

/// The pixel of the first map that a pixel of the raw input is the last of.
pub(super) fn completed_by_intake(program: &Program, pixel: Pixel) -> Option<Pixel> {
    let used = program.intake.output;
    let pixel = match program.intake.pool {
        None => pixel,
        Some(pool) => {
            let ReceptiveField { kernel, stride, .. } = pool.field;
            let axis = |at: u32, side: u32, stride: u32| {
                let first = (at + 1).checked_sub(side)?;
                first.is_multiple_of(stride).then_some(first / stride)
            };
            (
                axis(pixel.0, kernel.height, stride.rows)?,
                axis(pixel.1, kernel.width, stride.columns)?,
            )
        }
    };
    (pixel.0 < used.height && pixel.1 < used.width).then_some(pixel)
}

/// The windows of a leading `A` that a pixel of the raw input is part of.
pub(super) fn windows_of_byte(program: &Program, (row, column): Pixel) -> Vec<Pixel> {
    let Some(pool) = program.intake.pool else {
        return Vec::new();
    };
    let used = program.intake.output;
    let ReceptiveField { kernel, stride, .. } = pool.field;
    let axis = |at: u32, side: u32, stride: u32, count: u32| {
        (at + 1).saturating_sub(side).div_ceil(stride)..(at / stride + 1).min(count)
    };
    axis(row, kernel.height, stride.rows, used.height)
        .flat_map(|row| {
            axis(column, kernel.width, stride.columns, used.width).map(move |column| (row, column))
        })
        .collect()
}

/// The events that a pixel of the first map sets off: those of its point, and of
/// the points after the last column and the last row.
fn arrive(program: &Program, (row, column): Pixel, events: &mut Vec<Event>) {
    let segment = program.arriving();
    let used = program.intake.output;
    run_point((0, segment), (row, column), events);
    if column + 1 != used.width {
        return;
    }
    for column in used.width..segment.grid.width {
        run_point((0, segment), (row, column), events);
    }
    if row + 1 != used.height {
        return;
    }
    for row in used.height..segment.grid.height {
        for column in 0..segment.grid.width {
            run_point((0, segment), (row, column), events);
        }
    }
}

/// What every stage does at a point.
fn run_point((job, segment): (usize, &Segment), point: Pixel, events: &mut Vec<Event>) {
    for (index, stage) in segment.stages.iter().enumerate() {
        let takes = stage
            .plan
            .input_timing
            .at(point)
            .filter(|_| stage.plan.takes);
        let output = stage.plan.timing.at(point);
        if takes.is_some() || output.is_some() {
            events.push(Event::Stage {
                job,
                stage: index,
                takes,
                output,
            });
        }
    }
}

/// A stage of a job.
pub(super) fn stage_at(program: &Program, job: usize, stage: usize) -> &Stage {
    match &program.jobs[job] {
        Job::Segment(segment) => &segment.stages[stage],
        Job::Layer(_) => unreachable!("a step has no stages"),
    }
}

/// A step.
pub(super) fn step_at(program: &Program, job: usize) -> &Step {
    match &program.jobs[job] {
        Job::Layer(step) => step,
        Job::Segment(_) => unreachable!("a segment is no step"),
    }
}

/// The pixels that an event reads.
fn reads(program: &Program, event: Event) -> Vec<(ValueId, Pixel)> {
    match event {
        Event::Byte { .. } => Vec::new(),
        Event::Stage {
            job,
            stage,
            takes,
            output,
        } => {
            let stage = stage_at(program, job, stage);
            let mut reads = Vec::new();
            if let Some(pixel) = takes
                && stage.plan.arrival != Arrival::Values
            {
                let taken = taken_at(stage, pixel);
                reads.extend(taken.into_iter().map(|pixel| (stage.input, pixel)));
            }
            if let Some(output) = output {
                if !stage.plan.takes {
                    let pixels = stage.field.pixels(output);
                    reads.extend(pixels.map(|pixel| (stage.input, pixel)));
                }
                reads.extend(stage.joined.iter().map(|&value| (value, output)));
            }
            reads
        }
        Event::Step { job, pixel, .. } => {
            let step = step_at(program, job);
            if step.operation.rearrangement().is_some() {
                let maps = [step.input].into_iter().chain(step.joined.iter().copied());
                return maps.flat_map(|map| pixels_of(program, map)).collect();
            }
            let field = step.field.pixels(pixel);
            let joined = step.joined.iter().map(|&value| (value, pixel));
            field
                .map(|pixel| (step.input, pixel))
                .chain(joined)
                .collect()
        }
        Event::Results => match program.place_of_results() {
            Place::Whole(_) => {
                let lasting = program.kept.iter().map(|it| it.last);
                let lasting = lasting.chain(program.outputs());
                lasting
                    .flat_map(|value| pixels_of(program, value))
                    .collect()
            }
            Place::Nowhere | Place::Ring(_) | Place::Windows(_) | Place::Sums(_) => Vec::new(),
        },
    }
}

/// Every pixel of a map that is stored whole.
fn pixels_of(program: &Program, value: ValueId) -> impl Iterator<Item = (ValueId, Pixel)> {
    let shape = program.map(value).shape;
    let pixels = Order::RowMajor.pixels(shape.height, shape.width);
    pixels.into_iter().map(move |pixel| (value, pixel))
}

/// The pixels that a stage takes in at once.
fn taken_at(stage: &Stage, (row, column): Pixel) -> Vec<Pixel> {
    match stage.operation.by_pixel() {
        Some(ByPixel::Steps(recurrence)) => {
            let taken = recurrence.map;
            let pixels = Order::RowMajor.pixels(taken.height, taken.width);
            let first_row = row * taken.height;
            let pixels = pixels.into_iter();
            pixels
                .map(|(row, column)| (first_row + row, column))
                .collect()
        }
        Some(ByPixel::Sums(_) | ByPixel::Windows(_)) | None => vec![(row, column)],
    }
}

/// The windows and sums that an event takes a value into.
fn takes(program: &Program, event: Event) -> Vec<(NodeId, Pixel)> {
    match event {
        Event::Byte { pixel, .. } => match program.intake.pool {
            None => Vec::new(),
            Some(pool) => {
                let windows = windows_of_byte(program, pixel).into_iter();
                windows.map(|window| (pool.node, window)).collect()
            }
        },
        Event::Stage {
            job,
            stage,
            takes,
            output,
        } => {
            let stage = stage_at(program, job, stage);
            let node = stage.plan.node;
            let made = match (takes, output) {
                _ if stage.plan.sums().is_some() && stage.plan.takes => Some((0, 0)),
                _ if stage.plan.states().is_some() => Some((0, 0)),
                // What takes pixels in and is not dense has windows.
                (Some(pixel), _) => Some(window_of(stage, pixel)),
                (None, output) => output,
            };
            made.map(|pixel| (node, pixel)).into_iter().collect()
        }
        Event::Step { .. } | Event::Results => Vec::new(),
    }
}

/// The window that a pixel is part of, of a pooling that takes pixels in.
pub(super) fn window_of(stage: &Stage, (row, column): Pixel) -> Pixel {
    let stride = stage.field.stride;
    (row / stride.rows, column / stride.columns)
}
