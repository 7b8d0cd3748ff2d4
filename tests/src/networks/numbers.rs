//! What fills the tensors of a sum.

use super::weights_file::SumTensors;
use herringbone_compiler::network::Bits;
use herringbone_compiler::weights::{Parameters, Shift};
use proptest::prelude::*;

/// The parameters of one sum.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    pub(super) weights: Fill,
    pub(super) biases: Fill,
    /// Bits by which the biases are made smaller.
    pub(super) bias_shift: u32,
    pub(super) left: u8,
    pub(super) right: Right,
    /// Bits by which a map that is added is shifted beyond what makes it about as
    /// large as the sum.
    pub(super) skip: i32,
}

/// A shift to the right.
#[derive(Clone, Copy, Debug)]
pub(super) enum Right {
    /// By about as much as brings a sum to the bits of an activation.
    Near(i32),
    /// By as much as brings the largest sum on the first input to the bits of an
    /// activation, and that many more.
    Alive(i32),
    Exactly(u8),
}

/// How a tensor is filled.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fill {
    /// Any values.
    Random(u64),
    /// The least and the greatest value, in turn at random.
    Extremes(u64),
    /// Any values, most of them 0.
    Sparse(u64),
    /// The greatest value.
    Greatest,
    /// The least value.
    Least,
}

impl Fill {
    /// Other values, filled in the same way.
    pub(super) fn salted(self, salt: u64) -> Self {
        match self {
            Fill::Random(seed) => Fill::Random(seed.wrapping_add(salt << 32)),
            Fill::Extremes(seed) => Fill::Extremes(seed.wrapping_add(salt << 32)),
            Fill::Sparse(seed) => Fill::Sparse(seed.wrapping_add(salt << 32)),
            Fill::Greatest | Fill::Least => self,
        }
    }

    pub(super) fn values(self, low: i64, high: i64, count: u32) -> Vec<i64> {
        let mut state = match self {
            Fill::Random(seed) | Fill::Extremes(seed) | Fill::Sparse(seed) => seed,
            Fill::Greatest | Fill::Least => 0,
        };
        let mut values = Vec::new();
        for _ in 0..count {
            let random = split_mix(&mut state);
            values.push(match self {
                Fill::Sparse(_) if !(random >> 32).is_multiple_of(4) => 0,
                Fill::Random(_) | Fill::Sparse(_) => {
                    low + (random % (high - low + 1) as u64) as i64
                }
                Fill::Extremes(_) if random & 1 == 0 => low,
                Fill::Extremes(_) | Fill::Greatest => high,
                Fill::Least => low,
            });
        }
        values
    }
}

impl Numbers {
    pub(super) const PLAIN: Self = Self {
        weights: Fill::Greatest,
        biases: Fill::Random(0),
        bias_shift: 12,
        left: 0,
        right: Right::Near(0),
        skip: 0,
    };

    /// Random ones.
    pub(super) const ALIVE: Self = Self {
        weights: Fill::Random(1),
        biases: Fill::Random(2),
        bias_shift: 8,
        left: 1,
        right: Right::Alive(0),
        skip: 0,
    };

    /// The parameters of a sum.
    pub(super) fn parameters(&self, sum: &SumTensors, bits: Bits) -> Parameters {
        let range = |bits: u32| (-(1i64 << (bits - 1)), (1i64 << (bits - 1)) - 1);
        let shape = sum.weight.as_deref();
        let count = shape.map_or(sum.outputs, |shape| shape.iter().product());
        let (weight, bias) = if shape.is_some() {
            let (low, high) = range(bits.weights);
            let weight = self.weights.values(low, high, count);
            let (low, high) = range(bits.biases);
            (weight, self.biases.values(low, high, sum.outputs))
        } else {
            (vec![1; count as usize], vec![0; count as usize])
        };
        // Random weights and activations add up like the square root of their count.
        let inputs_log2 = (count / sum.outputs).ilog2() as i32;
        let weight_log2 = shape.map_or(0, |_| bits.weights as i32 - 2);
        let near = weight_log2 + inputs_log2 / 2 + i32::from(self.left);
        let right = match self.right {
            // Until the sums are known.
            Right::Near(more) | Right::Alive(more) => (near + more).clamp(0, 20) as u8,
            Right::Exactly(right) => right,
        };
        Parameters {
            weight: weight.into_iter().map(|value| value as i8).collect(),
            bias: bias
                .into_iter()
                .map(|value| (value >> self.bias_shift) as i32)
                .collect(),
            shift: Shift {
                left: self.left,
                right,
                skip: (near + self.skip).clamp(0, 20) as u8,
            },
        }
    }
}

/// Any way of filling, random most of all.
pub(super) fn fill() -> impl Strategy<Value = Fill> {
    prop_oneof![
        6 => any::<u64>().prop_map(Fill::Random),
        2 => any::<u64>().prop_map(Fill::Extremes),
        2 => any::<u64>().prop_map(Fill::Sparse),
        1 => Just(Fill::Greatest),
        1 => Just(Fill::Least),
    ]
}

/// SplitMix64 (Steele, Lea & Flood, OOPSLA 2014).
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
