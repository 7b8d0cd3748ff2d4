//! Runs a program on the host, to prove it: over an arena whose cells know
//! what they hold, so that no wrong address can go unnoticed.
//!
//! An event reads, computes in registers, then stores; it is one byte of the
//! raw input, one output pixel of a layer, or one output of a dense layer; of a
//! streamed pooling or dense layer, one input pixel.

mod arena;
mod arithmetic;
mod cells;
mod fault;
mod kernel;
mod lifespan;
mod quantised;
mod schedule;
mod scores;
mod steps;
mod stream;

use crate::network::{Element, Pixel, Shape, ValueId};
use crate::plan::{Order, Place};
use crate::program::{ByPixel, Operation, Program, Rearrangement, ResultInteger, Step};
use arena::Arena;
use arithmetic::{signed_range, wrap};
use cells::joined_cells;
pub use fault::{Content, Fault, FaultKind, ProgramPart};
pub use lifespan::{Lifespan, Occupant, Timeline, timeline};
use schedule::{Event, Schedule, Time, stage_at, step_at};
use std::collections::BTreeMap;

/// What a run gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The results in flattening order: row-major, channels last.
    pub results: Vec<i64>,
    /// Every map of activations, as far as it is used.
    pub maps: BTreeMap<ValueId, ComputedMap>,
}

/// A map that was computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComputedMap {
    /// Rows and columns from the first one on, of all channels.
    pub shape: Shape,
    /// The values in flattening order.
    pub values: Vec<i64>,
}

/// Computes one inference on `input`, which is row-major, channels last.
///
/// # Errors
/// The first read of a cell that holds another value than the one meant, or
/// none that is still alive; the first write over a value that is read later,
/// outside the arena, or of a value that its cell can't hold; a field outside
/// its map; an input of another length than the program's; parameters that are
/// missing, for they come at run time: see [`run_with_parameters`].
pub fn run(program: &Program, input: &[u8]) -> Result<Outcome, Fault> {
    run_with_parameters(program, &[], input)
}

/// The same of a program that has other inputs than the one that arrives, or keeps something:
/// `kept` is what that is before, and then after the inference.
///
/// # Errors
/// Those of [`run`], and other inputs, or something kept, of another length than the program's.
pub fn run_with_others(
    program: &Program,
    (input, given): (&[u8], &[Vec<u8>]),
    kept: &mut [Vec<i8>],
) -> Result<Outcome, Fault> {
    let mut machine = Machine::new(program);
    for (&value, bytes) in program.given.iter().zip(given) {
        machine.begin_with(value, bytes.iter().map(|&byte| byte as i8))?;
    }
    for (it, values) in program.kept.iter().zip(kept.iter()) {
        machine.begin_with(it.value, values.iter().copied())?;
    }
    machine.run(input)?;
    for (it, values) in program.kept.iter().zip(kept) {
        let last = machine.maps[&it.last].values.iter();
        *values = last.map(|&value| value as i8).collect();
    }
    let maps = machine.maps.into_iter();
    Ok(Outcome {
        results: machine.results,
        maps: maps
            .map(|(value, map)| (value, map.of_values(program, value)))
            .collect(),
    })
}

/// The same of a program whose parameters are the bytes of `parameters`.
///
/// # Errors
/// Those of [`run`], and parameters of another length than the program's.
pub fn run_with_parameters(
    program: &Program,
    parameters: &[u8],
    input: &[u8],
) -> Result<Outcome, Fault> {
    let (needed, given) = (program.parameter_bytes as usize, parameters.len());
    if needed != given {
        return Err(Fault {
            stage: ProgramPart::Intake,
            event: 0,
            cell: 0,
            kind: FaultKind::ParameterLength { needed, given },
        });
    }
    let program = &program.with_parameters(parameters);
    let lengths = program
        .given
        .iter()
        .map(|&value| program.map(value).shape.values());
    let given: Vec<Vec<u8>> = lengths.map(|length| vec![0; length as usize]).collect();
    let kept = program.kept.iter().map(|it| it.initial.clone());
    run_with_others(program, (input, &given), &mut kept.collect::<Vec<_>>())
}

/// The index of a value in flattening order.
fn flat(shape: Shape, (row, column): (u32, u32), channel: u32) -> usize {
    ((row * shape.width + column) * shape.channels + channel) as usize
}

