//! `QUANTIZE` and `DEQUANTIZE`: between real numbers and bytes.

use super::byte_map::ByteMap;
use super::call::{Call, Scale, signed_scale};
use super::{Operator, Read};
use crate::element::{Element, Values};

/// Bytes of real numbers: `clamp(zero point + round(x / scale))`, halves away from 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantise {
    /// What a step stands for.
    pub scale: f32,
    /// The value that stands for 0.
    pub zero_point: i32,
    /// Whether bytes have a sign.
    pub signed: bool,
}

/// Real numbers of bytes: `scale · (q − zero point)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Dequantise {
    /// What a step stands for.
    pub scale: f32,
    /// The value that stands for 0.
    pub zero_point: i32,
}

pub(super) fn read_quantise(call: &Call<'_>) -> Result<Vec<Read>, String> {
    let from = call.input(0)?;
    let operator = match from.element {
        Element::Float32 => Operator::Quantise(Quantise::read(call)?),
        Element::Int8
        | Element::Uint8
        | Element::Int32
        | Element::Int64
        | Element::Resource
        | Element::Other(_) => Operator::ByteMap(ByteMap::requantise(call)?),
    };
    Read::one(call, operator)
}

impl Quantise {
    fn read(call: &Call<'_>) -> Result<Self, String> {
        call.makes(&call.input(0)?.shape)?;
        let (signed, Scale { scale, zero_point }) = signed_scale(call.output(0)?)?;
        Ok(Self {
            scale,
            zero_point,
            signed,
        })
    }

    pub(super) fn compute(&self, input: &Values) -> Values {
        let Values::Float32(values) = input else {
            unreachable!("the type was checked when the graph was read")
        };
        let quantised = values.iter().map(|value| {
            let steps = (value / self.scale).round() as i64;
            steps + i64::from(self.zero_point)
        });
        match self.signed {
            true => Values::Int8(quantised.map(|q| q.clamp(-128, 127) as i8).collect()),
            false => Values::Uint8(quantised.map(|q| q.clamp(0, 255) as u8).collect()),
        }
    }
}

impl Dequantise {
    pub(super) fn read(call: &Call<'_>) -> Result<Self, String> {
        let (from, to) = (call.input(0)?, call.output(0)?);
        call.makes(&from.shape)?;
        if to.element != Element::Float32 {
            return Err(format!("`{}` is {}: expected float32", to.name, to.element));
        }
        let (_, Scale { scale, zero_point }) = signed_scale(from)?;
        Ok(Self { scale, zero_point })
    }

    pub(super) fn compute(&self, input: &Values) -> Values {
        let real = |q: i32| (f64::from(self.scale) * f64::from(q - self.zero_point)) as f32;
        Values::Float32(match input {
            Values::Int8(values) => values.iter().map(|&q| real(q.into())).collect(),
            Values::Uint8(values) => values.iter().map(|&q| real(q.into())).collect(),
            Values::Int32(_) | Values::Float32(_) => {
                unreachable!("the type was checked when the graph was read")
            }
        })
    }
}
