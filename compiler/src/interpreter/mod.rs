//! Runs a program on the host, to prove it: over an arena whose cells know
//! what they hold, so that no wrong address can go unnoticed.
//!
//! An event reads, computes in registers, then stores; it is one byte of the
//! intake, one output pixel of a layer, or one output of a dense layer.

mod arena;
mod arithmetic;
mod fault;

use crate::network::{Kernel, Shape};
use crate::plan::{Intake, Order};
use crate::program::{
    ConstantParameters, Map, Operation, Program, Step, SumParameters, WeightedSum,
};
use arena::{Arena, Time};
use arithmetic::{finish, signed_range, sum_of, wrap};
pub use fault::{Content, Fault, FaultKind, Stage};

/// What a run gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The results in flattening order: row-major, channels last.
    pub results: Vec<i64>,
    /// Every stored map's values in flattening order.
    pub maps: Vec<Vec<i64>>,
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
            stage: Stage::Intake,
            event: 0,
            cell: 0,
            kind: FaultKind::ParameterLength { needed, given },
        });
    }
    let program = &program.with_parameters(parameters);
    let mut machine = Machine::new(program);
    machine.take_in(input)?;
    for index in 0..program.steps.len() {
        machine.run_step(index)?;
    }
    machine.read_results()?;
    Ok(Outcome {
        results: machine.results,
        maps: machine.stored,
    })
}

/// The index of a value in flattening order.
fn flat(shape: Shape, (row, column): (u32, u32), channel: u32) -> usize {
    ((row * shape.width + column) * shape.channels + channel) as usize
}

/// The events of a step: the output pixels in order, or as often the only
/// pixel of a dense layer as it has outputs.
fn events(step: &Step) -> Vec<(u32, u32)> {
    match step.operation {
        Operation::Dense(_) => (0..step.output.channels).map(|_| (0, 0)).collect(),
        _ => step.order.pixels(step.output.height, step.output.width),
    }
}

struct Machine<'a> {
    program: &'a Program,
    arena: Arena,
    /// By map and flattened pixel: the last event that reads the pixel.
    last_reads: Vec<Vec<Option<Time>>>,
    /// Every value ever stored, by map and flattening index.
    stored: Vec<Vec<i64>>,
    results: Vec<i64>,
    /// The stage that runs: the intake, then the steps, then the results.
    stage: usize,
    event: u32,
}

impl<'a> Machine<'a> {
    fn new(program: &'a Program) -> Self {
        let values = |map: &Map| vec![0; map.shape.values() as usize];
        Self {
            program,
            arena: Arena::new(program.arena_bytes, program.activation_bits),
            last_reads: last_reads(program),
            stored: program.maps.iter().map(values).collect(),
            results: Vec::new(),
            stage: 0,
            event: 0,
        }
    }

    fn now(&self) -> Time {
        (self.stage, self.event)
    }

    fn fault(&self, cell: u32, kind: FaultKind) -> Fault {
        let stage = match self.stage.checked_sub(1) {
            None => Stage::Intake,
            Some(step) => match self.program.steps.get(step) {
                Some(step) => Stage::Layer(step.layer),
                None => Stage::Results,
            },
        };
        Fault {
            stage,
            event: self.event,
            cell,
            kind,
        }
    }

    /// Reads one value of a map from the cell that `cell` says.
    fn read(&self, map: usize, pixel: (u32, u32), channel: u32, cell: u32) -> Result<i64, Fault> {
        let meant = Content::activation(map, pixel, channel);
        let bits = self
            .arena
            .read(cell, meant, self.now())
            .map_err(|kind| self.fault(cell, kind))?;
        let width = self.program.activation_bits;
        Ok(
            if self.program.maps[map].signed && bits >> (width - 1) == 1 {
                bits - (1 << width)
            } else {
                bits
            },
        )
    }

