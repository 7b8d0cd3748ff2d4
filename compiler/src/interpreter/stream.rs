//! What runs while the input arrives: its bytes, and the stages.

use super::fault::{Content, Fault, FaultKind};
use super::schedule::{Keeper, Pixel, completed_by_intake};
use super::{Machine, kernel};
use crate::network::Kernel;
use crate::plan::{Arrival, Ring};
use crate::program::{Operation, Sink, Stage, WeightedSum};

/// A place for a value of a window, or for a sum.
#[derive(Clone, Copy)]
struct Partial {
    keeper: Keeper,
    /// The window, or the output.
    pixel: Pixel,
    /// Its place in the row of windows, or among the sums.
    value: u32,
    first_cell: u32,
    cells: u32,
    signed: bool,
}

impl Machine<'_> {
    /// A byte of the raw input.
    pub(super) fn take_in(&mut self, pixel: Pixel, channel: u32, byte: i64) -> Result<(), Fault> {
        let intake = self.program.intake;
        let completed = completed_by_intake(self.program, pixel);
        let value = match intake.pool {
            None => byte,
            Some(pool) => {
                let Kernel { height, width } = pool.window;
                let window = (pixel.0 / height, pixel.1 / width);
                if window.0 >= intake.output.height || window.1 >= intake.output.width {
                    return Ok(());
                }
                let per_byte = 8 / self.program.activation_bits;
                let sum = window.1 * pool.sums_per_column + channel;
                let partial = Partial {
                    keeper: Keeper::Intake,
                    pixel: window,
                    value: sum,
                    first_cell: (pool.sums_first_byte + 2 * sum) * per_byte,
                    cells: 2 * per_byte,
                    signed: false,
                };
                let begins = pixel.0.is_multiple_of(height) && pixel.1.is_multiple_of(width);
                let before = if begins {
                    0
                } else {
                    self.read_partial(partial)?
                };
                if completed.is_none() {
                    return self.write_partial(partial, before + byte);
                }
                before + byte
            }
        };
        match completed {
            None => Ok(()),
            Some(pixel) => {
                self.deliver_value(intake.sink, 0, pixel, channel, value >> intake.shift)
            }
        }
    }

    /// A stage computes an output, or takes an input in.
    pub(super) fn run_stage(&mut self, index: usize, pixel: Pixel) -> Result<(), Fault> {
        let stage = &self.program.stages[index];
        match &stage.operation {
            Operation::Convolution(_) | Operation::Separable { .. } => {
                let taps = stage.field.pixels(pixel);
                let taps = taps.map(|tap| self.read_arrived(index, tap, pixel));
                let taps: Vec<Vec<i64>> = taps.collect::<Result<_, _>>()?;
                let values = self.output_pixel(&stage.operation, &taps, stage.output.channels);
                self.deliver(index, pixel, values)
            }
            Operation::AveragePool { .. } | Operation::MaxPool => self.run_pooling(index, pixel),
            Operation::Dense(sum) => self.run_dense(index, sum, pixel),
        }
    }

    fn run_pooling(&mut self, index: usize, pixel: Pixel) -> Result<(), Fault> {
        let stage = &self.program.stages[index];
        let Kernel { height, width } = stage.field.kernel;
        if stage.arrival != Arrival::Values {
            let values = self.read_arrived(index, pixel, pixel)?;
            self.merge(index, pixel, &values)?;
        }
        if pixel.0 % height + 1 < height || pixel.1 % width + 1 < width {
            return Ok(());
        }
        let window = (pixel.0 / height, pixel.1 / width);
        let shift = match stage.operation {
            Operation::AveragePool { shift } => shift,
            _ => 0,
        };
        let values = (0..stage.output.channels)
            .map(|channel| {
                let partial = self.window(index, window, channel);
                Ok(self.read_partial(partial)? >> shift)
            })
            .collect::<Result<Vec<_>, Fault>>()?;
        self.deliver(index, window, values)
    }

    /// Takes a pixel into its window of stage `index`.
    fn merge(&mut self, index: usize, pixel: Pixel, values: &[i64]) -> Result<(), Fault> {
        let stage = &self.program.stages[index];
        let Kernel { height, width } = stage.field.kernel;
        let window = (pixel.0 / height, pixel.1 / width);
        let begins = pixel.0.is_multiple_of(height) && pixel.1.is_multiple_of(width);
        for (channel, &value) in (0..).zip(values) {
            let partial = self.window(index, window, channel);
            let merged = match (&stage.operation, begins) {
                (_, true) => value,
                (Operation::MaxPool, false) => self.read_partial(partial)?.max(value),
                (_, false) => self.read_partial(partial)? + value,
            };
            self.write_partial(partial, merged)?;
        }
        Ok(())
    }

    /// A value of a window of a pooling.
    fn window(&self, index: usize, window: Pixel, channel: u32) -> Partial {
        let stage = &self.program.stages[index];
        let windows = stage.windows().expect("a pooling keeps windows");
        let value = window.1 * windows.channels + channel;
        Partial {
            keeper: Keeper::Stage(index),
            pixel: window,
            value,
            first_cell: windows.first_cell
                + window.1 * windows.column_cells()
                + channel * windows.cells_per_value,
            cells: windows.cells_per_value,
            signed: stage.signed_input,
        }
    }

    fn run_dense(&mut self, index: usize, sum: &WeightedSum, pixel: Pixel) -> Result<(), Fault> {
        let stage = &self.program.stages[index];
        let values = self.read_arrived(index, pixel, pixel)?;
        let first_row = (pixel.0 * stage.input.width + pixel.1) * stage.input.channels;
        let is_last = (pixel.0 + 1, pixel.1 + 1) == (stage.input.height, stage.input.width);
        let outputs = sum.outputs as usize;
        let mut totals = Vec::with_capacity(outputs);
        for output in 0..outputs {
            let partial = self.sum(index, (0, 0), output as u32);
            if !self.computes {
                totals.push(0);
                continue;
            }
            let before = if first_row == 0 {
                0
            } else {
                self.read_partial(partial)?
            };
            let rows = &kernel::constants(sum).weights[first_row as usize * outputs + output..];
            let weights = rows.iter().step_by(outputs);
            let products = values.iter().copied().zip(weights);
            totals.push(super::arithmetic::accumulate(
                sum.accumulator,
                before,
                products,
            ));
        }
        if is_last && !self.computes {
            return self.deliver(index, (0, 0), totals);
        }
        if is_last {
            let bits = self.program.activation_bits;
            let finished = (0..).zip(totals);
            let finished =
                finished.map(|(output, total)| kernel::finished(sum, output, total, bits));
            return self.deliver(index, (0, 0), finished.collect());
        }
        for (output, total) in (0..).zip(totals) {
            self.write_partial(self.sum(index, (0, 0), output), total)?;
        }
        Ok(())
    }

    /// A sum that a stage keeps: of a dense layer's output, or a result.
    fn sum(&self, index: usize, pixel: Pixel, output: u32) -> Partial {
        let stage = &self.program.stages[index];
        let sums = stage.sums().expect("the stage keeps sums");
        let value = (pixel.0 * stage.output.width + pixel.1) * stage.output.channels + output;
        let per_byte = 8 / self.program.activation_bits;
        Partial {
            keeper: Keeper::Stage(index),
            pixel,
            value,
            first_cell: (sums.first_byte + value * sums.bytes_each) * per_byte,
            cells: sums.bytes_each * per_byte,
            signed: true,
        }
    }

    /// The channels of a pixel that has arrived at a stage, which computes the
    /// output `at`.
    fn read_arrived(&self, index: usize, pixel: Pixel, at: Pixel) -> Result<Vec<i64>, Fault> {
        let stage = &self.program.stages[index];
        let cell = match stage.arrival {
            Arrival::Ring(ring) => {
                let oldest = self.oldest(ring, stage);
                let behind = (pixel.0 - at.0) * stage.input.width + pixel.1 - at.1;
                ring.first_cell + (oldest + behind) % ring.pixels * ring.channels
            }
            Arrival::Window => {
                let before = &self.program.stages[index - 1];
                let windows = before.windows().expect("a pooling keeps windows");
                windows.first_cell + pixel.1 * windows.column_cells()
            }
            Arrival::Bytes | Arrival::Values => unreachable!("such pixels are nowhere"),
        };
        self.read_pixel_at(index, pixel, cell)
    }

    /// The place in a stage's ring of the first pixel of its field.
    fn oldest(&self, ring: Ring, stage: &Stage) -> u32 {
        let Some(position) = stage.ring_position else {
            return 0;
        };
        let kernel = stage.field.kernel;
        let live = (kernel.height - 1) * stage.input.width + kernel.width;
        let next = self.positions[position as usize];
        // A ring may hold a pixel more, so that it ends with a byte.
        (next + (ring.pixels - live.min(ring.pixels))) % ring.pixels
    }

    /// Hands the values of an output of stage `index` on.
    fn deliver(&mut self, index: usize, pixel: Pixel, values: Vec<i64>) -> Result<(), Fault> {
        let sink = self.program.stages[index].sink;
        match sink {
            Sink::Windows { .. } => {
                for (channel, &value) in (0..).zip(&values) {
                    self.compute(index + 1, 0, pixel, channel, value)?;
                }
                self.merge(index + 1, pixel, &values)
            }
            Sink::Results(_) => {
                for (output, value) in (0..).zip(values) {
                    self.write_partial(self.sum(index, pixel, output), value)?;
                }
                Ok(())
            }
            _ => {
                for (channel, value) in (0..).zip(values) {
                    self.deliver_value(sink, index + 1, pixel, channel, value)?;
                }
                Ok(())
            }
        }
    }

    /// Stores a value of a pixel of that map; behind the last channel, the
    /// position of the next one moves on.
    fn deliver_value(
        &mut self,
        sink: Sink,
        map: usize,
        pixel: Pixel,
        channel: u32,
        value: i64,
    ) -> Result<(), Fault> {
        let channels = self.maps[map].shape.channels;
        let (cell, moves) = match sink {
            Sink::Ring { ring, position } => {
                let next = position.map_or(0, |position| self.positions[position as usize]);
                (
                    ring.first_cell + next * channels,
                    position.zip(Some(ring.pixels)),
                )
            }
            Sink::Map { .. } => (self.program.maps[0].cell(pixel), None),
            Sink::Stays => {
                let windows = self.program.stages[map - 1].windows();
                let windows = windows.expect("a pixel stays in its window");
                (windows.first_cell + pixel.1 * windows.column_cells(), None)
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

    /// The results that the last stage keeps.
    pub(super) fn read_kept_results(&mut self) -> Result<(), Fault> {
        let last = self.program.stages.len() - 1;
        let shape = self.program.stages[last].output;
        for pixel in crate::plan::Order::RowMajor.pixels(shape.height, shape.width) {
            for output in 0..shape.channels {
                let value = self.read_partial(self.sum(last, pixel, output))?;
                self.results.push(value);
            }
        }
        Ok(())
    }

    fn content(partial: Partial, part: u32) -> Content {
        Content::Partial {
            keeper: match partial.keeper {
                Keeper::Intake => 0,
                Keeper::Stage(stage) => stage + 1,
            },
            row: partial.pixel.0,
            value: partial.value,
            part,
        }
    }

    fn read_partial(&self, partial: Partial) -> Result<i64, Fault> {
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

    fn write_partial(&mut self, partial: Partial, total: i64) -> Result<(), Fault> {
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
