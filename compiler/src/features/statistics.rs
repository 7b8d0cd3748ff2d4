use std::fmt;

use herringbone_features::{Statistics as Frame, StatisticsDesign};

use crate::network::Shape;
use crate::weights::Scale;

/// Simple statistics of each channel of overlapping frames: a frame becomes a row of the network's
/// input, all statistics of a channel and then of the next.
///
/// `docs/features.md` says exactly what is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Channels that samples are of, one after the other: 1 to 16.
    pub channels: u32,
    /// Samples of a frame, of each channel: a power of two, 8 to 512.
    pub frame: u32,
    /// Samples of each channel from one frame to the next: 1 to `frame`.
    pub hop: u32,
    /// Which statistics a row has of a channel: some.
    pub values: StatisticSet,
    /// Mean squares below 2^`floor`, in counts², are taken for that: 0 to 30.
    pub floor: u32,
}

/// A statistic of the samples of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// Their mean.
    Mean,
    /// The logarithm of their mean square about the mean.
    Energy,
    /// How often they cross the mean.
    Crossings,
    /// The logarithm of the mean absolute difference of neighbours.
    Difference,
}

/// Some statistics, in the order of [`Statistic::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatisticSet {
    bits: u8,
}

impl Statistic {
    /// All, in the order in which a row has them.
    pub const ALL: [Self; StatisticsDesign::VALUES] =
        [Self::Mean, Self::Energy, Self::Crossings, Self::Difference];

    /// As a declaration writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Energy => "energy",
            Self::Crossings => "crossings",
            Self::Difference => "difference",
        }
    }

    const fn bit(self) -> u8 {
        1 << match self {
            Self::Mean => StatisticsDesign::MEAN,
            Self::Energy => StatisticsDesign::ENERGY,
            Self::Crossings => StatisticsDesign::CROSSINGS,
            Self::Difference => StatisticsDesign::DIFFERENCE,
        }
    }
}

impl StatisticSet {
    /// All of them.
    pub const ALL: Self = Self {
        bits: (1 << StatisticsDesign::VALUES) - 1,
    };

    /// None of them.
    pub const NONE: Self = Self { bits: 0 };

    /// The same and that one.
    #[must_use]
    pub const fn with(self, statistic: Statistic) -> Self {
        Self {
            bits: self.bits | statistic.bit(),
        }
    }

    /// Whether it has that one.
    pub const fn has(self, statistic: Statistic) -> bool {
        self.bits & statistic.bit() != 0
    }

    /// Those that it has.
    pub fn iter(self) -> impl Iterator<Item = Statistic> {
        let all = Statistic::ALL.into_iter();
        all.filter(move |&statistic| self.has(statistic))
    }

    /// How many it has.
    pub const fn count(self) -> u32 {
        self.bits.count_ones()
    }
}

impl Statistics {
    /// Frames of samples that there are.
    pub const FRAMES: [u32; 7] = [8, 16, 32, 64, 128, 256, 512];
    /// The most channels.
    pub const MOST_CHANNELS: u32 = 16;
    /// The greatest floor.
    pub const MOST_FLOOR: u32 = 30;

    /// Values of a row.
    pub fn row_values(&self) -> u32 {
        self.channels * self.values.count()
    }

    /// What the chip computes by.
    pub fn design(&self) -> StatisticsDesign {
        StatisticsDesign {
            channels: self.channels as u8,
            frame_bits: self.frame.trailing_zeros() as u8,
            kept: ((self.frame - self.hop) * self.channels) as u16,
            values: self.values.bits,
            floor: self.floor as u8,
        }
    }

    /// Samples of a frame, of all channels.
    pub fn frame_samples(&self) -> u32 {
        self.frame * self.channels
    }

    /// The scales from a row's values to bytes where none are fitted, of each of the input's
    /// channels.
    pub(super) fn default_scales(&self, input: Shape) -> Vec<Scale> {
        let scale = |statistic: Statistic| match statistic {
            Statistic::Mean => Scale {
                offset: i16::MIN,
                multiplier: 1,
                shift: 8,
            },
            Statistic::Energy => Scale {
                offset: 256 * self.floor as i16,
                multiplier: 1,
                shift: 5,
            },
            Statistic::Crossings => Scale {
                offset: 0,
                multiplier: (256 / self.frame).max(1) as u8,
                shift: u8::from(self.frame > 256),
            },
            Statistic::Difference => Scale {
                offset: 128 * self.floor as i16,
                multiplier: 1,
                shift: 4,
            },
        };
        let of_channel: Vec<Scale> = self.values.iter().map(scale).collect();
        let scales = of_channel.iter().cycle().copied();
        scales.take(input.channels as usize).collect()
    }

    /// The rows of a recording, whose samples are of one channel after the other.
    pub(super) fn of_samples(&self, samples: &[i16]) -> Vec<i16> {
        match self.frame {
            8 => self.by_channel::<8>(samples),
            16 => self.by_channel::<16>(samples),
            32 => self.by_channel::<32>(samples),
            64 => self.by_channel::<64>(samples),
            128 => self.by_channel::<128>(samples),
            256 => self.by_channel::<256>(samples),
            _ => self.by_channel::<512>(samples),
        }
    }

    /// Channels have nothing to do with each other: each by itself is a design of one.
    fn by_channel<const FRAME: usize>(&self, samples: &[i16]) -> Vec<i16> {
        let design = StatisticsDesign {
            channels: 1,
            kept: 0,
            ..self.design()
        };
        let channels = self.channels as usize;
        let frame_samples = self.frame_samples() as usize;
        let hop_samples = self.hop as usize * channels;
        let mut values = Vec::new();
        for samples in samples.windows(frame_samples).step_by(hop_samples) {
            for channel in 0..channels {
                let mut frame = Frame::<FRAME>::new();
                for &sample in samples.iter().skip(channel).step_by(channels) {
                    frame.push(sample);
                }
                let mut row = frame.begin_row(&design);
                values.extend(std::iter::from_fn(|| frame.next_value(&mut row, &design)));
            }
        }
        values
    }
}

/// As a declaration writes it, all of it.
impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            channels,
            frame,
            hop,
            values,
            floor,
        } = self;
        let values: Vec<_> = values.iter().map(Statistic::name).collect();
        write!(
            f,
            "statistics {{ channels: {channels}, frame: {frame}, hop: {hop}, values: [{}], \
             floor: {floor} }}",
            values.join(", ")
        )
    }
}
