//! From what a sensor gives to the bytes that a network takes: exact integers, the same in the
//! trainer and on the chip.

use std::fmt;

use crate::{Examples, InputShape, Recordings, Values};

/// How recorded values become bytes.
///
/// A value is first a count, `counts_per_unit` a unit, rounded to the nearest `i16`, which is what
/// an ADC or a sensor gives the firmware; then a byte, by its channel's [`Scale`].
#[derive(Clone, Debug, PartialEq)]
pub struct Normalisation {
    /// Counts that a unit of the data is: 1 where the data are counts already. Above 0.
    pub counts_per_unit: f64,
    /// How the counts of each channel are scaled; one for all channels where they are alike.
    pub channels: Vec<Scale>,
}

/// How counts become bytes: `min(max(count − offset, 0) · multiplier >> shift, 255)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// The count that becomes 0.
    pub offset: i16,
    /// What a count above it is multiplied by: 1 to 255.
    pub multiplier: u8,
    /// Bits that the product is shifted down by: 0 to 16.
    pub shift: u8,
}

/// A byte's range.
const BYTE: i32 = 255;
/// The widest range of counts takes this many bits.
const MOST_SHIFT: u8 = 16;
/// Of this many values, one at either end may be cut off: a range that a single spike sets would
/// leave little of the others.
const CUT_ONE_OF: u64 = 1000;
/// Bytes that span that much are taken as they are: half of their range.
const WIDE_SPAN: i32 = 128;

impl Scale {
    /// Counts of 0 to 255, as they are.
    pub const IDENTITY: Self = Self {
        offset: 0,
        multiplier: 1,
        shift: 0,
    };

    /// The scale by which counts from `least` to `greatest` use all of a byte.
    pub fn of_range(least: i16, greatest: i16) -> Self {
        let range = i64::from(greatest) - i64::from(least);
        if range == 0 {
            return Self {
                offset: least,
                ..Self::IDENTITY
            };
        }
        // The finest multiplier of 8 bits by which the greatest count is not above 255.
        let of_shift = |shift: u8| {
            let multiplier = (((i64::from(BYTE) + 1) << shift) - 1) / range;
            u8::try_from(multiplier)
                .ok()
                .filter(|&it| it > 0)
                .map(|multiplier| Self {
                    offset: least,
                    multiplier,
                    shift,
                })
        };
        let finest = (0..=MOST_SHIFT).rev().find_map(of_shift);
        let mut scale = finest.unwrap_or(Self {
            offset: least,
            multiplier: u8::MAX,
            shift: 0,
        });
        // The same bytes by the least shift, so that 0 to 255 stay what they are.
        while scale.shift > 0 && scale.multiplier.is_multiple_of(2) {
            scale.multiplier /= 2;
            scale.shift -= 1;
        }
        scale
    }

    /// The byte of a count.
    pub fn byte(self, count: i16) -> u8 {
        let above = (i32::from(count) - i32::from(self.offset)).max(0);
        ((above * i32::from(self.multiplier)) >> self.shift).min(BYTE) as u8
    }
}

/// What is to be fitted, where the user says it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Fit {
    /// Counts a unit; else 1 where all values are counts, or the greatest power of two by which
    /// all values are.
    pub counts_per_unit: Option<f64>,
    /// Whether bytes are taken as they are, however little of their range they use.
    pub bytes_as_they_are: bool,
    /// Whether each channel has a scale of its own, in what looks like an image too.
    pub each_channel: bool,
}

impl Fit {
    /// Counts a unit of those values.
    pub fn counts_per_unit_of(&self, values: &Values) -> f64 {
        match values {
            Values::Bytes(_) => 1.0,
            Values::Numbers(numbers) => self
                .counts_per_unit
                .unwrap_or_else(|| counts_per_unit(numbers)),
        }
    }
}

impl Normalisation {
    /// Bytes as they are.
    pub fn identity() -> Self {
        Self {
            counts_per_unit: 1.0,
            channels: vec![Scale::IDENTITY],
        }
    }

    /// Whether counts of 0 to 255 stay what they are.
    pub fn is_identity(&self) -> bool {
        *self == Self::identity()
    }

