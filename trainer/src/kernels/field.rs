//! Which pixels of two maps a window connects, line by line.

use std::ops::Range;

use herringbone_compiler::network::ReceptiveField;

use super::{EXAMPLES, MapShape};

/// What windows connect, along both axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) rows: Axis,
    pub(crate) columns: Axis,
}

/// Rows, or columns, of windows: the one at an output begins at input `output · stride −
/// before`, and is only read where it is inside the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    pub(crate) taps: usize,
    pub(super) stride: usize,
    before: usize,
    inputs: usize,
    pub(crate) outputs: usize,
}

impl From<ReceptiveField> for Field {
    fn from(field: ReceptiveField) -> Self {
        let ReceptiveField {
            kernel,
            stride,
            top,
            left,
            map,
            outputs,
        } = field;
        let axis = |[taps, stride, before, inputs, outputs]: [u32; 5]| Axis {
            taps: taps as usize,
            stride: stride as usize,
            before: before as usize,
            inputs: inputs as usize,
            outputs: outputs as usize,
        };
        Self {
            rows: axis([kernel.height, stride.rows, top, map.height, outputs.height]),
            columns: axis([kernel.width, stride.columns, left, map.width, outputs.width]),
        }
    }
}

/// A pair of pixels that a tap connects.
pub(super) struct Connection {
    /// Where they begin in the blocks of the input and of the output.
    pub(super) input: usize,
    pub(super) output: usize,
    pub(super) tap: usize,
}

impl Field {
    pub(crate) fn taps(&self) -> usize {
        self.rows.taps * self.columns.taps
    }

    /// The shape of the map that the windows are over.
    pub(crate) fn input(&self, channels: usize) -> MapShape {
        MapShape {
            height: self.rows.inputs,
            width: self.columns.inputs,
            channels,
        }
    }

    /// The shape of what is made of it.
    pub(crate) fn output(&self, channels: usize) -> MapShape {
        MapShape {
            height: self.rows.outputs,
            width: self.columns.outputs,
            channels,
        }
    }

    /// Runs `pair` with every pair of pixels, output by output, of maps with as many
    /// channels.
    #[inline(always)]
    pub(super) fn connect(self, channels: usize, mut pair: impl FnMut(Connection)) {
        let pixel = channels * EXAMPLES;
        let Self { rows, columns } = self;
        for row in 0..rows.outputs {
            for column in 0..columns.outputs {
                let output = (row * columns.outputs + column) * pixel;
                for tap_row in rows.inside(row) {
                    let input_row = rows.input(row, tap_row) * columns.inputs;
                    for tap_column in columns.inside(column) {
                        pair(Connection {
                            input: (input_row + columns.input(column, tap_column)) * pixel,
                            output,
                            tap: tap_row * columns.taps + tap_column,
                        });
                    }
                }
            }
        }
    }
}

impl Axis {
    /// The taps of an output's window that are inside the map.
    #[inline(always)]
    pub(super) fn inside(self, output: usize) -> Range<usize> {
        let first = output * self.stride;
        let start = self.before.saturating_sub(first).min(self.taps);
        let end = (self.before + self.inputs).saturating_sub(first);
        start..end.clamp(start, self.taps)
    }

    /// What a tap of an output's window reads, which must be inside the map.
    #[inline(always)]
    pub(super) fn input(self, output: usize, tap: usize) -> usize {
        output * self.stride + tap - self.before
    }

    /// The outputs of which that tap is inside the map.
    #[inline(always)]
    pub(super) fn outputs_of(self, tap: usize) -> Range<usize> {
        let start = self.before.saturating_sub(tap).div_ceil(self.stride);
        let end = (self.before + self.inputs).saturating_sub(tap);
        let end = end.div_ceil(self.stride).min(self.outputs);
        start.min(end)..end
    }

    /// The taps that read each input, with the output of each.
    pub(super) fn readers(self) -> Vec<Vec<(usize, usize)>> {
        let mut readers = vec![Vec::new(); self.inputs];
        for tap in 0..self.taps {
            for output in self.outputs_of(tap) {
                readers[self.input(output, tap)].push((tap, output));
            }
        }
        readers
    }

    /// The taps that each output reads by, with the input of each.
    pub(super) fn reads(self) -> Vec<Vec<(usize, usize)>> {
        let taps = |output| {
            let inside = self.inside(output);
            inside.map(move |tap| (tap, self.input(output, tap)))
        };
        (0..self.outputs)
            .map(|output| taps(output).collect())
            .collect()
    }
}
