//! Sizes of feature maps and of the windows over them.

use std::fmt;

/// The row and the column of a pixel.
pub type Pixel = (u32, u32);

/// The shape of a feature map: rows, columns and channels, stored channels last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
    /// Values of a pixel.
    pub channels: u32,
}

impl Shape {
    /// A shape of `height` × `width` × `channels`.
    pub const fn new(height: u32, width: u32, channels: u32) -> Self {
        Self {
            height,
            width,
            channels,
        }
    }

    /// Positions of the map: height × width.
    pub const fn pixels(self) -> u32 {
        self.height.saturating_mul(self.width)
    }

    /// Values of the map: height × width × channels.
    pub const fn values(self) -> u32 {
        self.pixels().saturating_mul(self.channels)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}×{}", self.height, self.width, self.channels)
    }
}

/// The size of a kernel or of a pooling window, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
}

impl Kernel {
    /// A kernel of `side` × `side` pixels.
    pub const fn square(side: u32) -> Self {
        Self {
            height: side,
            width: side,
        }
    }

    /// As the declaration writes it: `3`, or rows and columns, `1x5`.
    pub fn written(self) -> String {
        written(self.height, self.width)
    }

    /// Pixels of the kernel.
    pub const fn taps(self) -> u32 {
        self.height.saturating_mul(self.width)
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.height, self.width)
    }
}

/// Rows and columns as the declaration writes them: `3` where both are equal.
pub(super) fn written(rows: u32, columns: u32) -> String {
    if rows == columns {
        rows.to_string()
    } else {
        format!("{rows}x{columns}")
    }
}
