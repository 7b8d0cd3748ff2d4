//! The tables of features: computed from a declaration, the same on every machine.

use std::f64::consts::PI;

use herringbone_features::Tables;

use super::{Mel, RowValues};

/// The tables of a design.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bank {
    /// `sin(2π · index / frame)` of a quarter turn, both ends included, with 15 bits after the
    /// point.
    pub sines: Vec<i16>,
    /// Bins of each segment between the middles of two bands.
    pub bins: Vec<u8>,
    /// The share of each bin that its upper band has, in 256ths.
    pub upper_shares: Vec<u8>,
    bands: u8,
    /// Bits by which powers are shifted down.
    pub power_shift: u8,
    floor: u8,
    /// Coefficients of a row; 0 where it has the bands themselves.
    pub coefficients: u8,
    /// Factors of the bands in each coefficient.
    pub transform: Vec<i16>,
    /// Bits by which a coefficient's sum is shifted down.
    pub transform_shift: u8,
}

/// Bits of a factor of the cosine transform after the point, less those of the count of bands: as
/// many as let a sum of products with the widest logarithms, of 14 bits, fit 31.
const TRANSFORM_BITS: u32 = 11;

/// No power of a bin is above: its parts are at most 19,778, as `docs/features.md` proves.
const MOST_POWER: u64 = 2 * 19_778 * 19_778;

impl Bank {
    /// Computes it.
    pub fn of(design: &Mel) -> Self {
        let Mel {
            rate_hertz,
            frame,
            bands,
            low_hertz,
            high_hertz,
            floor,
            ..
        } = *design;
        let sine = |index: u32| {
            let angle = 2.0 * PI * f64::from(index) / f64::from(frame);
            libm::round(libm::sin(angle) * 32_768.0).min(32_767.0) as i16
        };
        // Middles of bands, as bins, evenly spaced in mels.
        let (low, high) = (mels(low_hertz.into()), mels(high_hertz.into()));
        let middle = |band: u32| {
            let mels = low + (high - low) * f64::from(band) / f64::from(bands + 1);
            hertz(mels) * f64::from(frame) / f64::from(rate_hertz)
        };
        let middles: Vec<f64> = (0..=bands + 1).map(middle).collect();
        let mut bins = vec![0; bands as usize + 2];
        let mut upper_shares = Vec::new();
        // Energy that a band has of a power of 1, in 256ths.
        let mut weights = vec![0_u64; bands as usize + 2];
        for bin in 1..frame / 2 {
            let at = f64::from(bin);
            let segment = middles.iter().filter(|&&middle| middle <= at).count();
            if segment > bands as usize + 1 {
                break;
            }
            let is_below = segment == 0;
            let share = match is_below {
                true => 0,
                false => {
                    let (lower, upper) = (middles[segment - 1], middles[segment]);
                    libm::floor((at - lower) / (upper - lower) * 256.0) as u8
                }
            };
            bins[segment] += 1;
            upper_shares.push(share);
            if !is_below {
                weights[segment] += u64::from(share);
                weights[segment - 1] += 256 - u64::from(share);
            }
        }
        let most = weights.iter().max().copied().unwrap_or(0).div_ceil(256);
        let fits = |shift: &u8| (MOST_POWER >> shift) * most <= u32::MAX.into();
        let coefficients = match design.values {
            RowValues::Bands => 0,
            RowValues::Coefficients(count) => count,
        };
        let transform_shift = TRANSFORM_BITS + bands.ilog2();
        // The type II (Ahmed et al., IEEE Trans. Computers C-23(1), 1974), divided by the bands.
        let factor = |coefficient: u32, band: u32| {
            let angle = PI * f64::from(coefficient * (2 * band + 1)) / f64::from(2 * bands);
            let scale = f64::from(1_u32 << transform_shift) / f64::from(bands);
            libm::round(libm::cos(angle) * scale) as i16
        };
        let transform = (0..coefficients)
            .flat_map(|coefficient| (0..bands).map(move |band| factor(coefficient, band)));
        Self {
            coefficients: coefficients as u8,
            transform: transform.collect(),
            transform_shift: transform_shift as u8,
            sines: (0..=frame / 4).map(sine).collect(),
            bins,
            upper_shares,
            bands: bands as u8,
            power_shift: (0..32).find(fits).unwrap_or(32),
            floor: floor as u8,
        }
    }

    /// The first band, counted from 0, that no bin of the spectrum is within.
    pub fn empty_band(&self) -> Option<usize> {
        let bands = usize::from(self.bands);
        let mut has_bin = vec![false; bands + 2];
        let mut shares = self.upper_shares.iter();
        for (segment, &bins) in self.bins.iter().enumerate() {
            for &share in shares.by_ref().take(bins.into()) {
                has_bin[segment] |= share > 0;
                if segment > 0 {
                    has_bin[segment - 1] = true;
                }
            }
        }
        has_bin[1..=bands].iter().position(|it| !it)
    }
}

/// Hertz to mels (O'Shaughnessy, "Speech Communication", 1987).
fn mels(hertz: f64) -> f64 {
    1127.0 * libm::log1p(hertz / 700.0)
}

fn hertz(mels: f64) -> f64 {
    700.0 * libm::expm1(mels / 1127.0)
}

impl Tables for Bank {
    fn sine(&self, index: usize) -> i16 {
        self.sines.get(index).copied().unwrap_or(0)
    }

    fn bins(&self, index: usize) -> u8 {
        self.bins.get(index).copied().unwrap_or(0)
    }

    fn upper_share(&self, index: usize) -> u8 {
        self.upper_shares.get(index).copied().unwrap_or(0)
    }

    fn bands(&self) -> u8 {
        self.bands
    }

    fn power_shift(&self) -> u8 {
        self.power_shift
    }

    fn coefficients(&self) -> u8 {
        self.coefficients
    }

    fn transform(&self, index: usize) -> i16 {
        self.transform.get(index).copied().unwrap_or(0)
    }

    fn transform_shift(&self) -> u8 {
        self.transform_shift
    }

    fn floor(&self) -> u8 {
        self.floor
    }
}
