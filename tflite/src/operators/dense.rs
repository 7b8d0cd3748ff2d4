//! `FULLY_CONNECTED`.

use super::call::Call;
use super::convolution::dot;
use super::requantise::{Range, Requantise, rescale};

/// Weighted sums over rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// Values of a row, each of which is computed for itself.
    pub inputs: usize,
    /// Sums of a row.
    pub outputs: usize,
    /// `[output][input]`.
    pub weights: Vec<i8>,
    /// The weights' value that stands for 0.
    pub weight_zero_point: i32,
    /// One an output.
    pub biases: Vec<i32>,
    /// The input's value that stands for 0.
    pub input_zero_point: i32,
    /// From sums to bytes.
    pub requantise: Requantise,
    /// Rows.
    pub rows: usize,
}

impl Dense {
    pub(super) fn read(call: &Call<'_>) -> Result<Self, String> {
        let (input, output) = call.scales()?;
        let (from, to, weights) = (call.input(0)?, call.output(0)?, call.input(1)?);
        let [outputs, inputs] = weights.shape[..] else {
            return Err(format!(
                "its weights `{}` have the shape {:?}: expected two dimensions",
                weights.name, weights.shape
            ));
        };
        if inputs == 0 || outputs == 0 || from.values() % inputs != 0 {
            return Err(format!(
                "its weights {:?} make no rows of `{}`, {:?}",
                weights.shape, from.name, from.shape
            ));
        }
        let rows = from.values() / inputs;
        if to.values() != rows * outputs {
            return Err(format!(
                "it makes {rows} times {outputs} values, and `{}` is {:?}",
                to.name, to.shape
            ));
        }
        if call.options.byte(1)? != 0 {
            return Err("its weights are shuffled, which is not understood".to_owned());
        }
        let quantisation = weights.quantisation.as_ref();
        let quantisation =
            quantisation.ok_or_else(|| format!("its weights `{}` have no scale", weights.name))?;
        let range = Range::of_activation(call, 0, output)?;
        let scales = &quantisation.scales[..];
        let requantise = match scales {
            // TensorFlow Lite rounds this product to 32 bits first.
            [scale] => Requantise {
                rescales: vec![rescale(
                    f64::from(input.scale * scale) / f64::from(output.scale),
                )?],
                zero_point: output.zero_point,
                range,
            },
            _ => Requantise::of_products(input, scales, outputs, output, range)?,
        };
        if !(-128..=127).contains(&quantisation.zero_point) {
            return Err(format!(
                "its weights have the zero point {}: expected -128 to 127",
                quantisation.zero_point
            ));
        }
        Ok(Self {
            inputs,
            outputs,
            weights: call.constant_int8(1)?.to_vec(),
            weight_zero_point: quantisation.zero_point,
            biases: call.biases(2, outputs)?,
            input_zero_point: input.zero_point,
            requantise,
            rows,
        })
    }

    /// Whether all weights, less the value that stands for 0, are bytes too.
    pub fn weights_fit_bytes(&self) -> bool {
        let weights = self.weights.iter();
        weights
            .map(|&weight| i32::from(weight) - self.weight_zero_point)
            .all(|weight| i8::try_from(weight).is_ok())
    }

    pub(super) fn compute(&self, input: &[i8]) -> Vec<i8> {
        let mut all = Vec::with_capacity(self.rows * self.outputs);
        for row in input.chunks_exact(self.inputs) {
            // Σ (w − z)·x = Σ w·x − z·Σ x.
            let values = row.iter().fold(0_i32, |sum, &value| {
                sum.wrapping_add(i32::from(value) - self.input_zero_point)
            });
            let less = self.weight_zero_point.wrapping_mul(values);
            for (output, weights) in self.weights.chunks_exact(self.inputs).enumerate() {
                let sum = self.biases[output]
                    .wrapping_add(dot(weights, row, self.input_zero_point))
                    .wrapping_sub(less);
                all.push(self.requantise.apply(output, sum));
            }
        }
        all
    }

    pub(super) fn multiply_accumulates(&self) -> u64 {
        (self.rows * self.inputs) as u64 * self.outputs as u64
    }
}
