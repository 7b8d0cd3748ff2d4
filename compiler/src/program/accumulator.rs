//! How wide a sum must be, proven from the weights it adds up.

use crate::network::{Bits, SumShape};
use crate::weights::Parameters;
use std::fmt;

/// The integer that a layer's sums are kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Accumulator {
    /// 16 bits, two's complement.
    I16,
    /// 32 bits, two's complement.
    I32,
}

impl Accumulator {
    /// Of weights that are only known at run time: 16 bits where weights have at
    /// most 4 bits and activations 4, else 32.
    pub const fn at_run_time(bits: Bits) -> Self {
        if bits.weights <= 4 && bits.activations == 4 {
            Accumulator::I16
        } else {
            Accumulator::I32
        }
    }

    pub const fn bytes(self) -> u32 {
        match self {
            Accumulator::I16 => 2,
            Accumulator::I32 => 4,
        }
    }

    fn holding(low: i128, high: i128) -> Option<Self> {
        let fits = |least: i128, most: i128| least <= low && high <= most;
        if fits(i16::MIN.into(), i16::MAX.into()) {
            Some(Self::I16)
        } else if fits(i32::MIN.into(), i32::MAX.into()) {
            Some(Self::I32)
        } else {
            None
        }
    }
}

impl fmt::Display for Accumulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Accumulator::I16 => "i16",
            Accumulator::I32 => "i32",
        })
    }
}

/// The values that an activation can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ActivationRange {
    pub low: i32,
    pub high: i32,
}

impl ActivationRange {
    /// The range of an activation of `bits` bits: `0..2^bits`, or two's
    /// complement where its layer has no activation.
    pub(super) fn new(bits: u32, signed: bool) -> Self {
        if signed {
            Self {
                low: -(1 << (bits - 1)),
                high: (1 << (bits - 1)) - 1,
            }
        } else {
            Self {
                low: 0,
                high: (1 << bits) - 1,
            }
        }
    }
}

/// A sum that could pass the widest accumulator that it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SumTooWide {
    /// The output channel.
    pub output: usize,
    /// The least that the sum could be.
    pub low: i128,
    /// The greatest that the sum could be.
    pub high: i128,
    /// The accumulator that is too narrow.
    pub widest: Accumulator,
}

/// The narrowest accumulator, up to `widest`, for
/// `t = (Σ w·x << left) + bias + (s << skip)` of every output, whatever the inputs
/// in the first range, and the values that are added in the second one.
///
/// Sums are kept modulo 2^16 or 2^32, so that it is enough to bound `t` itself: a
/// partial sum that wraps around comes back.
///
/// # Errors
/// The first output whose sum could pass `widest`.
pub(super) fn accumulator_for(
    sum: &SumShape,
    parameters: &Parameters,
    (range, added): (ActivationRange, Option<ActivationRange>),
    widest: Accumulator,
) -> Result<Accumulator, SumTooWide> {
    let (least, most) = (i128::from(range.low), i128::from(range.high));
    let skip = parameters.shift.skip;
    let added = added.map_or((0, 0), |added| {
        (
            i128::from(added.low) << skip,
            i128::from(added.high) << skip,
        )
    });
    let mut needed = Accumulator::I16;
    for (output, &bias) in parameters.bias.iter().enumerate() {
        let (mut low, mut high) = (0i128, 0i128);
        for row in 0..sum.rows() {
            let weight = i128::from(parameters.weight_of(sum, row, output as u32));
            low += (weight * least).min(weight * most);
            high += (weight * least).max(weight * most);
        }
        let (low, high) = (low << parameters.shift.left, high << parameters.shift.left);
        let bias = i128::from(bias);
        let (low, high) = (low + bias + added.0, high + bias + added.1);
        let accumulator = Accumulator::holding(low, high)
            .filter(|&accumulator| accumulator <= widest)
            .ok_or(SumTooWide {
                output,
                low,
                high,
                widest,
            })?;
        needed = needed.max(accumulator);
    }
    Ok(needed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Kernel, SumHalf, WeightOrder};
    use crate::weights::Shift;

    fn width(weight: &[i8], bias: i16, left: u8) -> Result<Accumulator, SumTooWide> {
        let shift = Shift {
            left,
            right: 0,
            skip: 0,
        };
        let parameters = Parameters {
            weight: weight.to_vec(),
            bias: vec![bias],
            shift,
        };
        let range = ActivationRange::new(4, false);
        let sum = SumShape {
            half: SumHalf::Only,
            order: WeightOrder::OutputInput,
            kernel: Kernel::square(1),
            inputs: weight.len() as u32,
            outputs: 1,
            positions: 1,
            adds: false,
        };
        accumulator_for(&sum, &parameters, (range, None), Accumulator::I32)
    }

    #[test]
    fn sixteen_bits_are_taken_up_to_the_last_value_that_fits() {
        assert_eq!(width(&[1], i16::MAX - 15, 0), Ok(Accumulator::I16));
        assert_eq!(width(&[1], i16::MAX - 14, 0), Ok(Accumulator::I32));
        assert_eq!(width(&[-1], i16::MIN + 15, 0), Ok(Accumulator::I16));
        assert_eq!(width(&[-1], i16::MIN + 14, 0), Ok(Accumulator::I32));
    }

    #[test]
    fn only_the_whole_sum_counts() {
        assert_eq!(width(&[127; 18], -30_000, 0), Ok(Accumulator::I16));
        assert_eq!(width(&[127; 18], 0, 0), Ok(Accumulator::I32));
    }

    #[test]
    fn past_thirty_two_bits_is_an_error_that_names_the_bounds() {
        let bounds = SumTooWide {
            output: 0,
            low: 0,
            high: 15 << 28,
            widest: Accumulator::I32,
        };
        assert_eq!(width(&[1], 0, 28), Err(bounds));
        assert_eq!(width(&[0], 5, 31), Ok(Accumulator::I16));
    }
}
