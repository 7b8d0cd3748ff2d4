//! From sums to bytes by one multiplication, proven equal to TensorFlow Lite's two roundings.
//!
//! A byte never falls where its sum grows, so it is known from the least sum of each value that
//! it has: at most 255 thresholds. So is `least + ⌊(s·m + c) / 2^k⌋` of an integer `m > 0`, and
//! where both have the same thresholds they are equal everywhere. TensorFlow Lite rounds halves
//! away from 0 in its second rounding, so the thresholds of values below the zero point are on a
//! line of their own: then there are two addends `c`.

use super::{PoolFinish, Pooling, QuantisedKernel, RescaledSum, SumParameters};
use herringbone_tflite::operators::PoolFunction;

/// The highest byte of a product that a result is taken from.
const LAST_RESULT_BYTE: u32 = 5;
/// The most bits below a result.
const MOST_BITS_BELOW: u32 = 8 * LAST_RESULT_BYTE + 7;
/// Of products in words of 32 bits: bits of a factor, and bytes of a sum, whose halves have
/// products that leave room for a carry.
const MOST_FACTOR_BITS: u32 = 31;
const MOST_SUM_BYTES: u32 = 3;
/// Bits that such a product can do without at the lower end.
const LEAST_BITS_BELOW: u32 = 32;

/// Where in a product a result may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultPlace {
    /// At a byte.
    Byte,
    /// At any bit from the 32nd on, of factors of 31 bits and sums of three bytes.
    Bit,
}

/// The way to its byte of every sum of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByteScales {
    /// Bits of `s·m + c` below those of the result.
    pub bits_below: u32,
    /// Bytes that hold every `s` in two's complement.
    pub signed_bytes: u32,
    /// Bytes of `s`, clamped.
    pub sum_bytes: u32,
    /// Bytes of `m` and of `c`.
    pub factor_bytes: u32,
    /// By output, or one of all.
    pub scales: Vec<ByteScale>,
    /// By output: what is taken off its sum of products to give `s`.
    pub starts: Vec<i32>,
}

/// The way from a sum `s` to its byte: that of `s` clamped from 0 to `last`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByteScale {
    /// The byte of 0, and of all sums below.
    pub least: i8,
    /// From which sum on the byte is the most.
    pub last: u32,
    /// What sums are multiplied by.
    pub multiplier: u32,
    /// What is added to the product.
    pub addend: u32,
    /// From which sum on another one is added, and which.
    pub other: Option<(u32, u32)>,
}

impl ByteScale {
    /// The byte of a sum.
    pub fn byte_of(&self, sum: i64, bits_below: u32) -> i8 {
        let sum = sum.clamp(0, self.last.into()) as u64;
        let addend = match self.other {
            Some((from, other)) if sum >= u64::from(from) => other,
            Some(_) | None => self.addend,
        };
        let product = sum * u64::from(self.multiplier) + u64::from(addend);
        let quotient = product >> bits_below;
        self.least.wrapping_add(quotient as i8)
    }
}

/// A byte that never falls where its sum grows.
struct Staircase {
    least: i8,
    /// The largest sum of the least byte.
    start: i64,
    /// By byte above the least, the first sum that has it or more, from the start on.
    thresholds: Vec<u32>,
    /// The first sum, from the start on, whose rounding is that of numbers from 0 on; where
    /// there are others.
    split: Option<u32>,
    /// Bytes per unit of the sum.
    slope: f64,
}

impl Staircase {
    /// `zero`: the first sum that is rounded as numbers from 0 on are.
    fn of(
        (low, high): (i64, i64),
        (zero, slope): (i64, f64),
        byte_of: &dyn Fn(i64) -> i8,
    ) -> Option<Self> {
        let (least, most) = (byte_of(low), byte_of(high));
        let mut from = low;
        let firsts: Vec<i64> = (i64::from(least) + 1..=most.into())
            .map(|value| {
                let (mut below, mut at_least) = (from, high);
                while below < at_least {
                    let middle = below + (at_least - below) / 2;
                    match i64::from(byte_of(middle)) >= value {
                        true => at_least = middle,
                        false => below = middle + 1,
                    }
                }
                from = at_least;
                at_least
            })
            .collect();
        let start = firsts.first().map_or(low, |first| first - 1);
        let from_start = |sum: i64| u32::try_from(sum - start).ok();
        let thresholds: Vec<u32> = firsts
            .iter()
            .map(|&it| from_start(it))
            .collect::<Option<_>>()?;
        let last = thresholds.last().copied().unwrap_or(0);
        let split = from_start(zero).filter(|&split| split > 0 && split <= last);
        Some(Self {
            least,
            start,
            thresholds,
            split,
            slope,
        })
    }