    /// Fits it to the training data. Bytes that use half of their range at least are taken as they
    /// are. Of images, which have more than a row and 1 or 3 channels, all channels have one
    /// scale; of everything else, each has its own. One value of a thousand may be cut off at
    /// either end.
    pub fn fit(training: &Recordings, fit: Fit) -> Self {
        let Recordings { shape, values, .. } = training;
        let counts_per_unit = fit.counts_per_unit_of(values);
        if let (Values::Bytes(_), Some((least, greatest))) = (values, values.range())
            && (fit.bytes_as_they_are || (greatest - least) as i32 >= WIDE_SPAN)
        {
            return Self::identity();
        }
        let are_alike = !fit.each_channel && shape.height > 1 && matches!(shape.channels, 1 | 3);
        let scales = if are_alike {
            1
        } else {
            shape.channels as usize
        };
        let scaled = Counts {
            values,
            counts_per_unit,
        };
        let of_channel = |channel: usize| {
            let (least, greatest) = scaled.range(channel, scales);
            Scale::of_range(least, greatest)
        };
        Self {
            counts_per_unit,
            channels: (0..scales).map(of_channel).collect(),
        }
    }

    /// The scale of a value, by its index in an input of channels last.
    pub fn scale_of(&self, value: usize) -> Scale {
        self.channels[value % self.channels.len()]
    }

    /// The examples that a network is trained on or tested with.
    pub fn apply(&self, recordings: Recordings) -> Examples {
        let Recordings {
            shape,
            values,
            labels,
            names,
            groups,
            notes: _,
        } = recordings;
        let inputs = match values {
            Values::Bytes(bytes) if self.is_identity() => bytes,
            values => {
                let counts = Counts {
                    values: &values,
                    counts_per_unit: self.counts_per_unit,
                };
                let count = counts.len();
                (0..count)
                    .map(|at| self.scale_of(at).byte(counts.at(at)))
                    .collect()
            }
        };
        Examples {
            shape,
            inputs,
            labels,
            names,
            groups,
        }
    }

    /// Checks that it is of inputs of that shape, as a file may say anything.
    ///
    /// # Errors
    /// With what is wrong.
    pub fn check(&self, shape: InputShape) -> Result<(), String> {
        let scales = self.channels.len();
        if !(self.counts_per_unit.is_finite() && self.counts_per_unit > 0.0) {
            return Err(format!(
                "{} counts per unit: expected more than 0",
                self.counts_per_unit
            ));
        }
        if scales != 1 && scales != shape.channels as usize {
            return Err(format!(
                "{scales} scales for {} channels: expected 1, or one for each channel",
                shape.channels
            ));
        }
        match self
            .channels
            .iter()
            .find(|it| it.shift > MOST_SHIFT || it.multiplier == 0)
        {
            Some(scale) => Err(format!("{scale} is no scale")),
            None => Ok(()),
        }
    }
}

/// Values as counts.
#[derive(Clone, Copy)]
struct Counts<'a> {
    values: &'a Values,
    counts_per_unit: f64,
}

impl Counts<'_> {
    fn len(self) -> usize {
        match self.values {
            Values::Bytes(bytes) => bytes.len(),
            Values::Numbers(numbers) => numbers.len(),
        }
    }

    fn at(self, index: usize) -> i16 {
        match self.values {
            Values::Bytes(bytes) => bytes[index].into(),
            // A cast of a float saturates.
            Values::Numbers(numbers) => {
                (f64::from(numbers[index]) * self.counts_per_unit).round_ties_even() as i16
            }
        }
    }

    /// The least and the greatest count of a channel, with one of a thousand cut off.
    fn range(self, channel: usize, channels: usize) -> (i16, i16) {
        let mut histogram = vec![0_u64; 1 << 16];
        let index = |count: i16| (i32::from(count) - i32::from(i16::MIN)) as usize;
        for at in (channel..self.len()).step_by(channels) {
            histogram[index(self.at(at))] += 1;
        }
        let all: u64 = histogram.iter().sum();
        let cut = all / CUT_ONE_OF;
        let least = first_beyond(histogram.iter().enumerate(), cut);
        let greatest = first_beyond(histogram.iter().enumerate().rev(), cut);
        (least, greatest)
    }
}

/// The first count of a histogram with more than `cut` values up to it.
fn first_beyond<'a>(mut counts: impl Iterator<Item = (usize, &'a u64)>, cut: u64) -> i16 {
    let mut seen = 0;
    let found = counts.find(|(_, count)| {
        seen += **count;
        seen > cut
    });
    found.map_or(0, |(at, _)| (at as i32 + i32::from(i16::MIN)) as i16)
}

/// 1 where all numbers are counts, else the greatest power of two by which they are within `i16`.
fn counts_per_unit(numbers: &[f32]) -> f64 {
    let largest = numbers.iter().fold(0.0_f32, |most, it| most.max(it.abs()));
    let most = f32::from(i16::MAX);
    let are_whole = numbers.iter().all(|it| it.fract() == 0.0);
    if largest == 0.0 || are_whole && largest <= most {
        return 1.0;
    }
    f64::from((most / largest).log2().floor().clamp(-100.0, 100.0)).exp2()
}