struct Machine<'a> {
    program: &'a Program,
    schedule: Schedule,
    arena: Arena,
    /// The cursor's positions, in pixels.
    positions: Vec<u32>,
    /// The job that has them.
    job: usize,
    /// Every value ever computed.
    maps: BTreeMap<ValueId, ComputedMap>,
    results: Vec<i64>,
    /// Whether values are computed, or are all 0.
    computes: bool,
    now: Time,
}

impl<'a> Machine<'a> {
    fn new(program: &'a Program) -> Self {
        let mut shapes = BTreeMap::from([(program.intake.value, program.intake.output)]);
        for stage in program.all_stages() {
            shapes.insert(stage.writes, stage.plan.output);
        }
        for (value, map) in program.maps.iter() {
            shapes.extend(map.as_ref().map(|map| (value, map.shape)));
        }
        if let Place::Sums(_) = program.place_of_results() {
            shapes.remove(&program.output);
        }
        let maps = shapes.into_iter().map(|(value, shape)| {
            let values = vec![0; shape.values() as usize];
            (value, ComputedMap { shape, values })
        });
        Self {
            program,
            schedule: Schedule::of(program),
            arena: Arena::new(program.arena_bytes, program.activation_bits),
            positions: vec![0; program.positions as usize],
            job: 0,
            maps: maps.collect(),
            results: Vec::new(),
            computes: true,
            now: 0,
        }
    }

    /// Stores a value that is there before the first event.
    fn begin_with(
        &mut self,
        value: ValueId,
        values: impl ExactSizeIterator<Item = i8>,
    ) -> Result<(), Fault> {
        let map = self.program.map(value);
        let (needed, given) = (map.shape.values() as usize, values.len());
        if needed != given {
            return Err(self.fault(0, FaultKind::InputLength { needed, given }));
        }
        self.store_map(value, values.map(i64::from))
    }

    fn begin_with_zeros(&mut self, value: ValueId) -> Result<(), Fault> {
        let length = self.program.map(value).shape.values() as usize;
        self.begin_with(value, vec![0; length].into_iter())
    }

    /// Stores every value of a map in turn.
    fn store_map(
        &mut self,
        map: ValueId,
        mut values: impl Iterator<Item = i64>,
    ) -> Result<(), Fault> {
        let stored = self.program.map(map);
        for pixel in Order::RowMajor.pixels(stored.shape.height, stored.shape.width) {
            for (channel, value) in (0..stored.shape.channels).zip(&mut values) {
                self.store(map, stored.cell(pixel), pixel, channel, value)?;
            }
        }
        Ok(())
    }

    /// Every event in turn.
    fn run(&mut self, input: &[u8]) -> Result<(), Fault> {
        let shape = self.program.input;
        let (needed, given) = (shape.values() as usize, input.len());
        if needed != given {
            return Err(self.fault(0, FaultKind::InputLength { needed, given }));
        }
        for time in 0..self.schedule.events.len() {
            self.now = time as Time;
            match self.schedule.events[time] {
                Event::Byte { pixel, channel } => {
                    let byte = input[flat(shape, pixel, channel)];
                    self.take_in(pixel, channel, i64::from(byte))?;
                }
                Event::Stage {
                    job,
                    stage,
                    takes,
                    output,
                } => {
                    self.begin(job);
                    self.run_stage(stage_at(self.program, job, stage), takes, output)?;
                }
                Event::Step {
                    job,
                    pixel,
                    ordinal,
                } => self.run_step(step_at(self.program, job), pixel, ordinal)?,
                Event::Results => self.read_results()?,
            }
        }
        Ok(())
    }

    /// Every job begins with its positions at 0.
    fn begin(&mut self, job: usize) {
        if std::mem::replace(&mut self.job, job) != job {
            self.positions.fill(0);
        }
    }

    /// Whether the values of a map are two's complement.
    fn is_signed(&self, map: ValueId) -> bool {
        self.program.signed[map]
    }

    fn fault(&self, cell: u32, kind: FaultKind) -> Fault {
        let stage = lifespan::stage_of(self.program, self.schedule.events[self.now as usize]);
        Fault {
            stage,
            event: self.now,
            cell,
            kind,
        }
    }

    /// Reads one value of a map from the cell that `cell` says.
    fn read(&self, map: ValueId, pixel: Pixel, channel: u32, cell: u32) -> Result<i64, Fault> {
        let meant = Content::activation(map, pixel, channel);
        let bits = self
            .arena
            .read(cell, meant, self.now)
            .map_err(|kind| self.fault(cell, kind))?;
        let width = self.program.activation_bits;
        let is_signed = self.is_signed(map) && self.program.elements[map] == Element::Activation;
        let negative = is_signed && bits >> (width - 1) == 1;
        Ok(bits - (i64::from(negative) << width))
    }

