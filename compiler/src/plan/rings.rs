//! How much is kept of a map that is computed as the input arrives.

use super::timing::Lead;
use crate::network::Shape;

/// What a ring holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rings {
    /// What the next output reads: the least that there is.
    Pixels,
    /// What a row of outputs reads, for code that computes all of it when its last input is
    /// there. Code that computes pixel by pixel can use these too.
    Rows,
}

/// What code that computes whole rows reads of a map for one row of its outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowsRead {
    /// Rows of its field.
    pub field_rows: u32,
    /// Rows that are there beyond these, for it waits for another map.
    pub beyond: u32,
    /// Whether it reads the oldest one before the newest one is stored.
    pub oldest_before: bool,
}

impl RowsRead {
    /// What a field of that many rows reads of a map of which that lead is there. A row that comes
    /// byte by byte is stored while all rows of the field are still read.
    pub fn of(field_rows: u32, lead: Lead, arrives_byte_by_byte: bool) -> Self {
        Self {
            field_rows,
            beyond: lead.beyond,
            oldest_before: lead.comes_then && !arrives_byte_by_byte && field_rows + lead.beyond > 1,
        }
    }

    /// Rows that a ring holds for it.
    pub fn rows(self) -> u32 {
        self.field_rows + self.beyond - u32::from(self.oldest_before)
    }
}

/// A map whose readers compute whole rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowsOfRing {
    /// What of the map is used.
    pub(super) map: Shape,
    /// Rows that the reader needs which goes back the furthest.
    pub(super) rows: u32,
}

impl RowsOfRing {
    /// Pixels of the ring, of which that many are needed at any rate. It goes around between
    /// rows, or between pairs of pixels, which begin with a byte.
    pub(super) fn pixels(self, least: u32, cells_per_byte: u32) -> u32 {
        let Shape {
            width, channels, ..
        } = self.map;
        let least = least.max(self.rows * width);
        if least >= self.map.pixels() {
            return self.map.pixels();
        }
        let step = if width.is_multiple_of(2) { 2 } else { width };
        let mut pixels = least.next_multiple_of(step);
        while !(pixels * channels).is_multiple_of(cells_per_byte) {
            pixels += step;
        }
        pixels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_of_rows_goes_around_where_a_pair_of_pixels_or_a_row_ends() {
        let pixels = |(height, width, channels), least, arrives_byte_by_byte| {
            let at_once = Lead {
                beyond: 0,
                comes_then: true,
            };
            let rows = RowsOfRing {
                map: Shape::new(height, width, channels),
                rows: RowsRead::of(3, at_once, arrives_byte_by_byte).rows(),
            };
            rows.pixels(least, 2)
        };
        assert_eq!(pixels((14, 14, 1), 31, true), 3 * 14);
        assert_eq!(pixels((10, 10, 8), 23, false), 24);
        assert_eq!(pixels((12, 12, 5), 27, false), 28);
        assert_eq!(pixels((13, 13, 8), 29, false), 3 * 13);
        // Two rows end with a byte, three do not.
        assert_eq!(pixels((13, 13, 1), 29, false), 4 * 13);
        // All of the map.
        assert_eq!(pixels((3, 13, 1), 29, true), 3 * 13);
    }

    #[test]
    fn a_reader_that_waits_has_all_rows_from_its_field_on() {
        let rows = |field_rows, beyond, comes_then| {
            let lead = Lead { beyond, comes_then };
            RowsRead::of(field_rows, lead, false).rows()
        };
        assert_eq!(rows(1, 0, true), 1);
        assert_eq!(rows(1, 2, true), 2);
        assert_eq!(rows(3, 1, true), 3);
        // Its oldest row must still be there when it computes.
        assert_eq!(rows(3, 1, false), 4);
    }
}
