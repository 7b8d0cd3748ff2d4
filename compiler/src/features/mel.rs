use std::fmt;

use herringbone_features::Frame;

use super::Bank;
use crate::weights::Scale;

/// Log-mel energies of overlapping frames, or their cosine transform: a frame becomes a row of the
/// network's input.
///
/// `docs/features.md` says exactly what is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mel {
    /// Samples a second, in hertz.
    pub rate_hertz: u32,
    /// Samples of a frame: 64, 128, 256 or 512.
    pub frame: u32,
    /// Samples from one frame to the next: 1 to `frame`.
    pub hop: u32,
    /// Bands of the mel scale: 2 to 64.
    pub bands: u32,
    /// The lowest frequency of the first band, in hertz.
    pub low_hertz: u32,
    /// The highest frequency of the last band, in hertz: half of the rate at most.
    pub high_hertz: u32,
    /// Powers below 2^`floor`, in counts², are taken for that: 0 to 40.
    pub floor: u32,
    /// What a row consists of.
    pub values: RowValues,
}

/// What a row of features consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowValues {
    /// The energies of the bands: `log_mel`.
    Bands,
    /// As many coefficients of their cosine transform, 1 to the bands: `mfcc`.
    Coefficients(u32),
}

impl Mel {
    /// Frames of samples that there are.
    pub const FRAMES: [u32; 4] = [64, 128, 256, 512];
    /// The most bands.
    pub const MOST_BANDS: u32 = 64;
    /// The greatest floor.
    pub const MOST_FLOOR: u32 = 40;
    /// The floor where the declaration does not say: of 16-bit sound, what an ADC of 10 bits
    /// cannot tell from silence anyway.
    pub const DEFAULT_FLOOR: u32 = 10;
    /// The lowest frequency where the declaration does not say, in hertz.
    pub const DEFAULT_LOW_HERTZ: u32 = 100;

    /// Values of a row.
    pub fn row_values(&self) -> u32 {
        match self.values {
            RowValues::Bands => self.bands,
            RowValues::Coefficients(count) => count,
        }
    }

    /// Samples that the next frame begins with.
    pub fn kept(&self) -> u32 {
        self.frame - self.hop
    }

    /// Bytes of flash of its tables.
    pub fn table_bytes(&self) -> u32 {
        let bank = Bank::of(self);
        let words = bank.sines.len() + bank.transform.len();
        (2 * words + bank.bins.len() + bank.upper_shares.len()) as u32
    }

    /// The scale from a row's values to bytes where none is fitted: 32 octaves from the floor on,
    /// or as many about 0.
    pub(super) fn default_scale(&self) -> Scale {
        let offset = match self.values {
            RowValues::Bands => 256 * self.floor as i16,
            RowValues::Coefficients(_) => -256 * 16,
        };
        Scale {
            offset,
            multiplier: 1,
            shift: 5,
        }
    }

    /// The values of the rows of a recording, in 256ths of an octave of power: as the chip
    /// computes them.
    pub(super) fn of_samples(&self, samples: &[i16]) -> Vec<i16> {
        let bank = Bank::of(self);
        match self.frame {
            64 => rows::<64>(self, &bank, samples),
            128 => rows::<128>(self, &bank, samples),
            256 => rows::<256>(self, &bank, samples),
            _ => rows::<512>(self, &bank, samples),
        }
    }
}

fn rows<const FRAME: usize>(design: &Mel, bank: &Bank, samples: &[i16]) -> Vec<i16> {
    let mut values = Vec::new();
    let mut frame = Frame::<FRAME, 0>::new();
    for samples in samples.windows(FRAME).step_by(design.hop as usize) {
        for &sample in samples {
            frame.push(sample);
        }
        let mut row = frame.begin_row(bank);
        values.extend(std::iter::from_fn(|| frame.next_value(&mut row, bank)));
    }
    values
}

/// As a declaration writes it, all of it.
impl fmt::Display for Mel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rate_hertz,
            frame,
            hop,
            bands,
            low_hertz,
            high_hertz,
            floor,
            values,
        } = self;
        let (name, coefficients) = match values {
            RowValues::Bands => ("log_mel", String::new()),
            RowValues::Coefficients(count) => ("mfcc", format!(" coefficients: {count},")),
        };
        write!(
            f,
            "{name} {{ rate: {rate_hertz}, frame: {frame}, hop: {hop}, bands: {bands},\
             {coefficients} low: {low_hertz}, high: {high_hertz}, floor: {floor} }}"
        )
    }
}