    /// The channels of one pixel of a map.
    fn read_pixel(&self, map: usize, pixel: (u32, u32)) -> Result<Vec<i64>, Fault> {
        let placed = &self.program.maps[map];
        let (row, column) = pixel;
        if row >= placed.shape.height || column >= placed.shape.width {
            return Err(self.fault(0, FaultKind::OutsideMap { map, row, column }));
        }
        (0..placed.shape.channels)
            .map(|channel| self.read(map, pixel, channel, placed.cell(pixel) + channel))
            .collect()
    }

    /// Stores one value of the pixel that begins at `first_cell`.
    fn store(
        &mut self,
        map: usize,
        first_cell: u32,
        pixel: (u32, u32),
        channel: u32,
        value: i64,
    ) -> Result<(), Fault> {
        let Map { shape, signed, .. } = self.program.maps[map];
        let cell = first_cell + channel;
        let width = self.program.activation_bits;
        let fits = if signed {
            signed_range(width).contains(&value)
        } else {
            (0..1 << width).contains(&value)
        };
        if !fits {
            return Err(self.fault(cell, FaultKind::DoesNotFit { value }));
        }
        let flat_pixel = flat(shape, pixel, 0) / shape.channels as usize;
        // A value that nothing reads is dead as soon as it is stored.
        let dies = self.last_reads[map][flat_pixel].unwrap_or(self.now());
        let content = Content::activation(map, pixel, channel);
        self.arena
            .write(cell, content, value & ((1 << width) - 1), dies, self.now())
            .map_err(|kind| self.fault(cell, kind))?;
        self.stored[map][flat(shape, pixel, channel)] = value;
        Ok(())
    }

    /// The raw input, byte by byte.
    fn take_in(&mut self, input: &[u8]) -> Result<(), Fault> {
        let shape = self.program.input;
        let needed = shape.values() as usize;
        if input.len() != needed {
            let given = input.len();
            return Err(self.fault(0, FaultKind::InputLength { needed, given }));
        }
        let intake = self.program.intake;
        if let Intake::Pool { sums, .. } = intake.intake {
            for sum in 0..sums {
                self.write_sum(sum, 0)?;
            }
        }
        let pixels = Order::RowMajor.pixels(shape.height, shape.width);
        let places = pixels
            .into_iter()
            .flat_map(|pixel| (0..shape.channels).map(move |channel| (pixel, channel)));
        for (index, (pixel, channel)) in places.enumerate() {
            self.event = index as u32;
            let byte = i64::from(input[index]);
            match intake.intake {
                Intake::Store => {
                    let cell = self.program.maps[0].cell(pixel);
                    self.store(0, cell, pixel, channel, byte >> intake.shift)?;
                }
                Intake::Pool { .. } => self.pool(pixel, channel, byte)?,
            }
        }
        Ok(())
    }

    /// Adds a byte to the sum of its window.
    fn pool(&mut self, (row, column): (u32, u32), channel: u32, byte: i64) -> Result<(), Fault> {
        let Kernel { height, width } = self.program.intake.window;
        let pooled = self.program.maps[0].shape;
        let window = (row / height, column / width);
        if window.0 >= pooled.height || window.1 >= pooled.width {
            return Ok(());
        }
        let sum = window.1 * pooled.channels + channel;
        let total = self.read_sum(sum)? + byte;
        if row % height + 1 < height || column % width + 1 < width {
            return self.write_sum(sum, total);
        }
        self.write_sum(sum, 0)?;
        let cell = self.program.maps[0].cell(window);
        self.store(0, cell, window, channel, total >> self.program.intake.shift)
    }

    /// The cell of the least part of a partial sum.
    fn sum_cell(&self, sum: u32) -> u32 {
        match self.program.intake.intake {
            Intake::Pool {
                sums_first_byte, ..
            } => (sums_first_byte + 2 * sum) * (8 / self.program.activation_bits),
            Intake::Store => unreachable!("only a pooled intake has sums"),
        }
    }

