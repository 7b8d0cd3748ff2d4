//! What a network computes of samples before its first layer: the key `features`, its tables, and
//! the rows that come of samples on this machine, as on the chip.

mod bank;
mod mel;
mod statistics;

use std::fmt;

pub use bank::Bank;
pub use mel::{Mel, RowValues};
pub use statistics::{Statistic, StatisticSet, Statistics};

use crate::network::Shape;
use crate::weights::Normalisation;

/// Features of overlapping frames of samples: each frame becomes a row of the network's input.
///
/// `docs/features.md` says exactly what is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Features {
    /// Energies of bands of sound, or their cosine transform: `log_mel` and `mfcc`.
    Mel(Mel),
    /// Simple statistics of each channel: `statistics`.
    Statistics(Statistics),
}

impl Features {
    /// Values of a row.
    pub fn row_values(&self) -> u32 {
        match self {
            Self::Mel(mel) => mel.row_values(),
            Self::Statistics(statistics) => statistics.row_values(),
        }
    }

    /// Rows of an input of that shape; `None` where it does not consist of whole rows.
    pub fn rows(&self, input: Shape) -> Option<u32> {
        let values = self.row_values();
        let is_row = [input.width * input.channels, input.channels].contains(&values);
        is_row.then(|| input.values() / values)
    }

    /// Channels that samples are of.
    pub fn channels(&self) -> u32 {
        match self {
            Self::Mel(_) => 1,
            Self::Statistics(statistics) => statistics.channels,
        }
    }

    /// Samples of which an input of that shape is made, of all channels.
    pub fn samples(&self, input: Shape) -> u32 {
        self.moments(input) * self.channels()
    }

    /// Samples of each channel of which an input of that shape is made; 0 where it has no whole
    /// rows.
    pub fn moments(&self, input: Shape) -> u32 {
        let (frame, hop) = match self {
            Self::Mel(mel) => (mel.frame, mel.hop),
            Self::Statistics(statistics) => (statistics.frame, statistics.hop),
        };
        match self.rows(input) {
            Some(rows) => frame + (rows - 1) * hop,
            None => 0,
        }
    }

    /// Samples a second, in hertz, where that matters.
    pub fn rate_hertz(&self) -> Option<u32> {
        match self {
            Self::Mel(mel) => Some(mel.rate_hertz),
            Self::Statistics(_) => None,
        }
    }

    /// Bytes of SRAM of the samples of a frame, with those that begin the next one.
    pub fn frame_bytes(&self) -> u32 {
        match self {
            Self::Mel(mel) => 2 * (mel.frame + mel.kept() + 1),
            Self::Statistics(statistics) => 2 * (statistics.frame_samples() + 1),
        }
    }

    /// Bytes of flash of its tables.
    pub fn table_bytes(&self) -> u32 {
        match self {
            Self::Mel(mel) => mel.table_bytes(),
            Self::Statistics(_) => 0,
        }
    }

    /// The scales from a row's values to bytes of an input of that shape where none are fitted.
    pub fn default_normalisation(&self, input: Shape) -> Normalisation {
        Normalisation {
            counts_per_unit: 1.0,
            scales: match self {
                Self::Mel(mel) => vec![mel.default_scale()],
                Self::Statistics(statistics) => statistics.default_scales(input),
            },
        }
    }

    /// The values of the rows of a recording, whose samples are of one channel after the other: as
    /// the chip computes them.
    pub fn of_samples(&self, samples: &[i16]) -> Vec<i16> {
        match self {
            Self::Mel(mel) => mel.of_samples(samples),
            Self::Statistics(statistics) => statistics.of_samples(samples),
        }
    }
}

/// As a declaration writes it, all of it.
impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mel(mel) => mel.fmt(f),
            Self::Statistics(statistics) => statistics.fmt(f),
        }
    }
}