    fn last(&self) -> u32 {
        self.thresholds.last().copied().unwrap_or(0)
    }

    /// A multiplier, with its addends, whose results are the same; and how far before the start
    /// its sums begin, which keeps the addends small.
    fn fit(&self, bits_below: u32, place: ResultPlace) -> Option<(ByteScale, u32)> {
        let unit = 1_u64 << bits_below;
        let near = (self.slope * unit as f64).round();
        let candidates: Vec<i128> = match (self.thresholds.len(), place) {
            (0, _) => vec![0],
            (1, ResultPlace::Byte) => vec![1],
            (_, _) => [0, 1, -1, 2, -2].map(|off| near as i128 + off).to_vec(),
        };
        candidates.into_iter().find_map(|multiplier| {
            let multiplier = u32::try_from(multiplier).ok()?;
            let (addend, other) = self.addends(multiplier, unit)?;
            let before = addend.checked_div(multiplier.into()).unwrap_or(0);
            let within = |addend: u64| u32::try_from(addend - before * u64::from(multiplier)).ok();
            let before = u32::try_from(before).ok()?;
            let other = match other {
                None => None,
                Some((from, addend)) => Some((from.checked_add(before)?, within(addend)?)),
            };
            let scale = ByteScale {
                least: self.least,
                last: self.last().checked_add(before)?,
                multiplier,
                addend: within(addend)?,
                other,
            };
            Some((scale, before))
        })
    }

    /// The addends that have the same thresholds with that multiplier: the second one from the
    /// split on.
    fn addends(&self, multiplier: u32, unit: u64) -> Option<(u64, Option<(u32, u64)>)> {
        let (unit, multiplier) = (i128::from(unit), i128::from(multiplier));
        // What `c` may be below the split and from it on.
        let mut ranges = [(0, 2 * unit - 1); 2];
        let is_other = |sum: u32| self.split.is_some_and(|split| sum >= split);
        // The result of that sum is that many above the least.
        let mut narrow = |sum: u32, above_least: i128, from_below: bool, from_above: bool| {
            let (low, high) = &mut ranges[usize::from(is_other(sum))];
            let product = i128::from(sum) * multiplier;
            if from_below {
                *low = (*low).max(above_least * unit - product);
            }
            if from_above {
                *high = (*high).min((above_least + 1) * unit - 1 - product);
            }
        };
        for (above_least, &threshold) in (1..).zip(&self.thresholds) {
            narrow(threshold, above_least, true, false);
            narrow(threshold - 1, above_least - 1, false, true);
        }
        let above_least = |sum: u32| self.thresholds.partition_point(|&it| it <= sum) as i128;
        let split = self.split.into_iter().flat_map(|split| [split - 1, split]);
        for sum in [0, self.last()].into_iter().chain(split) {
            narrow(sum, above_least(sum), true, true);
        }
        let least = |(low, high): (i128, i128)| (low <= high).then_some(low as u64);
        let [first, second] = ranges.map(least);
        match self.split {
            None => Some((first?, None)),
            // What makes one of them small must leave the other one above 0.
            Some(split) => (first? <= second?).then_some((first?, Some((split, second?)))),
        }
    }
}

