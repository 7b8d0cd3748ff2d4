use std::fmt;

use crate::Problems;

/// The raw input that a network takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputShape {
    /// Rows: 1 to 65,535, and 1 for a time series.
    pub height: u32,
    /// Columns: 1 to 65,535.
    pub width: u32,
    /// Values a pixel: 1 to 255.
    pub channels: u32,
}

impl InputShape {
    /// Values, and so bytes, of an input: height × width × channels.
    pub const fn values(self) -> usize {
        self.height as usize * self.width as usize * self.channels as usize
    }

    pub(crate) fn check(self) -> Result<(), Problems> {
        let sides = [self.height, self.width];
        if sides.iter().all(|side| (1..=65_535).contains(side))
            && (1..=255).contains(&self.channels)
        {
            Ok(())
        } else {
            Err(format!(
                "an input of {self}: its rows and columns must each be 1 to 65535, its \
                     channels 1 to 255"
            )
            .into())
        }
    }
}

/// `28×28×1`: rows, columns, channels.
impl fmt::Display for InputShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}×{}", self.height, self.width, self.channels)
    }
}