/// `(count + 512) · 255 >> 10`.
impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            offset,
            multiplier,
            shift,
        } = *self;
        let sign = if offset < 0 { '+' } else { '−' };
        write!(
            f,
            "(count {sign} {}) · {multiplier} >> {shift}",
            i32::from(offset).abs()
        )
    }
}

/// `as they are`; else how counts are made, and each channel's scale.
impl fmt::Display for Normalisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_identity() {
            return f.write_str("bytes as they are");
        }
        if self.counts_per_unit != 1.0 {
            write!(f, "{} counts per unit; ", self.counts_per_unit)?;
        }
        let scales: Vec<_> = self.channels.iter().map(Scale::to_string).collect();
        f.write_str(&scales.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(channels: u32, values: Vec<f32>) -> Recordings {
        let width = values.len() as u32 / channels;
        Recordings {
            shape: InputShape {
                height: 1,
                width,
                channels,
            },
            values: Values::Numbers(values),
            labels: vec![0],
            names: vec!["one".to_owned()],
            groups: Vec::new(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn a_scale_uses_all_of_a_byte_and_is_monotone() {
        for (least, greatest) in [
            (0, 1),
            (0, 16),
            (-7, 9),
            (0, 1023),
            (-32768, 32767),
            (-2000, 2000),
            (100, 355),
            (5, 5),
        ] {
            let scale = Scale::of_range(least, greatest);
            assert_eq!(scale.byte(least), 0);
            assert_eq!(scale.byte(i16::MIN), 0);
            if greatest > least {
                assert!(
                    scale.byte(greatest) >= 252,
                    "{scale}: {}",
                    scale.byte(greatest)
                );
            }
            let bytes: Vec<_> = (i16::MIN..=i16::MAX).map(|it| scale.byte(it)).collect();
            assert!(bytes.is_sorted(), "{scale}");
        }
        assert_eq!(Scale::of_range(0, 255), Scale::IDENTITY);
    }

    #[test]
    fn each_channel_of_a_series_has_a_scale_and_floats_become_counts() {
        let values = (0..200).flat_map(|at| [at as f32 / 100.0 - 1.0, 8.0 * at as f32]);
        let normalisation = Normalisation::fit(&series(2, values.collect()), Fit::default());
        assert_eq!(normalisation.counts_per_unit, 16.0);
        assert_eq!(normalisation.channels.len(), 2);
        let units = Fit {
            counts_per_unit: Some(100.0),
            ..Fit::default()
        };
        let given = Normalisation::fit(&series(1, vec![-0.5, 0.0, 0.5]), units);
        assert_eq!(given.channels[0].offset, -50);
        let examples = given.apply(series(1, vec![-0.5, 0.0, 0.5, 9000.0]));
        assert_eq!(examples.inputs, [0, 127, 254, 255]);
    }

    #[test]
    fn a_spike_of_one_in_a_thousand_does_not_tell_the_range() {
        let mut values: Vec<f32> = (0..2000).map(|at| (at % 100) as f32).collect();
        values[7] = 30_000.0;
        let scale = Normalisation::fit(&series(1, values), Fit::default()).channels[0];
        assert_eq!((scale.byte(0), scale.byte(30_000)), (0, 255));
        assert!(scale.byte(99) > 250);
    }

    #[test]
    fn bytes_that_use_their_range_stay_and_others_are_scaled() {
        let shape = InputShape {
            height: 2,
            width: 2,
            channels: 1,
        };
        let of = |values: [u8; 4]| Recordings::of_bytes(shape, values.to_vec(), vec![0]);
        let fit = |values| Normalisation::fit(&of(values), Fit::default());
        assert!(fit([0, 3, 200, 255]).is_identity());
        let scaled = fit([0, 1, 8, 16]);
        assert_eq!(scaled.apply(of([0, 1, 8, 16])).inputs, [0, 15, 127, 255]);
        let kept = Fit {
            bytes_as_they_are: true,
            ..Fit::default()
        };
        assert!(Normalisation::fit(&of([0, 1, 8, 16]), kept).is_identity());
    }

    #[test]
    fn channels_of_rows_that_are_no_image_have_scales_of_their_own() {
        let rows = || Recordings {
            shape: InputShape {
                height: 2,
                width: 1,
                channels: 3,
            },
            ..series(3, vec![-900.0, 0.0, 5.0, 900.0, 4.0, 6.0])
        };
        let scales = |fit| Normalisation::fit(&rows(), fit).channels.len();
        let each_channel = Fit {
            each_channel: true,
            ..Fit::default()
        };
        assert_eq!((scales(Fit::default()), scales(each_channel)), (1, 3));
    }
}
