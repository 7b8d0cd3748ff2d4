//! What is computed of a receptive field.

use super::{
    Accumulator, OwnPlace, PrototypeScores, Quantised, QuantisedKernel, Rearrangement, Recurrence,
    SumParameters, TreeScores,
};
use crate::network::{Element, PoolFunction};

/// What is computed from a receptive field.
#[derive(Clone, Debug)]
pub enum Operation {
    /// Weighted sums over all taps and channels.
    Convolution(WeightedSum),
    /// A weighted sum a channel, over all taps; weights `[tap][channel]`.
    Depthwise(WeightedSum),
    /// A sum a channel over all taps, then weighted sums over the channels.
    Separable {
        /// Over the taps; weights `[tap][channel]`.
        depthwise: WeightedSum,
        /// Over the channels; a single tap.
        pointwise: WeightedSum,
    },
    /// Weighted sums over a whole map in the order it is stored in.
    Dense(WeightedSum),
    /// The average or the maximum of each channel.
    Pool(Pooling),
    /// The channels of several maps, one after the other.
    Concat,
    /// States, of the states before and of the values of a step.
    Recurrent(Recurrence),
    /// The scores of a tree, of a single pixel.
    Tree(TreeScores),
    /// The scores of prototypes, of a single pixel.
    Prototypes(PrototypeScores),
    /// What an operator of an 8-bit model computes.
    Quantised(Quantised),
    /// A whole map of values of others.
    Rearrange(Rearrangement),
}

/// What a pixel that is taken in adds to.
#[derive(Clone, Copy, Debug)]
pub enum ByPixel<'a> {
    /// To every sum over the whole map.
    Sums(&'a WeightedSum),
    /// To its window.
    Windows(Pooling),
    /// To the states, with all that is taken in at once.
    Steps(&'a Recurrence),
}

/// What is made of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// The sum of each channel, divided and rounded down.
    Average(Divisor),
    /// The maximum of each channel.
    Maximum,
}

impl Pooling {
    /// What is kept of a window that is not complete.
    pub const fn function(self) -> PoolFunction {
        match self {
            Pooling::Average(_) => PoolFunction::Average,
            Pooling::Maximum => PoolFunction::Maximum,
        }
    }
}

/// What a sum is divided by, rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divisor(pub u32);

impl Divisor {
    /// Bits to shift down by, where that is the same.
    pub fn shift(self) -> Option<u32> {
        self.0.is_power_of_two().then(|| self.0.ilog2())
    }
}

impl WeightedSum {
    /// Bytes of a bias in a table.
    pub fn bias_bytes(&self) -> u32 {
        match (self.reads, self.finish) {
            (Element::Wide, _) | (_, Finish::Wide) => 4,
            (Element::Activation, Finish::Exact | Finish::Relu | Finish::Signed) => 2,
        }
    }
}