impl ByteScales {
    /// Of a layer's weighted sums, `Σ w·u` of values `u = x + 128` from 0 to 255, all taps
    /// counted. `None` where no integer below 2^32 does, or a sum may pass 32 bits.
    pub fn of_sum(sum: &RescaledSum, place: ResultPlace) -> Option<Self> {
        let SumParameters::Constant(constants) = &sum.products.parameters else {
            return None;
        };
        let outputs = sum.biases.len();
        let columns = |output: usize| constants.weights[output..].iter().step_by(outputs);
        // From `Σ w·u` to what is rescaled: `Σ w·x + bias`.
        let moves: Vec<i64> = (0..outputs)
            .map(|output| {
                let weights: i64 = columns(output).map(|&weight| i64::from(weight)).sum();
                i64::from(sum.biases[output]) - 128 * weights
            })
            .collect();
        let ranges = moves.iter().enumerate().map(|(output, moved)| {
            let end = |sign: i64| {
                let weights = columns(output).map(|&weight| i64::from(weight));
                255 * weights.filter(|weight| weight * sign > 0).sum::<i64>() + moved
            };
            (end(-1), end(1))
        });
        let ranges: Vec<(i64, i64)> = ranges.collect();
        let staircase = |output: usize, range: (i64, i64)| {
            let rescale = sum.requantise.rescale(output);
            let ends = [range.0, range.1].map(|end| i32::try_from(end).ok());
            let [Some(low), Some(high)] = ends else {
                return None;
            };
            // Beyond, TensorFlow Lite's sums wrap around.
            let is_within = rescale.never_falls(low, high)
                && [low, high].into_iter().all(|end| {
                    let zero_point = sum.requantise.zero_point;
                    zero_point.checked_add(rescale.apply(end)).is_some()
                });
            let slope = f64::from(rescale.multiplier) * 2_f64.powi(rescale.shift - 31);
            let byte_of = |total: i64| sum.requantise.apply(output, total as i32);
            is_within.then(|| Staircase::of(range, (0, slope), &byte_of))?
        };
        if sum.single_rescale().is_some() {
            let low = ranges.iter().map(|range| range.0).min()?;
            let high = ranges.iter().map(|range| range.1).max()?;
            let staircases = [staircase(0, (low, high))?];
            let (scales, before) = Self::fit(&staircases, place)?;
            let start = staircases[0].start - i64::from(before[0]);
            let starts = ranges.iter().zip(&moves);
            return scales.with_starts(starts.map(|(&range, moved)| (range, start, *moved)));
        }
        let staircases = ranges.iter().enumerate();
        let staircases: Vec<Staircase> = staircases
            .map(|(output, &range)| staircase(output, range))
            .collect::<Option<_>>()?;
        let (scales, before) = Self::fit(&staircases, place)?;
        let starts = staircases.iter().zip(before).zip(&moves);
        let starts = starts
            .zip(&ranges)
            .map(|(((it, before), moved), &range)| (range, it.start - i64::from(before), *moved));
        scales.with_starts(starts)
    }

    /// Of windows that are averaged, all of whose pixels are inside of the map: of the sums of
    /// their values `x`. `None` of other operators.
    pub fn of_windows(kernel: &QuantisedKernel) -> Option<Self> {
        let QuantisedKernel::Pool {
            pooling: Pooling::Average(divisor),
            finish,
        } = kernel
        else {
            return None;
        };
        let count = i64::from(divisor.0);
        let range = (-128 * count, 127 * count);
        let staircase = match finish {
            PoolFinish::Within(within) => {
                let average = |sum: i64| PoolFunction::average(sum as i32, count as i32);
                Staircase::of(range, (0, 1.0 / count as f64), &|sum| {
                    within.clamp(average(sum))
                })
            }
            PoolFinish::Mean(mean) => {
                let zero = i64::from(mean.zero_of_sum());
                let totals = [range.0 - zero, range.1 - zero].map(|it| it as i32);
                let is_within = mean.rescale.never_falls(totals[0], totals[1]);
                let slope =
                    f64::from(mean.rescale.multiplier) * 2_f64.powi(mean.rescale.shift - 31);
                let byte_of = |sum: i64| mean.of_sum(sum as i32);
                is_within.then(|| Staircase::of(range, (zero, slope), &byte_of))?
            }
        }?;
        let start = staircase.start;
        let (scales, before) = Self::fit(&[staircase], ResultPlace::Byte)?;
        let start = start - i64::from(before[0]);
        scales.with_starts([(range, start, 0)].into_iter())
    }

