//! Grids of numbers that integers of a few bits stand for.

use herringbone_compiler::network::{ByValue, Network};
use serde::{Deserialize, Serialize};

use crate::integers::input_exponent;
use crate::own::{OwnScales, has_own};

/// Where a layer's activations may be: multiples of a step within a range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// A power of two; 0 where numbers are not rounded.
    pub step: f32,
    /// The least and the largest multiple; without a step, the bounds themselves.
    pub least: f32,
    pub largest: f32,
    /// How much of a number is moved onto the grid, 0 to 1: less than all of it while a
    /// training is on its way to integers.
    pub share: f32,
    /// Whether halves go up, and not to the even multiple.
    pub halves_up: bool,
}

impl Grid {
    /// All numbers, or all from 0 on.
    pub fn none(is_signed: bool) -> Self {
        Self {
            step: 0.0,
            least: if is_signed { f32::NEG_INFINITY } else { 0.0 },
            largest: f32::INFINITY,
            share: 1.0,
            halves_up: false,
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
            share: 1.0,
            halves_up: false,
        }
    }

    /// Integers of 16 bits, in units of 2^`exponent`, halves going up: those of wide values.
    pub fn wide(exponent: i32) -> Self {
        Self {
            halves_up: true,
            ..Self::of_bits(16, true, exponent)
        }
    }

    /// The same grid, onto which numbers are moved by that share of their distance.
    pub fn with_share(self, share: f32) -> Self {
        Self { share, ..self }
    }

    /// The range in numbers.
    pub(crate) fn range(self) -> (f32, f32) {
        if self.step == 0.0 {
            (self.least, self.largest)
        } else {
            (self.least * self.step, self.largest * self.step)
        }
    }

    /// The nearest number of the grid; halves go to the even multiple, or up.
    #[inline(always)]
    pub(crate) fn nearest(self, number: f32) -> f32 {
        if self.step == 0.0 {
            number.max(self.least).min(self.largest)
        } else {
            // Division by a power of two is exact.
            let multiple = number / self.step;
            let multiple = match self.halves_up {
                true => (multiple + 0.5).floor(),
                false => multiple.round_ties_even(),
            };
            multiple.max(self.least).min(self.largest) * self.step
        }
    }

    /// What becomes of a number: itself, moved by the share towards the nearest number of
    /// the grid. Without a sign none is below 0.
    #[inline(always)]
    pub(crate) fn moved(self, number: f32) -> f32 {
        let nearest = self.nearest(number);
        if self.share == 1.0 {
            return nearest;
        }
        let unclipped = if self.least < 0.0 {
            number
        } else {
            number.max(0.0)
        };
        unclipped + self.share * (nearest - unclipped)
    }

    /// What the gradient is multiplied by: strictly between the clips it passes, beyond
    /// them as much of it as is not moved there.
    #[inline(always)]
    pub(crate) fn slope(self, number: f32) -> f32 {
        let (low, high) = self.range();
        if number > low && number < high {
            1.0
        } else if self.least < 0.0 || number > 0.0 {
            1.0 - self.share
        } else {
            0.0
        }
    }

    /// How what becomes of a number changes with the exponent of the step, if the exponent
    /// were no integer: straight through the rounding (Esser et al. 2020, "Learned step
    /// size quantization", equation 3, times the derivative of the power of two, as Jain et
    /// al. 2020, "Trained quantization thresholds", equation 8, have it).
    #[inline(always)]
    pub(crate) fn by_exponent(self, number: f32) -> f32 {
        let (low, high) = self.range();
        let inside = if number > low && number < high {
            number
        } else {
            0.0
        };
        self.share * std::f32::consts::LN_2 * (self.nearest(number) - inside)
    }
}

/// The powers of two of a network's integers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scales {
    /// Of each weighted sum, in the order of [`Model::sums`](crate::model::Model).
    pub sums: Vec<SumScales>,
    /// Of each node with parameters of its own.
    #[serde(default)]
    pub own: Vec<OwnScales>,
}

