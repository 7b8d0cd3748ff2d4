//! Which rows of a map a strip takes in, and when.

use super::layer::Convolution;
use super::strip::Strip;
use std::ops::Range;

impl Strip {
    /// Rows of the map that are taken in, the first one's index among them.
    fn rows_taken(&self, layer: &Convolution) -> (i64, i64) {
        let top = i64::from(layer.padding.0);
        let (advance, rows) = (i64::from(self.advance), i64::from(self.rows));
        let last = i64::from(self.steps_with_outputs - 1) * advance + rows - 1 - top;
        let taken = i64::from(self.steps) * advance;
        match layer.backward {
            false => (last + 1 - taken, last),
            true => (-top, -top + taken - 1),
        }
    }

    /// The row that is taken in first.
    pub(super) fn first_row(&self, layer: &Convolution) -> i64 {
        let (first, last) = self.rows_taken(layer);
        if layer.backward { last } else { first }
    }

    /// Whether a row that is taken in may be outside of the map.
    pub(super) fn looks_at_rows(&self, layer: &Convolution) -> bool {
        let (first, last) = self.rows_taken(layer);
        let skipped = i64::from(self.skipped_rows());
        let (first, last) = match layer.backward {
            false => (first + skipped, last),
            true => (first, last - skipped),
        };
        first < 0 || last >= i64::from(layer.input.height)
    }

    /// Rows that are new in each step.
    pub(super) fn new_rows(&self) -> u32 {
        self.advance.min(self.rows)
    }

    /// Rows before these that no output reads.
    pub(super) fn skipped_rows(&self) -> u32 {
        self.advance - self.new_rows()
    }

    /// Whether its rows begin at the lower half of a byte and at the upper one.
    pub(crate) fn has_phases(&self, layer: &Convolution) -> bool {
        layer.bits == 4 && layer.input.row_cells() % 2 == 1
    }

    /// Rows that are taken in after that step with outputs, the first one being 0.
    pub(crate) fn rows_left(&self, layer: &Convolution, step: u32) -> Range<u32> {
        let height = i64::from(layer.input.height);
        let inside = |row: i64| row.clamp(0, height) as u32;
        let top = i64::from(layer.padding.0);
        let taken = i64::from(step * self.advance);
        match layer.backward {
            false => inside(taken + i64::from(self.rows) - top)..layer.input.height,
            true => {
                let steps_left = i64::from(self.steps_with_outputs - 1 - step);
                0..inside(steps_left * i64::from(self.advance) - top)
            }
        }
    }
}
