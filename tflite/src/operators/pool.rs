//! `AVERAGE_POOL_2D` and `MAX_POOL_2D`.

use super::call::{Call, map};
use super::requantise::Range;
use super::window::{Fields, Window};

/// What is made of the values of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolFunction {
    /// The mean of those inside of the map, rounded to the nearest, halves away from 0.
    Average,
    /// The most of those inside of the map.
    Maximum,
}

/// A value a channel of each window.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// What is made of a window.
    pub function: PoolFunction,
    /// Inputs that are computed one after the other.
    pub batch: usize,
    /// How windows slide.
    pub window: Window,
    /// Channels of the map.
    pub channels: usize,
    /// What the fused activation leaves.
    pub range: Range,
}

impl Pool {
    pub(super) fn read(call: &Call<'_>, function: PoolFunction) -> Result<Self, String> {
        let (input, output) = call.scales()?;
        if input != output {
            return Err(format!(
                "`{}` and `{}` stand for numbers by other scales or zero points: a pooling keeps \
                 them",
                call.input(0)?.name,
                call.output(0)?.name
            ));
        }
        let from = map(call.input(0)?)?;
        let side = |field| -> Result<usize, String> {
            let side = call.options.int(field, 0)?;
            usize::try_from(side).map_err(|_| format!("its window has a side of {side}"))
        };
        let (columns, rows) = (side(3)?, side(4)?);
        let fields = Fields {
            padding: 0,
            stride_columns: 1,
            stride_rows: 2,
            dilation: None,
        };
        let window = Window::read(call, from, (rows, columns), fields)?;
        call.makes(&[
            from.batch,
            window.rows.output,
            window.columns.output,
            from.channels,
        ])?;
        Ok(Self {
            function,
            batch: from.batch,
            window,
            channels: from.channels,
            range: Range::of_activation(call, 5, output)?,
        })
    }

    pub(super) fn compute(&self, input: &[i8]) -> Vec<i8> {
        let window = &self.window;
        let mut all = Vec::with_capacity(self.batch * window.output_pixels() * self.channels);
        for map in input.chunks_exact(window.input_pixels() * self.channels) {
            window.each(|taps| {
                for channel in 0..self.channels {
                    let values = taps
                        .iter()
                        .map(|&(_, pixel)| i32::from(map[pixel * self.channels + channel]));
                    let value = match self.function {
                        PoolFunction::Average => {
                            PoolFunction::average(values.sum(), taps.len() as i32)
                        }
                        PoolFunction::Maximum => values.max().unwrap_or(i8::MIN.into()),
                    };
                    all.push(self.range.clamp(value));
                }
            });
        }
        all
    }
}

impl PoolFunction {
    /// The mean of that many values, of their sum: rounded to the nearest, halves away from 0.
    pub fn average(sum: i32, count: i32) -> i32 {
        match sum {
            _ if count == 0 => 0,
            1.. => (sum + count / 2) / count,
            _ => (sum - count / 2) / count,
        }
    }
}
