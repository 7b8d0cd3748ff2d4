//! `MEAN`.

use super::call::{Call, axis};
use super::requantise::{Range, rescale};
use crate::fixed_point::Rescale;

/// The mean over some axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Mean {
    /// The shape that it reads.
    pub shape: Vec<usize>,
    /// By axis: whether it is summed over.
    pub is_summed: Vec<bool>,
    /// Values of a mean.
    pub count: usize,
    /// The quotient of scales, divided by `count`.
    pub rescale: Rescale,
    /// The input's value that stands for 0.
    pub input_zero_point: i32,
    /// The output's value that stands for 0.
    pub output_zero_point: i32,
}

impl Mean {
    pub(super) fn read(call: &Call<'_>) -> Result<Self, String> {
        let (input, output) = call.scales()?;
        let from = call.input(0)?;
        let mut is_summed = vec![false; from.shape.len()];
        for &number in call.constant_int32(1)? {
            is_summed[axis(number, from.shape.len())?] = true;
        }
        let sides = from.shape.iter().zip(&is_summed);
        let count: usize = sides.filter(|(_, is)| **is).map(|(side, _)| side).product();
        let made = from.values() / count.max(1);
        if count == 0 || call.output(0)?.values() != made {
            return Err(format!(
                "it makes {made} means of {:?}, and `{}` is {:?}",
                from.shape,
                call.output(0)?.name,
                call.output(0)?.shape
            ));
        }
        // `QuantizedMeanOrSum`: as many bits as the multiplier has room for, before the division.
        let Rescale { multiplier, shift } =
            rescale(f64::from(input.scale) / f64::from(output.scale))?;
        let bits = (63 - (count as u64).leading_zeros() as i32)
            .min(32)
            .min(31 + shift)
            .max(0);
        let rescale = Rescale {
            multiplier: ((i64::from(multiplier) << bits) / count as i64) as i32,
            shift: shift - bits,
        };
        Ok(Self {
            shape: from.shape.clone(),
            is_summed,
            count,
            rescale,
            input_zero_point: input.zero_point,
            output_zero_point: output.zero_point,
        })
    }

    pub(super) fn compute(&self, input: &[i8]) -> Vec<i8> {
        let mut sums = vec![0_i32; input.len() / self.count];
        for (index, &value) in input.iter().enumerate() {
            let (mut index, mut output, mut step) = (index, 0, 1);
            for (&side, &is_summed) in self.shape.iter().zip(&self.is_summed).rev() {
                if !is_summed {
                    output += index % side * step;
                    step *= side;
                }
                index /= side;
            }
            sums[output] = sums[output].wrapping_add(value.into());
        }
        sums.into_iter().map(|sum| self.of_sum(sum)).collect()
    }

    /// The mean of as many values as it takes, of their sum.
    pub fn of_sum(&self, sum: i32) -> i8 {
        let rescaled = self.rescale.apply(sum.wrapping_sub(self.zero_of_sum()));
        Range::ALL.clamp(self.output_zero_point.wrapping_add(rescaled))
    }

    /// The sum that stands for 0.
    pub fn zero_of_sum(&self) -> i32 {
        self.input_zero_point.wrapping_mul(self.count as i32)
    }
}
