//! What runs pixel by pixel: the bytes of the input, and the stages of segments.

use super::fault::{Content, Fault, FaultKind};
use super::schedule::{completed_by_intake, window_of, windows_of_byte};
use super::{Machine, kernel};
use crate::network::{NodeId, Pixel, ValueId};
use crate::plan::{Arrival, Moves, Sink, SumArray, Windows};
use crate::program::{ByPixel, Pooling, Stage, WeightedSum};

/// A place for a value of a window, or for a sum.
#[derive(Clone, Copy)]
pub(super) struct PartialValue {
    pub(super) keeper: NodeId,
    /// The window, or the output.
    pub(super) pixel: Pixel,
    /// Its place in the row of windows, or among the sums.
    pub(super) value: u32,
    pub(super) first_cell: u32,
    pub(super) cells: u32,
    pub(super) signed: bool,
}

impl PartialValue {
    /// A value of a window.
    fn of_window(
        (keeper, windows): (NodeId, Windows),
        window: Pixel,
        channel: u32,
        signed: bool,
    ) -> Self {
        Self {
            keeper,
            pixel: window,
            value: window.1 * windows.channels + channel,
            first_cell: windows.first_cell
                + window.0 % windows.bands * windows.band_cells()
                + window.1 * windows.column_cells()
                + channel * windows.cells_per_value,
            cells: windows.cells_per_value,
            signed,
        }
    }
}

