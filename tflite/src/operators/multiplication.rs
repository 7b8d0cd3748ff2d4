//! `MUL`.

use super::addition::Broadcast;
use super::call::{Call, Scale, scale};
use super::requantise::{Range, Requantise, rescale};

/// The product of two tensors.
#[derive(Clone, Debug, PartialEq)]
pub struct Multiplication {
    /// Which values meet.
    pub broadcast: Broadcast,
    /// The inputs' values that stand for 0.
    pub input_zero_points: [i32; 2],
    /// From products to bytes.
    pub requantise: Requantise,
}

impl Multiplication {
    pub(super) fn read(call: &Call<'_>) -> Result<Self, String> {
        let (a, output) = call.scales()?;
        let b = scale(call.input(1)?)?;
        let quotient = f64::from(a.scale) * f64::from(b.scale) / f64::from(output.scale);
        Ok(Self {
            broadcast: Broadcast::read(call)?,
            input_zero_points: [a, b].map(|it: Scale| it.zero_point),
            requantise: Requantise {
                rescales: vec![rescale(quotient)?],
                zero_point: output.zero_point,
                range: Range::of_activation(call, 0, output)?,
            },
        })
    }

    /// What it makes of a value of each tensor.
    pub fn of_pair(&self, a: i8, b: i8) -> i8 {
        let [zero_a, zero_b] = self.input_zero_points;
        let product = (i32::from(a) - zero_a) * (i32::from(b) - zero_b);
        self.requantise.apply(0, product)
    }

    pub(super) fn compute(&self, a: &[i8], b: &[i8]) -> Vec<i8> {
        self.broadcast.pairs(a, b, |a, b| self.of_pair(a, b))
    }
}