impl Scales {
    /// What 1 of a network's results stands for, 2 to that power.
    pub fn result_exponent(&self, network: &Network) -> i32 {
        self.exponents(network)[network.output_value()]
    }

    /// What 1 of each value stands for, 2 to that power.
    pub(crate) fn exponents(&self, network: &Network) -> ByValue<i32> {
        let count = network.values().len();
        let mut exponents = ByValue::new(vec![input_exponent(network); count]);
        let mut sums = self.sums.iter();
        let mut own = self.own.iter();
        for node in network.computing_nodes() {
            // Maxima, means and maps side by side are of what they are made of.
            let kept = exponents[node.reads[0]];
            let last = sums.by_ref().take(node.sums().count()).last();
            let own = has_own(node).then(|| own.next()).flatten();
            let made = last.map(|last| last.activation);
            let made = made.or(own.map(|own| own.activation));
            exponents[node.writes] = made.unwrap_or(kept);
        }
        exponents
    }
}

/// The powers of two of a weighted sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SumScales {
    /// What 1 of a weight stands for, 2 to that power; of a sum of ones, what a value
    /// that is read is multiplied by.
    pub weight: i32,
    /// Bits that products are shifted to the left by, before the bias.
    pub left: i32,
    /// What 1 of an activation stands for; of results that are sums, of the sum.
    pub activation: i32,
    /// What a map that is added is multiplied by, 2 to that power: 1 as far as a
    /// training goes, but integers from elsewhere may add maps of any scales.
    #[serde(default)]
    pub added: i32,
}

/// The powers of two of what a weighted sum reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadScales {
    /// Of the running map.
    pub input: i32,
    /// Of the map that is added, if one is.
    pub added: Option<i32>,
}

impl SumScales {
    /// With as little of a shift to the left as keeps the sum from being coarser than
    /// the activation and the map that is added.
    pub fn of_activation(weight: i32, activation: i32, reads: ReadScales) -> Self {
        Self::no_coarser(weight, reads, Some(activation))
    }

    /// Of a sum that is returned as it is.
    pub fn of_result(weight: i32, reads: ReadScales) -> Self {
        Self::no_coarser(weight, reads, None)
    }

    fn no_coarser(weight: i32, reads: ReadScales, activation: Option<i32>) -> Self {
        let products = weight + reads.input;
        let others = [reads.added, activation].into_iter().flatten();
        let sum = others.fold(products, i32::min);
        Self {
            weight,
            left: products - sum,
            activation: activation.unwrap_or(sum),
            added: 0,
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

    /// Bits that the map that is added is shifted to the left by; 0 where none is.
    pub fn skip(self, reads: ReadScales) -> i32 {
        let sum = self.sum_exponent(reads.input);
        reads.added.map_or(0, |added| added + self.added - sum)
    }
}

/// The power of two by which integers of that many bits come closest to the
/// numbers: the least mean square of what they differ by. Numbers that are all 0
/// are those of any.
pub fn closest_exponent(numbers: &[f32], bits: u32, is_signed: bool) -> i32 {
    let largest = numbers.iter().fold(0.0_f32, |most, it| most.max(it.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return -(bits as i32);
    }
    let magnitude_bits = bits as i32 - i32::from(is_signed);
    // Nothing is clipped; the multiples of a larger power are among those of this one.
    let most = largest.log2().ceil() as i32 - magnitude_bits + 1;
    let (mut best, mut least) = (most, f64::INFINITY);
    for exponent in (most - 32..=most).rev() {
        let grid = Grid::of_bits(bits, is_signed, exponent);
        let (low, high) = grid.range();
        let (mut all, mut clipped) = (0.0, 0.0);
        for &number in numbers {
            let error = f64::from(grid.nearest(number) - number);
            all += error * error;
            if number < low || number > high {
                clipped += error * error;
            }
        }
        if all < least {
            (best, least) = (exponent, all);
        }
        // A smaller power clips these even more.
        if clipped >= least {
            break;
        }
    }
    best
}

#[cfg(test)]
mod tests;
