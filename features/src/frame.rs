use crate::fourier::{Scaling, centre, cosine, divide, load, powers, store, sum, weigh};
use crate::{Tables, logarithm};

/// Samples on their way to a row of log-mel energies or of their cosine transform: `FRAME` of them, 64, 128, 256 or 512, of
/// which the last `KEPT` begin the next frame.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Frame<const FRAME: usize, const KEPT: usize> {
    samples: [i16; FRAME],
    kept: [i16; KEPT],
    filled: u16,
}

/// How far a row is.
#[derive(Clone, Debug)]
pub struct Row {
    exponent: i8,
    is_silent: bool,
    segment: u8,
    bin: u8,
    coefficient: u8,
    /// What the bins so far have given the band that comes next.
    begun: u32,
}

/// Samples are brought up to this many bits and a sign, if they are fewer.
const BITS: i8 = 13;

impl<const FRAME: usize, const KEPT: usize> Frame<FRAME, KEPT> {
    /// A frame without samples.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            samples: [0; FRAME],
            kept: [0; KEPT],
            filled: 0,
        }
    }

    /// Forgets all samples.
    #[inline]
    pub fn restart(&mut self) {
        self.filled = 0;
    }

    /// Takes the next sample. Whether the frame is full: then the values of its row are to be
    /// taken before the next one.
    #[inline]
    pub fn push(&mut self, sample: i16) -> bool {
        store(&mut self.samples, self.filled.into(), sample);
        self.filled = self.filled.saturating_add(1);
        usize::from(self.filled) >= FRAME
    }

    /// Turns a full frame's samples into their spectrum.
    #[inline(never)]
    pub fn begin_row(&mut self, tables: &impl Tables) -> Row {
        let newest = self.samples.iter().skip(FRAME - KEPT);
        for (kept, sample) in self.kept.iter_mut().zip(newest) {
            *kept = *sample;
        }
        let mean = (sum(&self.samples) >> FRAME.trailing_zeros()) as i16;
        let peak = centre(&mut self.samples, mean);
        let mut exponent = 0;
        if peak != 0 {
            exponent = 16 - peak.leading_zeros() as i8 - BITS;
            window(&mut self.samples, exponent, tables);
            exponent += powers(&mut self.samples, tables);
        }
        Row {
            exponent,
            is_silent: peak == 0,
            segment: 0,
            bin: 0,
            coefficient: 0,
            begun: 0,
        }
    }

    /// The next value of that row, in 256ths of an octave of power: `None` after the last one,
    /// when the frame takes samples again.
    #[inline(never)]
    pub fn next_value(&mut self, row: &mut Row, tables: &impl Tables) -> Option<i16> {
        let value = if tables.coefficients() == 0 {
            self.next_band(row, tables)
        } else {
            self.next_coefficient(row, tables)
        };
        if value.is_none() {
            let kept = self.kept.iter();
            for (sample, kept) in self.samples.iter_mut().zip(kept) {
                *sample = *kept;
            }
            self.filled = KEPT as u16;
        }
        value
    }

    /// The next coefficient of the cosine transform of the row's bands.
    #[inline(always)]
    fn next_coefficient(&mut self, row: &mut Row, tables: &impl Tables) -> Option<i16> {
        let bands = usize::from(tables.bands());
        if row.coefficient == 0 {
            // In place: the powers of the bins that a band needs come after it.
            let mut band = 0;
            while let Some(value) = self.next_band(row, tables) {
                store(&mut self.samples, band, value);
                band += 1;
            }
        }
        if row.coefficient >= tables.coefficients() {
            return None;
        }
        let first = usize::from(row.coefficient) * bands;
        let mut sum = 1_i32 << (tables.transform_shift() - 1);
        let mut band = 0;
        while band < bands {
            let value = load(&self.samples, band);
            sum += i32::from(value) * i32::from(tables.transform(first + band));
            band += 1;
        }
        row.coefficient += 1;
        Some((sum >> tables.transform_shift()) as i16)
    }

    /// The next band of that row.
    #[inline(always)]
    fn next_band(&mut self, row: &mut Row, tables: &impl Tables) -> Option<i16> {
        if row.segment > tables.bands() + 1 {
            return None;
        }
        if row.segment == 0 {
            // What is below the first band belongs to none.
            row.bin = tables.bins(0);
            row.segment = 1;
            self.next_segment(row, tables);
        }
        let energy = self.next_segment(row, tables);
        let floor = i16::from(tables.floor()) * 256;
        if row.is_silent {
            return Some(floor);
        }
        let octaves = 2 * i16::from(row.exponent) + i16::from(tables.power_shift());
        Some((logarithm::of(energy) + octaves * 256).max(floor))
    }

    /// Goes through the next segment of the bank, and gives the energy of the band that ends
    /// there.
    #[inline(always)]
    fn next_segment(&self, row: &mut Row, tables: &impl Tables) -> u32 {
        let mut ended = row.begun;
        let mut begun = 0;
        let mut bins = tables.bins(row.segment.into());
        let mut index = usize::from(row.bin);
        row.bin += bins;
        while bins > 0 {
            let share = tables.upper_share(index);
            index += 1;
            let shift = tables.power_shift();
            divide(
                &self.samples,
                2 * index,
                shift,
                share,
                &mut begun,
                &mut ended,
            );
            bins -= 1;
        }
        row.begun = begun;
        row.segment += 1;
        ended
    }
}

impl<const FRAME: usize, const KEPT: usize> Default for Frame<FRAME, KEPT> {
    fn default() -> Self {
        Self::new()
    }
}

/// Multiplies all samples by 2^−`exponent` and by Hann's window, of `FRAME` samples a period.
#[inline(never)]
fn window<const FRAME: usize>(samples: &mut [i16; FRAME], exponent: i8, tables: &impl Tables) {
    let scaling = Scaling::new(exponent);
    // The window is symmetric. The sample in the middle takes the first one along, which becomes 0
    // whatever it is.
    let mut early = 1;
    while early <= FRAME / 2 {
        let late = if early == FRAME / 2 { 0 } else { FRAME - early };
        let hann = 0x8000_u16.wrapping_sub(cosine::<FRAME>(tables, early) as u16) >> 1;
        weigh(samples, [early, late], hann as i16, &scaling);
        early += 1;
    }
    store(samples, 0, 0);
}