    /// The cheapest for all, and how far before its start each one's sums begin.
    fn fit(staircases: &[Staircase], place: ResultPlace) -> Option<(Self, Vec<u32>)> {
        let fit_at = |bits_below: u32| Self::fit_at(staircases, bits_below, place);
        match place {
            ResultPlace::Byte => {
                let fits = (1..=LAST_RESULT_BYTE).filter_map(|byte| fit_at(8 * byte));
                fits.min_by_key(|(it, _)| (it.sum_bytes * it.factor_bytes, it.bits_below))
            }
            ResultPlace::Bit => {
                let slopes = staircases.iter().map(|it| it.slope);
                let slope = slopes.fold(f64::MIN_POSITIVE, f64::max);
                let most = (f64::from(MOST_FACTOR_BITS) - slope.log2()).ceil();
                let most = most.min(MOST_BITS_BELOW.into()) as u32;
                // The more bits, the nearer is the product.
                let mut fits = (LEAST_BITS_BELOW..=most).rev().filter_map(fit_at);
                fits.find(|(it, _)| {
                    let mut multipliers = it.scales.iter().map(|scale| scale.multiplier);
                    it.sum_bytes <= MOST_SUM_BYTES
                        && multipliers.all(|multiplier| multiplier >> MOST_FACTOR_BITS == 0)
                })
            }
        }
    }

    fn fit_at(
        staircases: &[Staircase],
        bits_below: u32,
        place: ResultPlace,
    ) -> Option<(Self, Vec<u32>)> {
        let bytes_of = |value: u32| (4 - value.leading_zeros() / 8).max(1);
        let fits = staircases.iter().map(|it| it.fit(bits_below, place));
        let (scales, before): (Vec<ByteScale>, Vec<u32>) =
            fits.collect::<Option<Vec<_>>>()?.into_iter().unzip();
        let most = |of: &dyn Fn(&ByteScale) -> u32| scales.iter().map(of).max();
        let factor = |it: &ByteScale| {
            let other = it.other.map_or(0, |(_, addend)| addend);
            it.multiplier.max(it.addend).max(other)
        };
        let scales = Self {
            bits_below,
            signed_bytes: 1,
            sum_bytes: bytes_of(most(&|it| it.last)?),
            factor_bytes: bytes_of(most(&factor)?),
            scales,
            starts: Vec::new(),
        };
        Some((scales, before))
    }

    /// By output: the range of what is rescaled, where its sums start, and how much more that is
    /// than the sum of products.
    fn with_starts(self, outputs: impl Iterator<Item = ((i64, i64), i64, i64)>) -> Option<Self> {
        let mut signed_bytes = 1;
        let mut starts = Vec::new();
        for ((low, high), start, moved) in outputs {
            starts.push(i32::try_from(start - moved).ok()?);
            for end in [low - start, high - start] {
                let fits = |&bytes: &u32| {
                    let half = 1_i64 << (8 * bytes - 1);
                    (-half..half).contains(&end)
                };
                signed_bytes = signed_bytes.max((1..=4).find(fits)?);
            }
        }
        Some(Self {
            signed_bytes,
            starts,
            ..self
        })
    }

    /// The byte of the product that is the result, counted from the lowest one.
    ///
    /// # Panics
    /// Where a result may begin at any bit.
    pub fn result_byte(&self) -> u32 {
        assert_eq!(self.bits_below % 8, 0, "a result begins at a byte");
        self.bits_below / 8
    }

    /// The scale of an output.
    pub fn scale(&self, output: usize) -> &ByteScale {
        match &self.scales[..] {
            [scale] => scale,
            scales => &scales[output],
        }
    }

    /// What is taken off an output's sum.
    pub fn start(&self, output: usize) -> i32 {
        match self.starts[..] {
            [start] => start,
            ref starts => starts[output],
        }
    }