    fn read_sum(&self, sum: u32) -> Result<i64, Fault> {
        let bits = self.program.activation_bits;
        let first = self.sum_cell(sum);
        let mut total = 0;
        for part in 0..16 / bits {
            let cell = first + part;
            let value = self
                .arena
                .read(cell, Content::Sum { sum, part }, self.now())
                .map_err(|kind| self.fault(cell, kind))?;
            total |= value << (bits * part);
        }
        Ok(total)
    }

    fn write_sum(&mut self, sum: u32, total: i64) -> Result<(), Fault> {
        let bits = self.program.activation_bits;
        let first = self.sum_cell(sum);
        if !(0..1 << 16).contains(&total) {
            return Err(self.fault(first, FaultKind::DoesNotFit { value: total }));
        }
        // The last byte of the column's last window.
        let pooled = self.program.maps[0].shape;
        let Kernel { height, width } = self.program.intake.window;
        let (column, channel) = (sum / pooled.channels, sum % pooled.channels);
        let last_pixel = (pooled.height * height - 1, (column + 1) * width - 1);
        let dies = (0, flat(self.program.input, last_pixel, channel) as u32);
        for part in 0..16 / bits {
            let (cell, value) = (first + part, total >> (bits * part) & ((1 << bits) - 1));
            self.arena
                .write(cell, Content::Sum { sum, part }, value, dies, self.now())
                .map_err(|kind| self.fault(cell, kind))?;
        }
        Ok(())
    }

    fn run_step(&mut self, index: usize) -> Result<(), Fault> {
        let step = &self.program.steps[index];
        self.stage = index + 1;
        if !step.stores {
            self.results = vec![0; self.program.results.count as usize];
        }
        for (event, pixel) in events(step).into_iter().enumerate() {
            self.event = event as u32;
            let (first_channel, values) = match &step.operation {
                Operation::Dense(sum) => (event as u32, vec![self.dense(index, sum, event)?]),
                operation => (0, self.output_pixel(index, step, operation, pixel)?),
            };
            for (channel, value) in (first_channel..).zip(values) {
                if step.stores {
                    self.store(
                        index + 1,
                        self.walked_cell(index, event),
                        pixel,
                        channel,
                        value,
                    )?;
                } else {
                    self.results[flat(step.output, pixel, channel)] = value;
                }
            }
        }
        Ok(())
    }

    /// Where a step's event stores: backends walk from one stored pixel to the
    /// next, and look no address up.
    fn walked_cell(&self, step: usize, event: usize) -> u32 {
        let map = &self.program.maps[step + 1];
        let Step {
            order, operation, ..
        } = &self.program.steps[step];
        match (operation, order) {
            (Operation::Dense(_), _) => map.stored_cell(0),
            (_, Order::RowMajorBackward) => map.stored_cell(map.shape.pixels() - 1 - event as u32),
            (_, Order::RowMajor | Order::Herringbone) => map.stored_cell(event as u32),
        }
    }

    /// Every channel of one output pixel, in registers.
    fn output_pixel(
        &self,
        map: usize,
        step: &Step,
        operation: &Operation,
        pixel: (u32, u32),
    ) -> Result<Vec<i64>, Fault> {
        let bits = self.program.activation_bits;
        let taps: Vec<Vec<i64>> = step
            .field
            .pixels(pixel)
            .map(|pixel| self.read_pixel(map, pixel))
            .collect::<Result<_, _>>()?;
        let channels = || 0..taps[0].len();
        let of_channel = |channel: usize| taps.iter().map(move |tap| tap[channel]);
        Ok(match operation {
            Operation::Convolution(sum) => convolve(sum, &taps, bits),
            Operation::Separable {
                depthwise,
                pointwise,
            } => {
                let between = channels()
                    .map(|channel| output_of(depthwise, channel, of_channel(channel), bits))
                    .collect();
                convolve(pointwise, &[between], bits)
            }
            Operation::AveragePool { shift } => channels()
                .map(|channel| of_channel(channel).sum::<i64>() >> shift)
                .collect(),
            Operation::MaxPool => channels()
                .map(|channel| of_channel(channel).max().unwrap_or_default())
                .collect(),
            Operation::Dense(_) => unreachable!("a dense layer's events are single outputs"),
        })
    }

