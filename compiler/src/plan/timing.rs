//! When the pixels of a streamed value are there.
//!
//! A segment runs over a grid of points, row by row. Where it computes as the
//! input arrives, a point is a pixel of the input; after the last column and the
//! last row come points at which nothing arrives any more, for outputs whose
//! fields reach beyond the map, so that at every point each node computes at
//! most one pixel.

use crate::network::{Kernel, ReceptiveField, Shape};

/// At which points of the grid the pixels of a value are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// By row.
    pub rows: AxisTiming,
    /// By column.
    pub columns: AxisTiming,
}

/// Row (or column) `i` of a value is computed at row (or column)
/// `i · stride + delay` of the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AxisTiming {
    /// Of the first one.
    pub delay: u32,
    /// From one to the next.
    pub stride: u32,
    /// How many there are.
    pub count: u32,
}

/// What of a value is there when a reader computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lead {
    /// Rows or columns after the last one of its field: it waits for another value.
    pub beyond: u32,
    /// Whether the newest one has come at that point, as long as there are any.
    pub comes_then: bool,
}

impl AxisTiming {
    /// The row or column that is computed at that one of the grid.
    pub fn at(self, point: u32) -> Option<u32> {
        let since = point.checked_sub(self.delay)?;
        let index = since / self.stride;
        (since.is_multiple_of(self.stride) && index < self.count).then_some(index)
    }

    /// Whether something is computed wherever that one computes.
    pub fn has_all_of(self, other: Self) -> bool {
        let Some(after) = other.delay.checked_sub(self.delay) else {
            return false;
        };
        let meets = after.is_multiple_of(self.stride)
            && (other.count == 1 || other.stride.is_multiple_of(self.stride));
        meets && other.last() <= self.last()
    }

    /// What of a value of this timing is there when a reader of that timing computes, whose fields
    /// have `side` rows or columns, `before` of which are before the map.
    pub fn lead(self, reader: Self, (side, before): (u32, u32)) -> Lead {
        let since = reader.delay.saturating_sub(self.delay);
        let of_field = side - 1 - before.min(side - 1);
        Lead {
            beyond: (since / self.stride).saturating_sub(of_field),
            comes_then: since.is_multiple_of(self.stride),
        }
    }

    /// The row or column of the grid of the last one.
    pub fn last(self) -> u32 {
        (self.count - 1) * self.stride + self.delay
    }
}

impl Timing {
    /// Of a map whose pixel `(row, column)` is there at that point.
    pub fn each(map: Shape) -> Self {
        let axis = |count| AxisTiming {
            delay: 0,
            stride: 1,
            count,
        };
        Self {
            rows: axis(map.height),
            columns: axis(map.width),
        }
    }

    /// Whether a pixel is computed wherever that one computes one.
    pub fn has_all_of(self, other: Self) -> bool {
        self.rows.has_all_of(other.rows) && self.columns.has_all_of(other.columns)
    }

    /// The pixel that is computed at a point.
    pub fn at(self, (row, column): (u32, u32)) -> Option<(u32, u32)> {
        Some((self.rows.at(row)?, self.columns.at(column)?))
    }

    /// Of the outputs, of that shape, of fields over a value of this timing: each
    /// as soon as the last pixel of its field is there, zeros included.
    pub fn after(self, field: &ReceptiveField, output: Shape) -> Self {
        let axis =
            |input: AxisTiming, (side, stride, before, count): (u32, u32, u32, u32)| AxisTiming {
                delay: input.delay + (side - 1 - before.min(side - 1)) * input.stride,
                stride: input.stride * stride,
                count,
            };
        Self {
            rows: axis(
                self.rows,
                (
                    field.kernel.height,
                    field.stride.rows,
                    field.top,
                    output.height,
                ),
            ),
            columns: axis(
                self.columns,
                (
                    field.kernel.width,
                    field.stride.columns,
                    field.left,
                    output.width,
                ),
            ),
        }
    }

    /// The later of both, of values that are read at the same pixel.
    ///
    /// `None` where their pixels come at different strides: no point has both.
    pub fn later(self, other: Self) -> Option<Self> {
        let axis = |a: AxisTiming, b: AxisTiming| {
            (a.stride == b.stride || a.count == 1).then_some(AxisTiming {
                delay: a.delay.max(b.delay),
                ..a
            })
        };
        Some(Self {
            rows: axis(self.rows, other.rows)?,
            columns: axis(self.columns, other.columns)?,
        })
    }

    /// Rows and columns of the grid up to the last pixel.
    pub fn grid(self) -> Kernel {
        Kernel {
            height: self.rows.last() + 1,
            width: self.columns.last() + 1,
        }
    }
}
