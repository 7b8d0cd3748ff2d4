//! Walks over the receptive fields of a layer's outputs, and over the cells of
//! a map in the order in which it is stored.

/// Visits fields row by row.
///
/// Yields the offset of each field's first pixel. Strides are added modulo the
/// width of `usize`, so that a walk from the last row up is the same walk with
/// negative strides.
pub struct RowMajor {
    field: usize,
    column_stride: usize,
    row_step: usize,
    columns: usize,
    column: usize,
    rows: usize,
}

impl RowMajor {
    /// `rows` × `columns` fields, the first at `first`.
    #[inline(always)]
    pub const fn new(
        first: usize,
        (rows, columns): (usize, usize),
        (row_stride, column_stride): (usize, usize),
    ) -> Self {
        // From a row's last field to the first of the next row.
        let row_step = row_stride.wrapping_sub(column_stride.wrapping_mul(columns.wrapping_sub(1)));
        Self {
            field: first,
            column_stride,
            row_step,
            columns,
            column: 0,
            rows,
        }
    }
}

impl Iterator for RowMajor {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        if self.rows == 0 {
            return None;
        }
        let field = self.field;
        self.column = self.column.wrapping_add(1);
        if self.column == self.columns {
            self.column = 0;
            self.rows = self.rows.wrapping_sub(1);
            self.field = field.wrapping_add(self.row_step);
        } else {
            self.field = field.wrapping_add(self.column_stride);
        }
        Some(field)
    }
}

/// Visits fields line by line: the top row and the left column of what is left
/// in turn, or lines of the shorter side while that is not square (Gural &
/// Murmann 2019, section 4.2).
///
/// Yields the offset of each field's first pixel.
pub struct Herringbone {
    /// The first field of what is left.
    corner: usize,
    field: usize,
    row_stride: usize,
    column_stride: usize,
    /// Rows and columns of what is left.
    rows: usize,
    columns: usize,
    /// Fields of this line that are visited.
    visited: usize,
}

impl Herringbone {
    /// `rows` × `columns` fields, the first at `first`.
    #[inline(always)]
    pub const fn new(
        first: usize,
        (rows, columns): (usize, usize),
        (row_stride, column_stride): (usize, usize),
    ) -> Self {
        Self {
            corner: first,
            field: first,
            row_stride,
            column_stride,
            rows,
            columns,
            visited: 0,
        }
    }
}

impl Iterator for Herringbone {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        if self.rows == 0 || self.columns == 0 {
            return None;
        }
        let field = self.field;
        self.visited = self.visited.wrapping_add(1);
        if self.columns > self.rows {
            self.field = field.wrapping_add(self.row_stride);
            if self.visited == self.rows {
                self.columns = self.columns.wrapping_sub(1);
                self.corner = self.corner.wrapping_add(self.column_stride);
                (self.field, self.visited) = (self.corner, 0);
            }
        } else {
            self.field = field.wrapping_add(self.column_stride);
            if self.visited == self.columns {
                self.rows = self.rows.wrapping_sub(1);
                self.corner = self.corner.wrapping_add(self.row_stride);
                (self.field, self.visited) = (self.corner, 0);
            }
        }
        Some(field)
    }
}

/// The cells of a map's pixels, in the order in which they are stored.
pub struct Pixels {
    cell: usize,
    stride: usize,
    before_wrap: usize,
}

impl Pixels {
    /// From `first` on, `stride` cells apart; after `before_wrap` pixels the
    /// next one is at cell 0.
    #[inline(always)]
    pub const fn new(first: usize, stride: usize, before_wrap: usize) -> Self {
        Self {
            cell: first,
            stride,
            before_wrap,
        }
    }

    /// The next pixel's first cell.
    #[inline(always)]
    pub fn next_cell(&mut self) -> usize {
        let cell = self.cell;
        self.before_wrap = self.before_wrap.wrapping_sub(1);
        self.cell = if self.before_wrap == 0 {
            0
        } else {
            cell.wrapping_add(self.stride)
        };
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_down_and_up() {
        assert!(RowMajor::new(5, (2, 3), (10, 1)).eq([5, 6, 7, 15, 16, 17]));
        let up = 0usize.wrapping_sub(1);
        let rows_up = 0usize.wrapping_sub(10);
        assert!(RowMajor::new(17, (2, 3), (rows_up, up)).eq([17, 16, 15, 7, 6, 5]));
    }

    #[test]
    fn herringbone_peels_rows_and_columns_in_turn() {
        assert!(Herringbone::new(0, (3, 3), (10, 1)).eq([0, 1, 2, 10, 20, 11, 12, 21, 22]));
    }

    #[test]
    fn herringbone_makes_a_rectangle_square_first() {
        assert!(Herringbone::new(0, (1, 3), (10, 1)).eq([0, 1, 2]));
        assert!(Herringbone::new(0, (3, 1), (10, 1)).eq([0, 10, 20]));
        assert!(Herringbone::new(0, (2, 4), (10, 2)).eq([0, 10, 2, 12, 4, 6, 14, 16]));
        assert!(Herringbone::new(0, (3, 2), (10, 1)).eq([0, 1, 10, 11, 20, 21]));
    }

    #[test]
    fn stored_pixels_wrap_once() {
        let mut pixels = Pixels::new(10, 3, 2);
        assert_eq!([(); 4].map(|()| pixels.next_cell()), [10, 13, 0, 3]);
    }
}
