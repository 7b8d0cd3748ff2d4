//! From sums to bytes.

use super::Call;
use super::call::Scale;
use crate::fixed_point::Rescale;

/// Values that an output may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The least.
    pub least: i8,
    /// The most.
    pub most: i8,
}

impl Range {
    /// All.
    pub const ALL: Self = Self {
        least: i8::MIN,
        most: i8::MAX,
    };

    /// The nearest value.
    pub fn clamp(self, value: i32) -> i8 {
        value.clamp(self.least.into(), self.most.into()) as i8
    }

    /// What an activation leaves, which is fused with an operator, of outputs of that scale.
    pub(super) fn of_activation(call: &Call<'_>, field: usize, to: Scale) -> Result<Self, String> {
        let quantised = |real: f32| (real / to.scale).round() as i64 + i64::from(to.zero_point);
        let at_least = |real| quantised(real).clamp(-128, 127) as i8;
        let between = |least: Option<f32>, most: Option<f32>| Self {
            least: least.map_or(i8::MIN, at_least),
            most: most.map_or(i8::MAX, at_least),
        };
        // `ActivationFunctionType` of the schema.
        match call.options.byte(field)? {
            0 => Ok(Self::ALL),
            1 => Ok(between(Some(0.0), None)),
            2 => Ok(between(Some(-1.0), Some(1.0))),
            3 => Ok(between(Some(0.0), Some(6.0))),
            4 => Err("its fused activation is TANH, which is not understood".to_owned()),
            5 => Err("its fused activation is SIGN_BIT, which is not understood".to_owned()),
            other => Err(format!("its fused activation {other} is unknown")),
        }
    }
}

/// From a sum to a byte: `clamp(zero point + rescale(sum))`.
#[derive(Clone, Debug, PartialEq)]
pub struct Requantise {
    /// One, or one an output channel.
    pub rescales: Vec<Rescale>,
    /// The output's value that stands for 0.
    pub zero_point: i32,
    /// What the fused activation leaves.
    pub range: Range,
}

impl Requantise {
    /// The byte of a sum of that channel.
    pub fn apply(&self, channel: usize, sum: i32) -> i8 {
        let rescaled = self.rescale(channel).apply(sum);
        self.range.clamp(self.zero_point.wrapping_add(rescaled))
    }

    /// What sums of that channel are rescaled by.
    pub fn rescale(&self, channel: usize) -> Rescale {
        match self.rescales[..] {
            [rescale] => rescale,
            _ => self.rescales[channel],
        }
    }

    /// The bytes of the least and of the most of a channel's sums, where all others are between
    /// them.
    pub(crate) fn ends(&self, channel: usize, least: i32, most: i32) -> Option<(i8, i8)> {
        let (rescale, zero) = (self.rescale(channel), self.zero_point);
        let of = |sum: i32| zero.checked_add(rescale.apply(sum));
        let (Some(_), Some(_)) = (of(least), of(most)) else {
            return None;
        };
        rescale
            .never_falls(least, most)
            .then(|| (self.apply(channel, least), self.apply(channel, most)))
    }

    /// Of sums of inputs and weights, whose scales are one, or one an output channel.
    pub(super) fn of_products(
        input: Scale,
        weights: &[f32],
        channels: usize,
        output: Scale,
        range: Range,
    ) -> Result<Self, String> {
        if weights.len() != 1 && weights.len() != channels {
            return Err(format!(
                "its weights have {} scales for {channels} channels",
                weights.len()
            ));
        }
        let rescales = weights
            .iter()
            .map(|&weight| {
                rescale(f64::from(input.scale) * f64::from(weight) / f64::from(output.scale))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            rescales,
            zero_point: output.zero_point,
            range,
        })
    }
}

/// The nearest multiplier to a quotient of scales.
pub(super) fn rescale(real: f64) -> Result<Rescale, String> {
    Rescale::of(real)
        .ok_or_else(|| format!("its scales have the quotient {real}: expected 0 to 2^30"))
}

/// The same of numbers that are below 2^31.
pub(super) fn rescale_wide(real: f64) -> Option<Rescale> {
    // Half of it, and a shift more.
    Rescale::of(real / 2.0).map(|half| Rescale {
        shift: half.shift + 1,
        ..half
    })
}