    /// The byte of an output's sum, before its start is taken off.
    pub fn byte_of(&self, output: usize, sum: i64) -> i8 {
        let from_start = sum - i64::from(self.start(output));
        self.scale(output).byte_of(from_start, self.bits_below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::{Accumulator, ConstantParameters, Finish, Form, WeightedSum};
    use herringbone_tflite::Rescale;
    use herringbone_tflite::operators::{Range, Requantise};
    use proptest::prelude::*;
    use proptest::strategy::ValueTree as _;

    fn sum(weights: Vec<i8>, biases: Vec<i32>, requantise: Requantise) -> RescaledSum {
        let outputs = biases.len() as u32;
        RescaledSum {
            products: WeightedSum {
                accumulator: Accumulator::I32,
                inputs: weights.len() as u32 / outputs,
                outputs,
                rows: weights.len() as u32 / outputs,
                adds: false,
                reads: crate::network::Element::Activation,
                parameters: SumParameters::Constant(ConstantParameters {
                    form: Form::Table,
                    weights,
                    biases: vec![0; outputs as usize],
                    left: 0,
                    right: 0,
                    skip: 0,
                }),
                finish: Finish::Exact,
            },
            input_zero_point: 0,
            biases,
            requantise,
        }
    }

    /// A layer of two outputs, of one scale or two.
    fn layers() -> impl Strategy<Value = RescaledSum> {
        let rescale = (1 << 30..=i32::MAX, -12..=-2_i32)
            .prop_map(|(multiplier, shift)| Rescale { multiplier, shift });
        let range = (-128..=0_i8, 1..=127_i8).prop_map(|(least, most)| Range { least, most });
        let weights = prop::collection::vec(any::<i8>(), 6..=8 * 2)
            .prop_map(|weights| weights[..weights.len() / 2 * 2].to_vec());
        (
            weights,
            prop::collection::vec(-20_000..20_000_i32, 2),
            prop::collection::vec(rescale, 1..=2),
            -128..=127_i32,
            prop_oneof![Just(Range::ALL), range],
        )
            .prop_map(|(weights, biases, rescales, zero_point, range)| {
                let requantise = Requantise {
                    rescales,
                    zero_point,
                    range,
                };
                sum(weights, biases, requantise)
            })
    }

    proptest! {
        #[test]
        fn one_multiplication_gives_the_bytes_of_two_roundings(
            layer in layers(),
            place in prop_oneof![Just(ResultPlace::Byte), Just(ResultPlace::Bit)],
        ) {
            let Some(scales) = ByteScales::of_sum(&layer, place) else {
                return Ok(());
            };
            let SumParameters::Constant(constants) = &layer.products.parameters else {
                unreachable!("the layer's weights are constants")
            };
            for output in 0..2 {
                let weights = constants.weights[output..].iter().step_by(2);
                let weights: Vec<i64> = weights.map(|&weight| weight.into()).collect();
                let end = |sign: i64| -> i64 {
                    255 * weights.iter().filter(|&&weight| weight * sign > 0).sum::<i64>()
                };
                let moved = 128 * weights.iter().sum::<i64>();
                for products in end(-1)..=end(1) {
                    prop_assert_eq!(
                        scales.byte_of(output, products),
                        layer.byte_of(output, (products - moved) as i32),
                        "{} of output {}", products, output
                    );
                }
            }
        }

        #[test]
        fn windows_are_averaged_by_one_multiplication(count in 1..200_u32, sum in -1.0..1.0_f64) {
            let kernel = QuantisedKernel::Pool {
                pooling: Pooling::Average(crate::program::Divisor(count)),
                finish: PoolFinish::Within(Range::ALL),
            };
            let scales = ByteScales::of_windows(&kernel).unwrap();
            let sum = (sum * 127.0 * f64::from(count)) as i32;
            prop_assert_eq!(
                i32::from(scales.byte_of(0, sum.into())),
                PoolFunction::average(sum, count as i32)
            );
        }
    }

    #[test]
    fn nearly_every_layer_has_one() {
        for (place, least) in [(ResultPlace::Byte, 190), (ResultPlace::Bit, 190)] {
            let mut runner = proptest::test_runner::TestRunner::deterministic();
            let found = (0..200).filter(|_| {
                let layer = layers().new_tree(&mut runner).unwrap().current();
                ByteScales::of_sum(&layer, place).is_some()
            });
            let found = found.count();
            assert!(found > least, "only {found} of 200");
        }
    }
}
