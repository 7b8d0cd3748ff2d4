//! Where values are.
//!
//! Every value has one place, said here once: whoever writes it and whoever reads
//! it go by that.

use super::placement::Placement;

/// Where a value is while it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nowhere: it is used up as it is computed, or returned.
    Nowhere,
    /// All of it is stored.
    Whole(Placement),
    /// Its newest pixels are stored.
    Ring(Ring),
    /// In the windows of the pooling that makes it, each as soon as it is complete.
    Windows(Windows),
    /// As sums, which are the results.
    Sums(SumArray),
}

/// The newest pixels of a map, in the order of their arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring {
    /// Its first cell, which begins a byte.
    pub first_cell: u32,
    /// Pixels that it holds. They end with a byte where they go around: then
    /// every other pixel of an odd count of nibbles begins in the middle of a
    /// byte, whichever is the oldest.
    pub pixels: u32,
    /// Cells of a pixel.
    pub channels: u32,
    /// Which of the cursor's positions is the slot of the pixel that is written
    /// next, where the ring holds several.
    pub position: Option<u32>,
}

impl Ring {
    /// Cells of all of it.
    pub fn cells(self) -> u32 {
        self.pixels * self.channels
    }
}

/// The windows of a pooling that are begun and not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// The first one's first cell, which begins a byte.
    pub first_cell: u32,
    /// How many at most: a row of them, or one where each is a single row; of
    /// windows that overlap, as many rows as a pixel is part of.
    pub count: u32,
    /// Rows of windows that a pixel is part of.
    pub bands: u32,
    /// Values of each.
    pub channels: u32,
    /// Cells of a value: the largest of them has one, a sum whole bytes.
    pub cells_per_value: u32,
    /// Cells of a byte: a window begins at one.
    pub cells_per_byte: u32,
}

impl Windows {
    /// Cells of a window.
    pub fn window_cells(self) -> u32 {
        let cells = self.channels * self.cells_per_value;
        cells.next_multiple_of(self.cells_per_byte)
    }

    /// Cells from a column's window to that of the next one, which may be in the
    /// same place.
    pub fn column_cells(self) -> u32 {
        if self.count == self.bands {
            0
        } else {
            self.window_cells()
        }
    }

    /// Cells from a row of windows to the next one of those that a pixel is part
    /// of: row `r` is in band `r % bands`.
    pub fn band_cells(self) -> u32 {
        self.cells() / self.bands
    }

    /// Bytes of a sum.
    pub fn bytes_per_value(self) -> u32 {
        self.cells_per_value / self.cells_per_byte
    }

    /// Cells of all.
    pub fn cells(self) -> u32 {
        self.count * self.window_cells()
    }
}

/// Sums, least byte first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SumArray {
    /// The first one's first byte in the arena.
    pub first_byte: u32,
    pub count: u32,
    /// Bytes of each.
    pub bytes_each: u32,
}

impl SumArray {
    /// Bytes of all.
    pub fn bytes(self) -> u32 {
        self.count * self.bytes_each
    }
}
