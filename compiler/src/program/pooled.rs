//! A convolution together with the maximum of its windows: of no window is more kept than the
//! largest sums, and what the convolution makes is never stored.

use super::{Pooling, Program, Step};
use crate::network::{Kernel, ReceptiveField, Stride};
use crate::plan::Order;
use std::ops::Range;

/// Two steps that can be computed as one.
#[derive(Clone, Copy, Debug)]
pub struct PooledConvolution<'a> {
    pub convolution: &'a Step,
    /// A maximum over windows that touch.
    pub pooling: &'a Step,
    /// The order of the windows.
    pub order: Order,
}

impl<'a> PooledConvolution<'a> {
    /// `None` where they can't, or another node reads what the convolution makes. Outputs are stored earlier than the plan says, and in another
    /// order: none may lie where the convolution has something still to read.
    pub fn of(program: &Program, convolution: &'a Step, pooling: &'a Step) -> Option<Self> {
        let is_maximum = pooling.operation.pooling() == Some(Pooling::Maximum);
        let is_convolution = convolution.operation.convolution().is_some();
        let follows = pooling.input == convolution.writes && pooling.stores;
        let is_alone = convolution.joined.is_empty() && pooling.joined.is_empty();
        let touches = pooling.field.is_tiled();
        if !(is_maximum && is_convolution && follows && is_alone && touches)
            || program.is_read_twice(convolution.writes)
        {
            return None;
        }
        let output = program.map(pooling.writes);
        if !pooling.order.goes_row_by_row() || output.wraps() {
            return None;
        }
        let orders = [Order::RowMajor, Order::RowMajorBackward];
        orders
            .into_iter()
            .map(|order| Self {
                convolution,
                pooling,
                order,
            })
            .find(|it| it.keeps_its_inputs(program))
    }

    /// The convolution's field at the first pixel of each window.
    pub fn field(&self) -> ReceptiveField {
        let field = self.convolution.field;
        let window = self.window();
        ReceptiveField {
            stride: Stride {
                rows: field.stride.rows * window.height,
                columns: field.stride.columns * window.width,
            },
            outputs: self.pooling.field.outputs,
            ..field
        }
    }

    /// Outputs of the convolution that a window has.
    pub fn window(&self) -> Kernel {
        self.pooling.field.kernel
    }

    /// The convolution as one that makes what the pooling makes, were its windows of one pixel.
    pub fn step(&self) -> Step {
        Step {
            field: self.field(),
            order: self.order,
            writes: self.pooling.writes,
            output: self.pooling.output,
            stores: self.pooling.stores,
            ..self.convolution.clone()
        }
    }

    fn keeps_its_inputs(&self, program: &Program) -> bool {
        let input = program.map(self.convolution.input);
        let output = program.map(self.pooling.writes);
        let field = self.field();
        let (window, stride) = (self.window(), self.convolution.field.stride);
        // Of a map's axis, what the windows with that number read.
        let rows = Axis {
            step: field.stride.rows,
            before: field.top,
            reads: (window.height - 1) * stride.rows + field.kernel.height,
        };
        let columns = Axis {
            step: field.stride.columns,
            before: field.left,
            reads: (window.width - 1) * stride.columns + field.kernel.width,
        };
        let (height, width) = (field.outputs.height, field.outputs.width);
        let number = |row: u32, column: u32| match self.order {
            Order::RowMajor => row * width + column,
            Order::RowMajorBackward => (height - 1 - row) * width + (width - 1 - column),
            Order::Herringbone => unreachable!("windows are gone through row by row"),
        };
        // Of each cell, the last window that reads it.
        let mut last_reader = vec![0; (program.arena_bytes * 8 / program.activation_bits) as usize];
        for row in 0..input.shape.height {
            for column in 0..input.shape.width {
                let (rows, columns) = (rows.readers(row, height), columns.readers(column, width));
                if rows.is_empty() || columns.is_empty() {
                    continue;
                }
                let last =
                    number(rows.start, columns.start).max(number(rows.end - 1, columns.end - 1));
                let first = input.cell((row, column)) as usize;
                let cells = &mut last_reader[first..][..input.shape.channels as usize];
                cells.fill(last);
            }
        }
        (0..height).all(|row| {
            (0..width).all(|column| {
                let first = output.cell((row, column)) as usize;
                let cells = &last_reader[first..][..output.shape.channels as usize];
                cells.iter().all(|&last| last <= number(row, column))
            })
        })
    }
}

/// Rows or columns, and windows along them.
#[derive(Clone, Copy, Debug)]
struct Axis {
    /// From a window to the next.
    step: u32,
    /// How many the first one begins before the map.
    before: u32,
    /// How many a window reads.
    reads: u32,
}

impl Axis {
    /// Which of that many windows read a row or column.
    fn readers(self, at: u32, windows: u32) -> Range<u32> {
        let at = at + self.before;
        let first = (at + 1).saturating_sub(self.reads).div_ceil(self.step);
        first..(at / self.step + 1).min(windows)
    }
}
