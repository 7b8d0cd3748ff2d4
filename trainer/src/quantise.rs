//! Grids of numbers that integers of a few bits stand for.

use serde::{Deserialize, Serialize};

/// Where a layer's activations may lie: multiples of a step within a range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// A power of two; 0 where numbers are not rounded.
    pub step: f32,
    /// The least and the largest multiple; without a step, the bounds themselves.
    pub least: f32,
    /// The largest.
    pub largest: f32,
}

impl Grid {
    /// All numbers, or all from 0 on.
    pub fn none(is_signed: bool) -> Self {
        Self {
            step: 0.0,
            least: if is_signed { f32::NEG_INFINITY } else { 0.0 },
            largest: f32::INFINITY,
        }
    }

    /// Integers of that many bits, in units of 2^`exponent`.
    pub fn of_bits(bits: u32, is_signed: bool, exponent: i32) -> Self {
        let (least, largest) = if is_signed {
            (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
        } else {
            (0, (1 << bits) - 1)
        };
        Self {
            step: (exponent as f32).exp2(),
            least: least as f32,
            largest: largest as f32,
        }
    }

    /// The range in numbers.
    pub(crate) fn range(self) -> (f32, f32) {
        if self.step == 0.0 {
            (self.least, self.largest)
        } else {
            (self.least * self.step, self.largest * self.step)
        }
    }

    /// The nearest number of the grid; halves go to the even multiple.
    #[inline(always)]
    pub(crate) fn nearest(self, number: f32) -> f32 {
        if self.step == 0.0 {
            number.max(self.least).min(self.largest)
        } else {
            // Division by a power of two is exact.
            let multiple = (number / self.step).round_ties_even();
            multiple.max(self.least).min(self.largest) * self.step
        }
    }

    /// Whether the gradient passes: within the clips.
    #[inline(always)]
    pub(crate) fn passes(self, number: f32) -> bool {
        let (low, high) = self.range();
        number > low && number < high
    }
}

/// The powers of two of a network's integers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scales {
    /// Of each weighted sum, in the order of [`Model::sums`](crate::model::Model).
    pub sums: Vec<SumScales>,
}

/// The powers of two of a weighted sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SumScales {
    /// What 1 of a weight stands for, 2 to that power.
    pub weight: i32,
    /// Bits that products are shifted to the left by, before the bias.
    pub left: i32,
    /// What 1 of an activation stands for; of results that are sums, of the sum.
    pub activation: i32,
}

impl SumScales {
    /// With as much of a shift to the left as keeps the sum from being coarser than
    /// the activation. `input`: the power of what is read.
    pub fn of_activation(weight: i32, activation: i32, input: i32) -> Self {
        Self {
            weight,
            left: (weight + input - activation).max(0),
            activation,
        }
    }

    /// Of a sum that is returned as it is.
    pub fn of_result(weight: i32, input: i32) -> Self {
        Self {
            weight,
            left: 0,
            activation: weight + input,
        }
    }

    /// The power of the sum, which is the bias's too.
    pub fn sum_exponent(self, input: i32) -> i32 {
        self.weight + input - self.left
    }

    /// Bits that a sum is shifted to the right by.
    pub fn right(self, input: i32) -> i32 {
        self.activation - self.sum_exponent(input)
    }
}

/// The power of two by which integers of that many bits come closest to the
/// numbers: the least mean square of what they differ by.
pub fn closest_exponent(numbers: &[f32], bits: u32, is_signed: bool) -> i32 {
    let largest = numbers.iter().fold(0.0_f32, |most, it| most.max(it.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return -(bits as i32);
    }
    // With the first, nothing is clipped; clipping a few far ones may be better.
    let magnitude_bits = bits as i32 - i32::from(is_signed);
    let most = largest.log2().ceil() as i32 - magnitude_bits + 1;
    let error = |exponent: i32| {
        let grid = Grid::of_bits(bits, is_signed, exponent);
        let squares = numbers.iter().map(|&number| {
            let error = f64::from(grid.nearest(number) - number);
            error * error
        });
        squares.sum::<f64>()
    };
    let candidates = (most - 5..=most).rev();
    let errors = candidates.map(|exponent| (exponent, error(exponent)));
    let best = errors.min_by(|one, other| one.1.total_cmp(&other.1));
    best.expect("there are candidates").0
}