impl Operation {
    /// How it can take the pixels of its input in one by one; `None` where each output
    /// needs its whole field.
    pub fn by_pixel(&self) -> Option<ByPixel<'_>> {
        match self {
            Operation::Dense(sum) => Some(ByPixel::Sums(sum)),
            Operation::Pool(pooling) => Some(ByPixel::Windows(*pooling)),
            Operation::Quantised(it) => match &it.kernel {
                QuantisedKernel::Dense(sum) => Some(ByPixel::Sums(&sum.products)),
                QuantisedKernel::Pool { pooling, .. } => Some(ByPixel::Windows(*pooling)),
                QuantisedKernel::Convolution(_)
                | QuantisedKernel::Depthwise { .. }
                | QuantisedKernel::Pixel { .. }
                | QuantisedKernel::Concat(_) => None,
            },
            Operation::Recurrent(recurrence) => Some(ByPixel::Steps(recurrence)),
            Operation::Convolution(_)
            | Operation::Depthwise(_)
            | Operation::Separable { .. }
            | Operation::Concat
            | Operation::Tree(_)
            | Operation::Prototypes(_)
            | Operation::Rearrange(_) => None,
        }
    }

    /// What an operator of an 8-bit model computes, if it is one that computes.
    pub fn quantised(&self) -> Option<&Quantised> {
        match self {
            Operation::Quantised(quantised) => Some(quantised),
            Operation::Convolution(_)
            | Operation::Depthwise(_)
            | Operation::Separable { .. }
            | Operation::Dense(_)
            | Operation::Pool(_)
            | Operation::Concat
            | Operation::Recurrent(_)
            | Operation::Tree(_)
            | Operation::Prototypes(_)
            | Operation::Rearrange(_) => None,
        }
    }

    /// Whether the largest value of a window is an output as it is.
    pub fn keeps_maxima(&self) -> bool {
        match self {
            Operation::Pool(pooling) => *pooling == Pooling::Maximum,
            Operation::Quantised(it) => match &it.kernel {
                QuantisedKernel::Pool { pooling, finish } => {
                    *pooling == Pooling::Maximum && finish.keeps_a_maximum()
                }
                QuantisedKernel::Convolution(_)
                | QuantisedKernel::Depthwise { .. }
                | QuantisedKernel::Dense(_)
                | QuantisedKernel::Pixel { .. }
                | QuantisedKernel::Concat(_) => false,
            },
            Operation::Convolution(_)
            | Operation::Depthwise(_)
            | Operation::Separable { .. }
            | Operation::Dense(_)
            | Operation::Concat
            | Operation::Recurrent(_)
            | Operation::Tree(_)
            | Operation::Prototypes(_)
            | Operation::Rearrange(_) => false,
        }
    }

    /// The value that taps outside of the map have.
    pub fn value_outside(&self) -> i8 {
        match self {
            Operation::Quantised(it) => it.kernel.value_outside(),
            Operation::Convolution(_)
            | Operation::Depthwise(_)
            | Operation::Separable { .. }
            | Operation::Dense(_)
            | Operation::Pool(_)
            | Operation::Concat
            | Operation::Recurrent(_)
            | Operation::Tree(_)
            | Operation::Prototypes(_)
            | Operation::Rearrange(_) => 0,
        }
    }

    /// Whether each output is a sum over a whole map, in the order it is stored in.
    pub fn is_dense(&self) -> bool {
        match self.by_pixel() {
            Some(ByPixel::Sums(_)) => true,
            Some(ByPixel::Windows(_) | ByPixel::Steps(_)) | None => false,
        }
    }

    /// The sums of a convolution whose outputs all read every channel.
    pub fn convolution(&self) -> Option<&WeightedSum> {
        match self {
            Operation::Convolution(sum) => Some(sum),
            Operation::Depthwise(_)
            | Operation::Separable { .. }
            | Operation::Dense(_)
            | Operation::Pool(_)
            | Operation::Concat
            | Operation::Recurrent(_)
            | Operation::Tree(_)
            | Operation::Prototypes(_)
            | Operation::Quantised(_)
            | Operation::Rearrange(_) => None,
        }
    }

    /// What it makes of a window, if it is a pooling.
    pub fn pooling(&self) -> Option<Pooling> {
        match self.by_pixel() {
            Some(ByPixel::Windows(pooling)) => Some(pooling),
            Some(ByPixel::Sums(_) | ByPixel::Steps(_)) | None => None,
        }
    }

    /// How it moves values, if that is all it does.
    pub fn rearrangement(&self) -> Option<&Rearrangement> {
        match self {
            Operation::Rearrange(it) => Some(it),
            Operation::Convolution(_)
            | Operation::Depthwise(_)
            | Operation::Separable { .. }
            | Operation::Dense(_)
            | Operation::Pool(_)
            | Operation::Concat
            | Operation::Recurrent(_)
            | Operation::Tree(_)
            | Operation::Prototypes(_)
            | Operation::Quantised(_) => None,
        }
    }

    /// Bytes of its parameters that are not those of sums.
    pub fn own_bytes(&self) -> u32 {
        match self {
            Operation::Recurrent(it) => it.bytes(),
            Operation::Tree(it) => it.layout.bytes,
            Operation::Prototypes(it) => it.layout.bytes,
            Operation::Convolution(_)
            | Operation::Depthwise(_)
            | Operation::Separable { .. }
            | Operation::Dense(_)
            | Operation::Pool(_)
            | Operation::Concat
            | Operation::Quantised(_)
            | Operation::Rearrange(_) => 0,
        }
    }

    /// Those parameters as bytes, where they are known.
    pub fn own_packed(&self) -> Option<Vec<u8>> {
        match self {
            Operation::Recurrent(it) => it.packed(),
            Operation::Tree(it) => it.packed(),
            Operation::Prototypes(it) => it.packed(),
            Operation::Convolution(_)
            | Operation::Depthwise(_)
            | Operation::Separable { .. }
            | Operation::Dense(_)
            | Operation::Pool(_)
            | Operation::Concat
            | Operation::Quantised(_)
            | Operation::Rearrange(_) => None,
        }
    }

    /// The first byte of those parameters, where they are loaded at run time.
    pub fn own_loaded(&self) -> Option<u32> {
        let byte = match self {
            Operation::Recurrent(it) => it.parameters.loaded(),
            Operation::Tree(it) => it.parameters.loaded(),
            Operation::Prototypes(it) => it.parameters.loaded(),
            Operation::Convolution(_)
            | Operation::Depthwise(_)
            | Operation::Separable { .. }
            | Operation::Dense(_)
            | Operation::Pool(_)
            | Operation::Concat
            | Operation::Quantised(_)
            | Operation::Rearrange(_) => None,
        };
        byte.copied()
    }

    /// Puts loaded parameters in, as constants; bytes past the buffer's end are 0.
    pub(super) fn load_own(&mut self, buffer: &[u8]) {
        let Some(first) = self.own_loaded() else {
            return;
        };
        let places = first..first + self.own_bytes();
        let bytes: Vec<u8> = places
            .map(|index| buffer.get(index as usize).copied().unwrap_or(0))
            .collect();
        match self {
            Operation::Recurrent(it) => it.parameters = OwnPlace::Constant(it.unpacked(&bytes)),
            Operation::Tree(it) => it.parameters = OwnPlace::Constant(it.unpacked(&bytes)),
            Operation::Prototypes(it) => it.parameters = OwnPlace::Constant(it.unpacked(&bytes)),
            Operation::Convolution(_)
            | Operation::Depthwise(_)
            | Operation::Separable { .. }
            | Operation::Dense(_)
            | Operation::Pool(_)
            | Operation::Concat
            | Operation::Quantised(_)
            | Operation::Rearrange(_) => {}
        }
    }

    /// Whether it has parameters, which may come at run time.
    pub fn has_parameters(&self) -> bool {
        self.own_bytes() > 0 || self.sums().next().is_some()
    }

    /// Whether it reads or makes wide values, or makes scores of them.
    pub fn is_wide(&self) -> bool {
        match self {
            Operation::Recurrent(_) | Operation::Tree(_) | Operation::Prototypes(_) => true,
            Operation::Dense(sum) => sum.reads == Element::Wide || sum.finish == Finish::Wide,
            Operation::Convolution(_)
            | Operation::Depthwise(_)
            | Operation::Separable { .. }
            | Operation::Pool(_)
            | Operation::Concat
            | Operation::Quantised(_)
            | Operation::Rearrange(_) => false,
        }
    }

    /// Whether its sums become wide values.
    pub fn is_projection(&self) -> bool {
        self.sums().any(|sum| sum.finish == Finish::Wide)
    }

    /// Its weighted sums, in the order of computing.
    pub fn sums(&self) -> impl Iterator<Item = &WeightedSum> {
        let (first, second) = match self {
            Operation::Convolution(sum) | Operation::Depthwise(sum) | Operation::Dense(sum) => {
                (Some(sum), None)
            }
            Operation::Separable {
                depthwise,
                pointwise,
            } => (Some(depthwise), Some(pointwise)),
            Operation::Pool(_)
            | Operation::Concat
            | Operation::Recurrent(_)
            | Operation::Tree(_)
            | Operation::Prototypes(_)
            | Operation::Rearrange(_) => (None, None),
            Operation::Quantised(it) => (it.kernel.sum().map(|sum| &sum.products), None),
        };
        first.into_iter().chain(second)
    }

    pub(super) fn sums_mut(&mut self) -> impl Iterator<Item = &mut WeightedSum> {
        let (first, second) = match self {
            Operation::Convolution(sum) | Operation::Depthwise(sum) | Operation::Dense(sum) => {
                (Some(sum), None)
            }
            Operation::Separable {
                depthwise,
                pointwise,
            } => (Some(depthwise), Some(pointwise)),
            // Of these, parameters are always constants, or not those of sums.
            Operation::Pool(_)
            | Operation::Concat
            | Operation::Recurrent(_)
            | Operation::Tree(_)
            | Operation::Prototypes(_)
            | Operation::Quantised(_)
            | Operation::Rearrange(_) => (None, None),
        };
        first.into_iter().chain(second)
    }
}

