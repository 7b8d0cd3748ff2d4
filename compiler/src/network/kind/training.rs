//! `Dr(p)`, `N(sigma)`: of meaning in training alone, no code.

use super::{AfterSums, MadeChannels, Method, Reads, Rules};
use crate::network::node::Node;
use crate::network::sums::SumShape;
use std::fmt;

/// `Dr(p)`: dropout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// The share of values dropped in training, 0 ≤ p < 1.
    pub probability: f64,
}

impl Dropout {
    /// The share that a `Dr` without argument drops, as in Hinton et al., 2012
    /// (arXiv:1207.0580), "Improving neural networks by preventing co-adaptation
    /// of feature detectors".
    pub const DEFAULT_PROBABILITY: f64 = 0.5;
}

/// `N(sigma)`: Gaussian noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// The standard deviation, as a share of the range of activations.
    pub deviation: f64,
}

macro_rules! training_only {
    ($kind:ident) => {
        impl Rules for $kind {
            fn method(&self) -> Method {
                Method::TrainingOnly
            }

            fn reads(&self) -> Reads {
                Reads::Pixel
            }

            fn channels(&self) -> MadeChannels {
                MadeChannels::AsRead
            }

            fn after_sums(&self) -> Option<AfterSums> {
                None
            }

            fn sums(&self, _: &Node) -> Vec<SumShape> {
                Vec::new()
            }
        }
    };
}

training_only!(Dropout);
training_only!(Noise);

impl fmt::Display for Dropout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.probability {
            Self::DEFAULT_PROBABILITY => f.write_str("Dr"),
            probability => write!(f, "Dr({probability})"),
        }
    }
}

impl fmt::Display for Noise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "N({})", self.deviation)
    }
}