    /// The values of a pixel of a map, from that cell on.
    fn read_pixel_at(&self, map: ValueId, pixel: Pixel, first: u32) -> Result<Vec<i64>, Fault> {
        let shape = self.maps[&map].shape;
        let (row, column) = pixel;
        if row >= shape.height || column >= shape.width {
            return Err(self.fault(0, FaultKind::OutsideMap { map, row, column }));
        }
        let cells = (0..shape.channels)
            .map(|channel| self.read(map, pixel, channel, first + channel))
            .collect::<Result<Vec<i64>, Fault>>()?;
        Ok(match self.program.elements[map] {
            Element::Activation => cells,
            Element::Wide => joined_cells(&cells, self.program.cells_of(map)),
        })
    }

    /// The channels of one pixel of a map that is stored whole.
    fn read_stored_pixel(&self, map: ValueId, pixel: Pixel) -> Result<Vec<i64>, Fault> {
        let stored = self.program.map(map);
        let is_inside = pixel.0 < stored.shape.height && pixel.1 < stored.shape.width;
        let first = is_inside.then(|| stored.cell(pixel));
        self.read_pixel_at(map, pixel, first.unwrap_or(0))
    }

    /// Stores one value of the pixel that begins at `first_cell`.
    fn store(
        &mut self,
        map: ValueId,
        first_cell: u32,
        pixel: Pixel,
        channel: u32,
        value: i64,
    ) -> Result<(), Fault> {
        let cell = first_cell + channel;
        let width = self.program.activation_bits;
        self.compute(map, cell, pixel, channel, value)?;
        // A value that nothing reads is dead as soon as it is stored.
        let dies = self.schedule.last_read(map, pixel).unwrap_or(self.now);
        let content = Content::activation(map, pixel, channel);
        self.arena
            .write(cell, content, value & ((1 << width) - 1), dies, self.now)
            .map_err(|kind| self.fault(cell, kind))
    }

    /// Notes a value that is computed, and must fit the cell.
    fn compute(
        &mut self,
        map: ValueId,
        cell: u32,
        pixel: Pixel,
        channel: u32,
        value: i64,
    ) -> Result<(), Fault> {
        let width = self.program.activation_bits;
        let is_signed = self.is_signed(map) && self.program.elements[map] == Element::Activation;
        let fits = if is_signed {
            signed_range(width).contains(&value)
        } else {
            (0..1 << width).contains(&value)
        };
        if !fits {
            return Err(self.fault(cell, FaultKind::DoesNotFit { value }));
        }
        let map = self.maps.get_mut(&map).expect("every map has its values");
        map.values[flat(map.shape, pixel, channel)] = value;
        Ok(())
    }

    /// Moves values of whole maps.
    fn rearrange(&mut self, step: &Step, operation: &Rearrangement) -> Result<(), Fault> {
        let sources = [step.input].into_iter().chain(step.joined.iter().copied());
        let maps = sources.map(|map| {
            let shape = self.program.map(map).shape;
            let pixels = Order::RowMajor.pixels(shape.height, shape.width);
            let pixels = pixels
                .into_iter()
                .map(|pixel| self.read_stored_pixel(map, pixel));
            let pixels = pixels.collect::<Result<Vec<_>, Fault>>()?;
            Ok(pixels
                .concat()
                .into_iter()
                .map(|value| value as i8)
                .collect())
        });
        let maps: Vec<Vec<i8>> = maps.collect::<Result<_, Fault>>()?;
        let made = operation.apply(&maps);
        self.store_map(step.writes, made.into_iter().map(i64::from))
    }