    /// One output of a dense layer, its inputs taken in the order in which
    /// their map is stored, from cell to cell.
    fn dense(&self, map: usize, sum: &WeightedSum, output: usize) -> Result<i64, Fault> {
        let placed = &self.program.maps[map];
        let (shape, inputs) = (placed.shape, sum.inputs as usize);
        let mut at_cell = std::collections::BTreeMap::new();
        for pixel in Order::RowMajor.pixels(shape.height, shape.width) {
            at_cell.insert(placed.cell(pixel), pixel);
        }
        let mut values = Vec::with_capacity(inputs);
        for stored in 0..shape.pixels() {
            let first = match stored.checked_sub(placed.pixels_before_wrap) {
                None => placed.first_cell + stored * shape.channels,
                Some(wrapped) => wrapped * shape.channels,
            };
            // The walk must pass each pixel once, where the addressing has it.
            let pixel = at_cell
                .remove(&first)
                .ok_or_else(|| self.fault(first, FaultKind::NoPixelBegins { map }))?;
            for channel in 0..shape.channels {
                values.push(self.read(map, pixel, channel, first + channel)?);
            }
        }
        let bits = self.program.activation_bits;
        Ok(output_of(sum, output, values.into_iter(), bits))
    }

    /// Results that are activations are read from the last map.
    fn read_results(&mut self) -> Result<(), Fault> {
        self.stage = self.program.steps.len() + 1;
        self.event = 0;
        if self.program.maps.len() > self.program.steps.len() {
            let map = self.program.steps.len();
            let shape = self.program.maps[map].shape;
            for pixel in Order::RowMajor.pixels(shape.height, shape.width) {
                let values = self.read_pixel(map, pixel)?;
                self.results.extend(values);
            }
        }
        // What the caller gets is as wide as its type.
        let accumulator = self.program.results.accumulator;
        for result in &mut self.results {
            *result = wrap(accumulator, *result);
        }
        Ok(())
    }
}

/// Weighted sums over all taps and channels.
fn convolve(sum: &WeightedSum, taps: &[Vec<i64>], bits: u32) -> Vec<i64> {
    (0..sum.outputs as usize)
        .map(|output| output_of(sum, output, taps.iter().flatten().copied(), bits))
        .collect()
}

/// One output of a sum over `values`, one for each row of weights.
fn output_of(
    sum: &WeightedSum,
    output: usize,
    values: impl Iterator<Item = i64>,
    bits: u32,
) -> i64 {
    let constants = constants(sum);
    let weights = constants.weights[output..].iter();
    let products = values.zip(weights.step_by(sum.outputs as usize));
    let total = sum_of(sum.accumulator, constants, output, products);
    finish(sum.finish, total, constants.right, bits)
}

fn constants(sum: &WeightedSum) -> &ConstantParameters {
    match &sum.parameters {
        SumParameters::Constant(constants) => constants,
        SumParameters::Runtime(_) => unreachable!("the parameters are put in before the run"),
    }
}

/// The last reader of every pixel of every map, from the program's own reads.
fn last_reads(program: &Program) -> Vec<Vec<Option<Time>>> {
    let mut last_reads: Vec<Vec<Option<Time>>> = Vec::new();
    for (index, map) in program.maps.iter().enumerate() {
        let mut reads = vec![None; map.shape.pixels() as usize];
        match program.steps.get(index) {
            None => reads.fill(Some((program.steps.len() + 1, 0))),
            Some(step) => {
                for (event, pixel) in events(step).into_iter().enumerate() {
                    for (row, column) in step.field.pixels(pixel) {
                        // A read outside the map is a fault of its own.
                        if row < map.shape.height && column < map.shape.width {
                            let pixel = (row * map.shape.width + column) as usize;
                            reads[pixel] = Some((index + 1, event as u32));
                        }
                    }
                }
            }
        }
        last_reads.push(reads);
    }
    last_reads
}