impl Machine<'_> {
    /// A byte of the raw input.
    pub(super) fn take_in(&mut self, pixel: Pixel, channel: u32, byte: i64) -> Result<(), Fault> {
        let intake = self.program.intake;
        let completed = completed_by_intake(self.program, pixel);
        let first = intake.value;
        let Some(pool) = intake.pool else {
            return match completed {
                None => Ok(()),
                Some(pixel) => {
                    let byte = match self.is_signed(first) {
                        true => i64::from(byte as i8),
                        false => byte,
                    };
                    let value = kernel::average(byte, intake.divisor);
                    self.deliver_value(intake.sink, first, pixel, channel, value)
                }
            };
        };
        for window in windows_of_byte(self.program, pixel) {
            let partial =
                PartialValue::of_window((pool.node, pool.windows), window, channel, false);
            let begins = pixel.0 == window.0 * pool.field.stride.rows
                && pixel.1 == window.1 * pool.field.stride.columns;
            let before = if begins {
                0
            } else {
                self.read_partial(partial)?
            };
            if completed == Some(window) {
                let value = kernel::average(before + byte, intake.divisor);
                self.deliver_value(intake.sink, first, window, channel, value)?;
            } else {
                self.write_partial(partial, before + byte)?;
            }
        }
        Ok(())
    }

    /// A stage takes a pixel of its input in, computes an output, or both.
    pub(super) fn run_stage(
        &mut self,
        stage: &Stage,
        takes: Option<Pixel>,
        output: Option<Pixel>,
    ) -> Result<(), Fault> {
        match stage.operation.by_pixel() {
            Some(ByPixel::Windows(_)) if stage.plan.takes => {
                self.run_pooling(stage, takes, output)?;
            }
            Some(ByPixel::Sums(sum)) => self.run_dense(stage, sum, takes, output)?,
            Some(ByPixel::Steps(recurrence)) => {
                self.run_steps(stage, recurrence, takes, output)?;
            }
            Some(ByPixel::Windows(_)) | None => {
                if let Some(output) = output {
                    let mut taps = self.outside(
                        &stage.operation,
                        stage.field.kernel.taps(),
                        stage.plan.input.channels,
                    );
                    for (tap, pixel) in stage.field.taps(output) {
                        taps[tap as usize] = self.read_arrived(stage, 0, pixel, output)?;
                    }
                    let joined = self.read_joined(stage, output)?;
                    let inside = stage.field.taps(output).count();
                    let values = self.output_pixel(
                        &stage.operation,
                        (&taps, inside),
                        &joined,
                        stage.plan.output.channels,
                    );
                    self.deliver(stage, output, values)?;
                }
            }
        }
        self.move_on(stage, takes, output);
        Ok(())
    }

    fn read_joined(&self, stage: &Stage, output: Pixel) -> Result<Vec<Vec<i64>>, Fault> {
        (1..=stage.joined.len())
            .map(|index| self.read_arrived(stage, index, output, output))
            .collect()
    }

    /// Moves the positions on that are a reader's own.
    fn move_on(&mut self, stage: &Stage, takes: Option<Pixel>, output: Option<Pixel>) {
        let arrivals = [&stage.plan.arrival].into_iter().chain(&stage.plan.joined);
        for (index, arrival) in arrivals.enumerate() {
            let (position, moves, pixels) = match arrival {
                Arrival::Ring(reading) => match (reading.position, reading.moves) {
                    (Some(position), Some(moves)) => (position, moves, Some(reading.ring.pixels)),
                    _ => continue,
                },
                Arrival::Map(reading) => (reading.position, reading.moves, None),
                Arrival::Bytes | Arrival::Window(_) | Arrival::Values => continue,
            };
            let is_taken = index == 0 && stage.plan.takes;
            let (at, columns) = if is_taken {
                (takes, stage.plan.input_timing.columns.count)
            } else {
                (output, stage.plan.output.width)
            };
            let Some((_, column)) = at else { continue };
            let Moves {
                column: along,
                row: down,
            } = moves;
            let step = if column + 1 == columns { down } else { along };
            let next = self.positions[position as usize].wrapping_add(step);
            self.positions[position as usize] = pixels.map_or(next, |pixels| next % pixels);
        }
    }

    fn run_pooling(
        &mut self,
        stage: &Stage,
        takes: Option<Pixel>,
        output: Option<Pixel>,
    ) -> Result<(), Fault> {
        if let Some(pixel) = takes
            && stage.plan.arrival != Arrival::Values
        {
            let values = self.read_arrived(stage, 0, pixel, pixel)?;
            self.merge(stage, pixel, &values)?;
        }
        let Some(window) = output else {
            return Ok(());
        };
        let values = (0..stage.plan.output.channels)
            .map(|channel| {
                let kept = self.read_partial(self.window(stage, window, channel))?;
                Ok(kernel::of_window(&stage.operation, kept))
            })
            .collect::<Result<Vec<_>, Fault>>()?;
        self.deliver(stage, window, values)
    }

    /// Takes a pixel into its window of a stage.
    fn merge(&mut self, stage: &Stage, pixel: Pixel, values: &[i64]) -> Result<(), Fault> {
        let stride = stage.field.stride;
        let begins = pixel.0.is_multiple_of(stride.rows) && pixel.1.is_multiple_of(stride.columns);
        for (channel, &value) in (0..).zip(values) {
            let partial = self.window(stage, window_of(stage, pixel), channel);
            let merged = match (stage.pooling(), begins) {
                (_, true) => value,
                (Pooling::Maximum, false) => self.read_partial(partial)?.max(value),
                (Pooling::Average(_), false) => self.read_partial(partial)? + value,
            };
            self.write_partial(partial, merged)?;
        }
        Ok(())
    }

    /// A value of a window of a pooling.
    fn window(&self, stage: &Stage, window: Pixel, channel: u32) -> PartialValue {
        let windows = stage.plan.windows().expect("a pooling keeps windows");
        PartialValue::of_window(
            (stage.plan.node, windows),
            window,
            channel,
            stage.signed_input,
        )
    }

    /// Adds a pixel to the sums, finishes them, or both.
    fn run_dense(
        &mut self,
        stage: &Stage,
        sum: &WeightedSum,
        takes: Option<Pixel>,
        output: Option<Pixel>,
    ) -> Result<(), Fault> {
        let sums = stage.plan.sums().expect("a dense layer keeps sums");
        let mut totals = vec![0; sum.outputs as usize];
        let first = takes.map(|(row, column)| row * stage.plan.input.width + column);
        if self.computes && first != Some(0) {
            for (output, total) in (0..).zip(&mut totals) {
                *total = self.read_partial(self.sum(stage, sums, (0, 0), output))?;
            }
        }
        if let (Some(pixel), Some(first)) = (takes, first) {
            let values = self.read_arrived(stage, 0, pixel, pixel)?;
            let inputs = stage.plan.input.channels / self.program.cells_of(stage.input);
            let first_weight = (first * inputs * sum.outputs) as usize;
            for (output, total) in totals.iter_mut().enumerate().filter(|_| self.computes) {
                let weights = kernel::constants(sum).weights[first_weight + output..].iter();
                let weights = weights.step_by(sum.outputs as usize);
                let products = values.iter().copied().zip(weights);
                *total = super::arithmetic::accumulate(sum.accumulator, *total, products);
            }
        }
        if output.is_none() {
            for (output, total) in (0..).zip(totals) {
                self.write_partial(self.sum(stage, sums, (0, 0), output), total)?;
            }
            return Ok(());
        }
        let joined = self.read_joined(stage, (0, 0))?;
        for (output, total) in totals.iter_mut().enumerate().filter(|_| self.computes) {
            let added = joined.first().map_or(0, |joined| joined[output]);
            let bits = self.program.activation_bits;
            *total = kernel::of_sum(&stage.operation, sum, output, *total, added, bits);
        }
        self.deliver(stage, (0, 0), totals)
    }

    /// A sum that a stage keeps: of a dense layer's output, or a result.
    fn sum(&self, stage: &Stage, sums: SumArray, pixel: Pixel, output: u32) -> PartialValue {
        let shape = stage.plan.output;
        let value = (pixel.0 * shape.width + pixel.1) * shape.channels + output;
        let per_byte = 8 / self.program.activation_bits;
        PartialValue {
            keeper: stage.plan.node,
            pixel,
            value,
            first_cell: (sums.first_byte + value * sums.bytes_each) * per_byte,
            cells: sums.bytes_each * per_byte,
            signed: true,
        }
    }

    /// The channels of a pixel of a stage's `index`-th input. `at`: the output that
    /// it computes, or the pixel that it takes in.
    pub(super) fn read_arrived(
        &self,
        stage: &Stage,
        index: usize,
        pixel: Pixel,
        at: Pixel,
    ) -> Result<Vec<i64>, Fault> {
        let (value, arrival) = match index.checked_sub(1) {
            None => (stage.input, stage.plan.arrival),
            Some(joined) => (stage.joined[joined], stage.plan.joined[joined]),
        };
        // Where the field begins, which may be outside of the map.
        let (top, left) = if index == 0 && !stage.plan.takes {
            let field = stage.field;
            let first =
                |at: u32, stride: u32, before: u32| i64::from(at * stride) - i64::from(before);
            (
                first(at.0, field.stride.rows, field.top),
                first(at.1, field.stride.columns, field.left),
            )
        } else {
            (i64::from(at.0), i64::from(at.1))
        };
        let offset =
            |width: u32| (i64::from(pixel.0) - top) * i64::from(width) + i64::from(pixel.1) - left;
        let cell = match arrival {
            Arrival::Ring(reading) => {
                let ring = reading.ring;
                let first = reading.position.map_or(0, |position| {
                    (self.positions[position as usize] + reading.ahead) % ring.pixels
                });
                let slot = (i64::from(first) + offset(self.maps[&value].shape.width))
                    .rem_euclid(ring.pixels.into());
                ring.first_cell + slot as u32 * ring.channels
            }
            Arrival::Map(reading) => {
                let map = self.program.map(reading.value);
                let width = map.shape.width;
                let first = i64::from(self.positions[reading.position as usize])
                    - i64::from(reading.before);
                let index = (first + offset(width)).clamp(0, i64::from(map.shape.pixels()) - 1);
                map.cell((index as u32 / width, index as u32 % width))
            }
            Arrival::Window(windows) => {
                windows.first_cell
                    + pixel.0 % windows.bands * windows.band_cells()
                    + pixel.1 * windows.column_cells()
            }
            Arrival::Bytes | Arrival::Values => unreachable!("such pixels are nowhere"),
        };
        self.read_pixel_at(value, pixel, cell)
    }

    /// Hands the values of an output of a stage on.
    pub(super) fn deliver(
        &mut self,
        stage: &Stage,
        pixel: Pixel,
        values: Vec<i64>,
    ) -> Result<(), Fault> {
        match stage.plan.sink {
            Sink::Windows { .. } => {
                for (channel, &value) in (0..).zip(&values) {
                    self.compute(stage.writes, 0, pixel, channel, value)?;
                }
                let reader = self.program.stage_that_takes(stage.writes);
                self.merge(reader, pixel, &values)
            }
            Sink::Results(sums) => {
                for (output, value) in (0..).zip(values) {
                    self.write_partial(self.sum(stage, sums, pixel, output), value)?;
                }
                Ok(())
            }
            sink => {
                let cells = self.cells(stage.writes, values);
                for (channel, value) in (0..).zip(cells) {
                    self.deliver_value(sink, stage.writes, pixel, channel, value)?;
                }
                Ok(())
            }
        }
    }

    /// Stores a value of a pixel of that map; after the last channel, the position
    /// of the next one moves on.
    fn deliver_value(
        &mut self,
        sink: Sink,
        map: ValueId,
        pixel: Pixel,
        channel: u32,
        value: i64,
    ) -> Result<(), Fault> {
        let channels = self.maps[&map].shape.channels;
        let (cell, moves) = match sink {
            Sink::Ring(ring) => {
                let next = ring
                    .position
                    .map_or(0, |position| self.positions[position as usize]);
                (
                    ring.first_cell + next * channels,
                    ring.position.map(|position| (position, ring.pixels)),
                )
            }
            Sink::Map { value, position } => {
                let stored = self.program.map(value);
                let width = stored.shape.width;
                let index = match position {
                    None => pixel.0 * width + pixel.1,
                    Some(position) => self.positions[position as usize],
                };
                let cell = stored.cell((index / width, index % width));
                (
                    cell,
                    position.map(|position| (position, stored.shape.pixels())),
                )
            }
            Sink::Stays => {
                let windows = self.program.windows_of(map);
                let cell = windows.first_cell
                    + pixel.0 % windows.bands * windows.band_cells()
                    + pixel.1 * windows.column_cells();
                (cell, None)
            }
            Sink::Windows { .. } | Sink::Results(_) => unreachable!("whole pixels go there"),
        };
        self.store(map, cell, pixel, channel, value)?;
        if let Some((position, pixels)) = moves.filter(|_| channel + 1 == channels) {
            let next = &mut self.positions[position as usize];
            *next = (*next + 1) % pixels;
        }
        Ok(())
    }

    /// The results that a stage keeps.
    pub(super) fn read_kept_results(&mut self, stage: &Stage, sums: SumArray) -> Result<(), Fault> {
        let shape = stage.plan.output;
        for pixel in crate::plan::Order::RowMajor.pixels(shape.height, shape.width) {
            for output in 0..shape.channels {
                let value = self.read_partial(self.sum(stage, sums, pixel, output))?;
                self.results.push(value);
            }
        }
        Ok(())
    }

    fn content(partial: PartialValue, part: u32) -> Content {
        Content::Partial {
            keeper: partial.keeper,
            row: partial.pixel.0,
            value: partial.value,
            part,
        }
    }

    pub(super) fn read_partial(&self, partial: PartialValue) -> Result<i64, Fault> {
        let bits = self.program.activation_bits;
        let mut total = 0;
        for part in 0..partial.cells {
            let cell = partial.first_cell + part;
            let value = self
                .arena
                .read(cell, Self::content(partial, part), self.now)
                .map_err(|kind| self.fault(cell, kind))?;
            total |= value << (bits * part);
        }
        let width = bits * partial.cells;
        let negative = partial.signed && total >> (width - 1) == 1;
        Ok(total - (i64::from(negative) << width))
    }

    pub(super) fn write_partial(&mut self, partial: PartialValue, total: i64) -> Result<(), Fault> {
        let bits = self.program.activation_bits;
        let width = bits * partial.cells;
        let fits = if partial.signed {
            super::arithmetic::signed_range(width).contains(&total)
        } else {
            (0..1 << width).contains(&total)
        };
        if !fits {
            let kind = FaultKind::DoesNotFit { value: total };
            return Err(self.fault(partial.first_cell, kind));
        }
        let last = self.schedule.last_take(partial.keeper, partial.pixel);
        let dies = last.unwrap_or(self.now);
        for part in 0..partial.cells {
            let cell = partial.first_cell + part;
            let value = total >> (bits * part) & ((1 << bits) - 1);
            self.arena
                .write(cell, Self::content(partial, part), value, dies, self.now)
                .map_err(|kind| self.fault(cell, kind))?;
        }
        Ok(())
    }
}