    fn run_step(&mut self, step: &Step, pixel: Pixel, ordinal: u32) -> Result<(), Fault> {
        if let Some(operation) = step.operation.rearrangement() {
            return self.rearrange(step, operation);
        }
        let joined = step.joined.iter();
        let joined = joined.map(|&value| self.read_stored_pixel(value, pixel));
        let joined: Vec<Vec<i64>> = joined.collect::<Result<_, _>>()?;
        let operation = &step.operation;
        let (first_channel, values) = match operation.by_pixel() {
            Some(ByPixel::Sums(_)) => {
                let added = joined.first().map_or(0, |joined| joined[ordinal as usize]);
                let value = self.dense(step.input, operation, ordinal as usize, added)?;
                (ordinal, vec![value])
            }
            Some(ByPixel::Steps(_)) => unreachable!("it runs in a segment"),
            Some(ByPixel::Windows(_)) | None => {
                let channels = self.maps[&step.input].shape.channels;
                let mut taps = self.outside(operation, step.field.kernel.taps(), channels);
                for (tap, pixel) in step.field.taps(pixel) {
                    taps[tap as usize] = self.read_stored_pixel(step.input, pixel)?;
                }
                let inside = step.field.taps(pixel).count();
                let values =
                    self.output_pixel(operation, (&taps, inside), &joined, step.output.channels);
                (0, values)
            }
        };
        if self.results.is_empty() && !step.stores {
            self.results = vec![0; self.program.results.count as usize];
        }
        let (first_channel, values) = match step.stores {
            true => (
                first_channel * self.program.cells_of(step.writes),
                self.cells(step.writes, values),
            ),
            false => (first_channel, values),
        };
        for (channel, value) in (first_channel..).zip(values) {
            if step.stores {
                let cell = self.walked_cell(step, ordinal);
                self.store(step.writes, cell, pixel, channel, value)?;
            } else {
                self.results[flat(step.output, pixel, channel)] = value;
            }
        }
        Ok(())
    }

    /// The taps of a field, all of them outside of the map.
    fn outside(&self, operation: &Operation, taps: u32, channels: u32) -> Vec<Vec<i64>> {
        vec![vec![operation.value_outside().into(); channels as usize]; taps as usize]
    }

    /// Where a step stores a pixel: backends walk from one stored pixel to the
    /// next, and look no address up.
    fn walked_cell(&self, step: &Step, ordinal: u32) -> u32 {
        let map = self.program.map(step.writes);
        let is_dense = map.shape.pixels() == 1;
        match step.order {
            _ if is_dense => map.stored_cell(0),
            Order::RowMajorBackward => map.stored_cell(map.shape.pixels() - 1 - ordinal),
            Order::RowMajor | Order::Herringbone => map.stored_cell(ordinal),
        }
    }

    /// Every channel of one output pixel; of the taps, how many are inside of the map.
    fn output_pixel(
        &self,
        operation: &Operation,
        taps: (&[Vec<i64>], usize),
        joined: &[Vec<i64>],
        channels: u32,
    ) -> Vec<i64> {
        if self.computes {
            kernel::output_pixel(operation, taps, joined, self.program.activation_bits)
        } else {
            vec![0; channels as usize]
        }
    }

    /// One output of a dense layer, its inputs taken in the order in which
    /// their map is stored, from cell to cell.
    fn dense(
        &self,
        map: ValueId,
        operation: &Operation,
        output: usize,
        added: i64,
    ) -> Result<i64, Fault> {
        let placed = self.program.map(map);
        let shape = placed.shape;
        let mut at_cell = BTreeMap::new();
        for pixel in Order::RowMajor.pixels(shape.height, shape.width) {
            at_cell.insert(placed.cell(pixel), pixel);
        }
        let mut values = Vec::with_capacity(shape.values() as usize);
        for stored in 0..shape.pixels() {
            let first = placed.stored_cell(stored);
            // The walk must pass each pixel once, where the addressing has it.
            let pixel = at_cell
                .remove(&first)
                .ok_or_else(|| self.fault(first, FaultKind::NoPixelBegins { map }))?;
            values.extend(self.read_pixel_at(map, pixel, first)?);
        }
        if !self.computes {
            return Ok(0);
        }
        let bits = self.program.activation_bits;
        Ok(kernel::dense(operation, output, values, added, bits))
    }

    /// Results that are activations are read from the last map, and those that a
    /// stage keeps from its sums.
    fn read_results(&mut self) -> Result<(), Fault> {
        match self.program.place_of_results() {
            Place::Whole(_) => {
                for output in self.program.outputs() {
                    let shape = self.program.map(output).shape;
                    for pixel in Order::RowMajor.pixels(shape.height, shape.width) {
                        let values = self.read_stored_pixel(output, pixel)?;
                        self.results.extend(values);
                    }
                }
            }
            Place::Sums(sums) => {
                let stage = self.program.stage_of_results();
                self.read_kept_results(stage.expect("a stage keeps them"), sums)?;
            }
            Place::Nowhere | Place::Ring(_) | Place::Windows(_) => {}
        }
        // What the caller gets is as wide as its type.
        if let ResultInteger::Sum(accumulator) = self.program.results.integer {
            for result in &mut self.results {
                *result = wrap(accumulator, *result);
            }
        }
        Ok(())
    }
}