/// `t = (Σ w·x << left) + bias` for every output, `+ (s << skip)` where a map is
/// added, and what follows it.
#[derive(Clone, Debug)]
pub struct WeightedSum {
    /// The integer that holds every partial sum.
    pub accumulator: Accumulator,
    /// Values that one tap reads.
    pub inputs: u32,
    /// Sums.
    pub outputs: u32,
    /// Rows of `outputs` weights: one for each value that is read, but one for
    /// each tap of a depthwise kernel.
    pub rows: u32,
    /// Whether the joined map's value of the same place is added.
    pub adds: bool,
    /// What is read: wide values by dense layers alone.
    pub reads: Element,
    /// The weights, biases and shifts, or where they are.
    pub parameters: SumParameters,
    /// What becomes of `t`.
    pub finish: Finish,
}

/// What becomes of a sum; `right` is among its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// It is a result as it stands.
    Exact,
    /// `min(rhe(max(t, 0) / 2^right), 2^bits − 1)`.
    Relu,
    /// `clamp(rhe(t / 2^right), −2^(bits−1), 2^(bits−1) − 1)`.
    Signed,
    /// `clamp(rsh(t, right), −2^15, 2^15 − 1)`, where `rsh(v, n) = (v + 2^(n−1)) >> n`.
    Wide,
}
