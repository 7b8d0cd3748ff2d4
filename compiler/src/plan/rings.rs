//! How much is kept of a map that is computed as the input arrives.

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

/// A map whose readers compute whole rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowsOfRing {
    /// What of the map is used.
    pub(super) map: Shape,
    /// Rows of the highest field over it.
    pub(super) field_rows: u32,
    /// Whether a row comes into being over some time, while all rows above it that a field
    /// reads must stay; else they are read before it is stored.
    pub(super) arrives_byte_by_byte: bool,
}

impl RowsOfRing {
    /// Pixels of the ring, of which that many are needed at any rate. It goes around between
    /// rows, or between pairs of pixels, which begin with a byte.
    pub(super) fn pixels(self, least: u32, cells_per_byte: u32) -> u32 {
        let Shape {
            width, channels, ..
        } = self.map;
        let rows = match self.arrives_byte_by_byte {
            true => self.field_rows,
            false => (self.field_rows - 1).max(1),
        };
        let least = least.max(rows * width);
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
            let rows = RowsOfRing {
                map: Shape::new(height, width, channels),
                field_rows: 3,
                arrives_byte_by_byte,
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
}
