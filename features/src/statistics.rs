use crate::fourier::{load, store};
use crate::logarithm;

/// Samples of a few channels on their way to a row of statistics: `SAMPLES` of them, as many of each
/// channel, channels last.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Statistics<const SAMPLES: usize> {
    samples: [i16; SAMPLES],
    filled: u16,
}

/// What a row of statistics consists of.
#[derive(Clone, Copy, Debug)]
pub struct StatisticsDesign {
    /// Channels that samples are of: 1 to 16.
    pub channels: u8,
    /// A frame has 2 to the power of this many samples of each channel: 3 to 9.
    pub frame_bits: u8,
    /// Samples, of all channels, that the next frame begins with.
    pub kept: u16,
    /// Which statistics: bit n for the one at n in [`Self::MEAN`] and its like.
    pub values: u8,
    /// The least mean square, in octaves.
    pub floor: u8,
}

/// How far a row is.
#[derive(Clone, Debug)]
pub struct StatisticsRow {
    channel: u8,
    value: u8,
    /// All statistics of the channel.
    values: [i16; StatisticsDesign::VALUES],
}

impl StatisticsDesign {
    /// How many statistics there are.
    pub const VALUES: usize = 4;
    /// The mean, in counts.
    pub const MEAN: u8 = 0;
    /// The mean square of what is left without the mean, in 256ths of an octave.
    pub const ENERGY: u8 = 1;
    /// How often samples go from below the mean to it or beyond, and back.
    pub const CROSSINGS: u8 = 2;
    /// The mean absolute difference of a sample and the one before, in 256ths of an octave.
    pub const DIFFERENCE: u8 = 3;
}

impl<const SAMPLES: usize> Statistics<SAMPLES> {
    /// A frame without samples.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            samples: [0; SAMPLES],
            filled: 0,
        }
    }

    /// Forgets all samples.
    #[inline]
    pub fn restart(&mut self) {
        self.filled = 0;
    }

    /// Takes the next sample, of one channel after the other. Whether the frame is full: then the
    /// values of its row are to be taken before the next one.
    #[inline]
    pub fn push(&mut self, sample: i16) -> bool {
        store(&mut self.samples, self.filled.into(), sample);
        self.filled = self.filled.saturating_add(1);
        usize::from(self.filled) >= SAMPLES
    }

    /// Begins the row of a full frame.
    #[must_use]
    pub fn begin_row(&self, design: &StatisticsDesign) -> StatisticsRow {
        let mut row = StatisticsRow {
            channel: 0,
            value: 0,
            values: [0; StatisticsDesign::VALUES],
        };
        self.compute(&mut row, design);
        row
    }

    /// The next value of that row, of all statistics of a channel and then of the next: `None`
    /// after the last one, when the frame takes samples again.
    #[inline(never)]
    pub fn next_value(
        &mut self,
        row: &mut StatisticsRow,
        design: &StatisticsDesign,
    ) -> Option<i16> {
        loop {
            let Some(&value) = row.values.get(usize::from(row.value)) else {
                row.channel += 1;
                row.value = 0;
                if row.channel >= design.channels {
                    self.keep(design.kept);
                    return None;
                }
                self.compute(row, design);
                continue;
            };
            let is_wanted = design.values >> row.value & 1 == 1;
            row.value += 1;
            if is_wanted {
                return Some(value);
            }
        }
    }

    /// Moves the newest samples to where the next frame begins.
    fn keep(&mut self, kept: u16) {
        let mut index = 0;
        let from = SAMPLES.saturating_sub(usize::from(kept));
        while index < usize::from(kept) {
            let sample = load(&self.samples, from + index);
            store(&mut self.samples, index, sample);
            index += 1;
        }
        self.filled = kept;
    }

    /// All statistics of a row's channel, as `docs/features.md` says.
    #[inline(never)]
    fn compute(&self, row: &mut StatisticsRow, design: &StatisticsDesign) {
        let (first, step) = (usize::from(row.channel), usize::from(design.channels));
        let mut sum = 0_i32;
        let mut moved = 0_u32;
        let mut before = load(&self.samples, first);
        let mut index = first;
        while index < SAMPLES {
            let sample = load(&self.samples, index);
            sum += i32::from(sample);
            moved += u32::from(sample.abs_diff(before));
            before = sample;
            index += step;
        }
        let mean = (sum >> design.frame_bits) as i16;
        let rest = sum as u16 & ((1 << design.frame_bits) - 1);
        // The least sample that is not below the mean as it is before it is rounded down.
        let middle = mean + i16::from(rest > 0);
        let mut energy = 0_u32;
        // Bits of the energy from 32 on.
        let mut carried = 0_u16;
        let mut crossings = 0_i16;
        let mut was_below = load(&self.samples, first) < middle;
        let mut index = first;
        while index < SAMPLES {
            let sample = load(&self.samples, index);
            let is_below = sample < middle;
            crossings += i16::from(is_below != was_below);
            was_below = is_below;
            let distance = u32::from(sample.abs_diff(mean));
            let (total, carries) = energy.overflowing_add(distance * distance);
            energy = total;
            carried += u16::from(carries);
            index += step;
        }
        // About the mean as it is before it is rounded down, which is less.
        let of_rest = (u32::from(rest) * u32::from(rest)) >> design.frame_bits;
        let (energy, borrows) = energy.overflowing_sub(of_rest);
        carried -= u16::from(borrows);
        let floor = i16::from(design.floor) * 128;
        let frame = i16::from(design.frame_bits) * 256;
        let [of_mean, of_energy, of_crossings, of_difference] = &mut row.values;
        *of_mean = mean;
        *of_energy = (logarithm(carried, energy) - frame).max(2 * floor);
        *of_crossings = crossings;
        *of_difference = (logarithm(0, moved) - frame).max(floor);
    }
}

impl<const SAMPLES: usize> Default for Statistics<SAMPLES> {
    fn default() -> Self {
        Self::new()
    }
}

/// [`logarithm::of`] of 48 bits.
fn logarithm(high: u16, low: u32) -> i16 {
    let bits = 16 - high.leading_zeros() as u8;
    if bits == 0 {
        return logarithm::of(low);
    }
    // The eight bits after the leading one are among those that stay.
    let top = u32::from(high) << (32 - bits) | low >> bits;
    logarithm::of(top) + i16::from(bits) * 256
}
