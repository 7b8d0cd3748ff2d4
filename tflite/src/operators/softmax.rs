//! `SOFTMAX`.

use super::call::Call;
use crate::fixed_point::{exp_of_negative, high, one_over_one_plus, round_shift};

/// e to the difference from a row's most value, as a share of the row's sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Softmax {
    /// Values of a row.
    pub row: usize,
    /// By how far a value is below the row's most: e to that difference, in Q0. What is further
    /// below counts as 0.
    pub powers: Vec<i32>,
}

/// Bits before the point of differences, and of the sum of a row's powers.
const DIFFERENCE_BITS: u32 = 5;
const SUM_BITS: u32 = 12;

impl Softmax {
    pub(super) fn read(call: &Call<'_>) -> Result<Self, String> {
        let (input, output) = call.scales()?;
        if (output.scale, output.zero_point) != (1.0 / 256.0, -128) {
            return Err(format!(
                "`{}` has the scale {} and the zero point {}: expected 1/256 and -128",
                call.output(0)?.name,
                output.scale,
                output.zero_point
            ));
        }
        let (from, to) = (call.input(0)?, call.output(0)?);
        let row = from.shape.last().copied().unwrap_or(1);
        if row == 0 || from.shape != to.shape {
            return Err(format!(
                "`{}` is {:?} and `{}` {:?}: expected the same",
                from.name, from.shape, to.name, to.shape
            ));
        }
        let beta = call.options.float(0)?;
        let scale =
            f64::from(beta) * f64::from(input.scale) * f64::from(1 << (31 - DIFFERENCE_BITS));
        let scale = scale.min(f64::from(i32::MAX));
        let multiplier = super::requantise::rescale_wide(scale).filter(|_| scale > 1.0);
        let multiplier = multiplier.ok_or_else(|| {
            format!(
                "its beta {beta} and the scale of its input, {}, are too small",
                input.scale
            )
        })?;
        let shift = multiplier.shift as u32;
        let radius = (f64::from((1 << DIFFERENCE_BITS) - 1)
            * f64::from(1 << (31 - DIFFERENCE_BITS))
            / f64::from(shift).exp2())
        .floor();
        let powers = (0..=255_i32)
            .take_while(|&below| f64::from(below) <= radius)
            .map(|below| {
                let difference = high((-below).wrapping_shl(shift), multiplier.multiplier);
                exp_of_negative(difference, DIFFERENCE_BITS)
            })
            .collect();
        Ok(Self { row, powers })
    }

    /// What a value has of the whole that is so far below the row's most, in Q0; `None` where that
    /// counts as 0.
    fn power(&self, below: i32) -> Option<i32> {
        self.powers.get(below as usize).copied()
    }

    /// What it makes of whole rows.
    pub fn compute(&self, input: &[i8]) -> Vec<i8> {
        let mut all = Vec::with_capacity(input.len());
        for row in input.chunks_exact(self.row) {
            let most = i32::from(row.iter().copied().max().unwrap_or(0));
            let powers = row.iter().map(|&value| self.power(most - i32::from(value)));
            let sum = powers.clone().flatten().fold(0_i32, |sum, power| {
                sum.wrapping_add(round_shift(power, SUM_BITS))
            });
            let zeros = sum.leading_zeros();
            // The sum from 1 to 2, less 1.
            let above_one = ((sum as u32).wrapping_shl(zeros) as i32).wrapping_sub(i32::MIN);
            let inverse = one_over_one_plus(above_one);
            let bits = (SUM_BITS + 31 - 8).saturating_sub(zeros);
            all.extend(powers.map(|power| {
                power.map_or(i8::MIN, |power| {
                    let share = round_shift(high(inverse, power), bits);
                    share.saturating_sub(128).clamp(-128, 127) as i8
                })
            }));
        }
        all
    }
}
