//! What operators of 8-bit models compute: TensorFlow Lite's arithmetic, with everything folded
//! that does not depend on the input.

use super::{Pooling, WeightedSum};
use herringbone_tflite::Rescale;
use herringbone_tflite::operators::{
    Addition, ByteMap, Mean, Multiplication, Range, Requantise, Softmax,
};

/// An operator, and those that go over each pixel of its outputs at once.
#[derive(Clone, Debug)]
pub struct Quantised {
    /// What makes a pixel.
    pub kernel: QuantisedKernel,
    /// What is then made of that pixel, in order.
    pub followers: Vec<Pixelwise>,
}

/// How a pixel of outputs is made.
#[derive(Clone, Debug)]
pub enum QuantisedKernel {
    /// Weighted sums over all taps and channels.
    Convolution(RescaledSum),
    /// A weighted sum an output over all taps; weights `[tap][output]`.
    Depthwise {
        /// The sums.
        sum: RescaledSum,
        /// Outputs of each channel, one after the other.
        multiplier: u32,
    },
    /// Weighted sums over a whole map in the order it is stored in.
    Dense(RescaledSum),
    /// The average or the maximum of each channel.
    Pool {
        /// How the values of a window are taken in, one by one.
        pooling: Pooling,
        /// What becomes of them.
        finish: PoolFinish,
    },
    /// The pixel of the running map as it is, or, around that map, one of that value alone.
    Pixel {
        /// The value.
        around: i8,
    },
    /// The pixels of several maps, one after the other.
    Concat(Vec<Operand>),
}

/// Weighted sums that become bytes.
#[derive(Clone, Debug)]
pub struct RescaledSum {
    /// The sums of weights and values as they are stored: exact, and without biases.
    pub products: WeightedSum,
    /// The input's value that stands for 0, which taps outside of the map have.
    pub input_zero_point: i8,
    /// One an output, less what the sum is of inputs that stand for 0.
    pub biases: Vec<i32>,
    /// From sums to bytes.
    pub requantise: Requantise,
}

/// What becomes of the values of a window.
#[derive(Clone, Debug, PartialEq)]
pub enum PoolFinish {
    /// The maximum, or the mean rounded to the nearest, halves away from 0, within that range.
    Within(Range),
    /// The mean by another scale.
    Mean(Mean),
}

/// What is made of a pixel.
#[derive(Clone, Debug)]
pub enum Pixelwise {
    /// A byte of each byte.
    ByteMap(ByteMap),
    /// The sum or difference with another pixel.
    Addition(Addition, [Operand; 2]),
    /// The product with another pixel.
    Multiplication(Multiplication, [Operand; 2]),
    /// Each value's share of the pixel.
    Softmax(Softmax),
}

/// A pixel that an operator reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// Of the running map, or what has been made of it.
    Running,
    /// Of the map of that number among those that are joined.
    Joined(usize),
    /// A value a channel, the same at every place.
    Constant(Vec<i8>),
}

impl QuantisedKernel {
    /// Its weighted sums.
    pub fn sum(&self) -> Option<&RescaledSum> {
        match self {
            Self::Convolution(sum) | Self::Depthwise { sum, .. } | Self::Dense(sum) => Some(sum),
            Self::Pool { .. } | Self::Pixel { .. } | Self::Concat(_) => None,
        }
    }

    /// The value of a tap that is outside of the map.
    pub fn value_outside(&self) -> i8 {
        match self {
            Self::Convolution(sum) | Self::Depthwise { sum, .. } | Self::Dense(sum) => {
                sum.input_zero_point
            }
            Self::Pool { pooling, .. } => match pooling {
                // Neither counts.
                Pooling::Average(_) => 0,
                Pooling::Maximum => i8::MIN,
            },
            Self::Pixel { around } => *around,
            Self::Concat(_) => 0,
        }
    }
}

impl RescaledSum {
    /// The byte of an output's sum of products.
    pub fn byte_of(&self, output: usize, products: i32) -> i8 {
        let total = products.wrapping_add(self.biases[output]);
        self.requantise.apply(output, total)
    }

    /// The number that all outputs are rescaled by, if it is one.
    pub fn single_rescale(&self) -> Option<Rescale> {
        let (first, rest) = self.requantise.rescales.split_first()?;
        rest.iter().all(|other| other == first).then_some(*first)
    }
}

impl PoolFinish {
    /// Whether it leaves a maximum as it is.
    pub fn keeps_a_maximum(&self) -> bool {
        match self {
            Self::Within(range) => *range == Range::ALL,
            Self::Mean(_) => false,
        }
    }
}
