//! The numbers that a model computes with.

use crate::quantise::Scales;
use crate::standard::Standards;

/// What numbers a model computes with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arithmetic<'a> {
    /// Floating point, the sums of all layers but the last normalised over the batch, and
    /// inputs standardised where weights can take that up.
    Normalised(&'a Standards),
    /// Floating point.
    Float,
    /// Integers of those scales.
    Integers(&'a Scales),
    /// On the way from floating point to integers of those scales: every number that has a
    /// grid is moved by that share of its distance, 0 to 1.
    Between(&'a Scales, f32),
}

impl<'a> Arithmetic<'a> {
    /// Integers, if there are scales.
    pub fn of(scales: Option<&'a Scales>) -> Self {
        scales.map_or(Self::Float, Self::Integers)
    }

    pub(crate) fn scales(self) -> Option<&'a Scales> {
        match self {
            Self::Normalised(_) | Self::Float => None,
            Self::Integers(scales) | Self::Between(scales, _) => Some(scales),
        }
    }

    /// What inputs are standardised by, where sums are normalised.
    pub(crate) fn standards(self) -> Option<&'a Standards> {
        match self {
            Self::Normalised(standards) => Some(standards),
            Self::Float | Self::Integers(_) | Self::Between(..) => None,
        }
    }

    pub(crate) fn share(self) -> f32 {
        match self {
            Self::Normalised(_) | Self::Float | Self::Integers(_) => 1.0,
            Self::Between(_, share) => share,
        }
    }
}
