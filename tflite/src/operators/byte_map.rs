//! Operators that make a byte of a byte, as a table of 256.

use super::call::{Call, scale, signed_scale};
use super::requantise::{Range, rescale, rescale_wide};
use crate::element::Values;
use crate::fixed_point::{logistic, round_shift, tanh};

/// A byte of each byte.
#[derive(Clone, Debug, PartialEq)]
pub struct ByteMap {
    /// By the input's bits: the output's.
    pub table: Box<[u8; 256]>,
    /// Whether inputs have a sign.
    pub signed_input: bool,
    /// Whether outputs have a sign.
    pub signed_output: bool,
}

/// Bits before the point of what logistic and tanh take.
const FUNCTION_BITS: u32 = 4;

impl ByteMap {
    /// The table of a function of int8.
    fn of(call: &Call<'_>, function: impl Fn(i32) -> i32) -> Result<Self, String> {
        same_shape(call)?;
        let mut table = Box::new([0; 256]);
        for value in i8::MIN..=i8::MAX {
            table[usize::from(value as u8)] = Range::ALL.clamp(function(value.into())) as u8;
        }
        Ok(Self {
            table,
            signed_input: true,
            signed_output: true,
        })
    }

    pub(super) fn relu(call: &Call<'_>) -> Result<Self, String> {
        let (input, output) = call.scales()?;
        let rescale = rescale((input.scale / output.scale).into())?;
        let least = output.zero_point.max(-128);
        Self::of(call, |value| {
            let rescaled = rescale.apply(value - input.zero_point);
            output.zero_point.wrapping_add(rescaled).max(least)
        })
    }

    pub(super) fn relu6(call: &Call<'_>) -> Result<Self, String> {
        let input = scale(call.input(0)?)?;
        scale(call.output(0)?)?;
        let six = (6.0 / input.scale).round() as i64 + i64::from(input.zero_point);
        let most = six.min(127) as i32;
        Self::of(call, |value| value.min(most).max(input.zero_point))
    }

    pub(super) fn leaky_relu(call: &Call<'_>) -> Result<Self, String> {
        let (input, output) = call.scales()?;
        let alpha = call.options.float(0)?;
        let identity = rescale((input.scale / output.scale).into())?;
        let slope = rescale((input.scale * alpha / output.scale).into())?;
        Self::of(call, |value| {
            let above = value - input.zero_point;
            let rescale = if above >= 0 { identity } else { slope };
            output.zero_point.wrapping_add(rescale.apply(above))
        })
    }

    pub(super) fn logistic(call: &Call<'_>) -> Result<Self, String> {
        Self::of_function(call, (1.0 / 256.0, -128), |a| {
            round_shift(logistic(a, FUNCTION_BITS), 23) - 128
        })
    }

    pub(super) fn tanh(call: &Call<'_>) -> Result<Self, String> {
        Self::of_function(call, (1.0 / 128.0, 0), |a| {
            round_shift(tanh(a, FUNCTION_BITS), 24)
        })
    }

    fn of_function(
        call: &Call<'_>,
        (output_scale, zero_point): (f32, i32),
        function: impl Fn(i32) -> i32,
    ) -> Result<Self, String> {
        let (input, output) = call.scales()?;
        if (output.scale, output.zero_point) != (output_scale, zero_point) {
            return Err(format!(
                "`{}` has the scale {} and the zero point {}: expected {output_scale} and \
                 {zero_point}",
                call.output(0)?.name,
                output.scale,
                output.zero_point
            ));
        }
        let unit = f64::from(1 << (31 - FUNCTION_BITS));
        let rescale = rescale_wide(f64::from(input.scale) * unit).ok_or_else(|| {
            format!(
                "its input has the scale {}, which is too large",
                input.scale
            )
        })?;
        // What is further from 0 is at the end of the function's range.
        let radius = f64::from((1 << FUNCTION_BITS) - 1) * unit / f64::from(rescale.shift).exp2();
        let radius = radius.floor();
        Self::of(call, |value| {
            let value = value - input.zero_point;
            match f64::from(value) {
                real if real <= -radius => -128,
                real if real >= radius => 127,
                _ => function(rescale.apply(value)),
            }
        })
    }

    /// `QUANTIZE` of integers: the same real numbers by another scale.
    pub(super) fn requantise(call: &Call<'_>) -> Result<Self, String> {
        same_shape(call)?;
        let (signed_input, input) = signed_scale(call.input(0)?)?;
        let (signed_output, output) = signed_scale(call.output(0)?)?;
        let rescale = rescale(f64::from(input.scale) / f64::from(output.scale))?;
        let mut table = Box::new([0; 256]);
        for bits in 0..=u8::MAX {
            let value = match signed_input {
                true => i32::from(bits as i8),
                false => i32::from(bits),
            };
            let rescaled = rescale.apply(value - input.zero_point);
            let value = output.zero_point.wrapping_add(rescaled);
            table[usize::from(bits)] = match signed_output {
                true => value.clamp(-128, 127) as u8,
                false => value.clamp(0, 255) as u8,
            };
        }
        Ok(Self {
            table,
            signed_input,
            signed_output,
        })
    }

    pub(super) fn compute(&self, input: &Values) -> Values {
        let bits: Vec<u8> = match input {
            Values::Int8(values) => values.iter().map(|&value| value as u8).collect(),
            Values::Uint8(values) => values.clone(),
            Values::Int32(_) | Values::Float32(_) => {
                unreachable!("the type was checked when the graph was read")
            }
        };
        let mapped = bits.iter().map(|&bits| self.table[usize::from(bits)]);
        match self.signed_output {
            true => Values::Int8(mapped.map(|bits| bits as i8).collect()),
            false => Values::Uint8(mapped.collect()),
        }
    }
}

/// Fails unless as much is made as is read.
fn same_shape(call: &Call<'_>) -> Result<(), String> {
    let from = call.input(0)?;
    call.makes(&from.shape)
}
