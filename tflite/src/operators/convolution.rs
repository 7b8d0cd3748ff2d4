//! `CONV_2D` and `DEPTHWISE_CONV_2D`.

use super::call::{Call, Map, map};
use super::requantise::{Range, Requantise};
use super::window::{Fields, Window};
use crate::tensor::Tensor;

/// Weighted sums over all taps and the channels of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Convolution {
    /// Inputs that are computed one after the other.
    pub batch: usize,
    /// How its kernel slides.
    pub window: Window,
    /// Channels of the map that it reads.
    pub inputs: usize,
    /// Channels that it makes.
    pub outputs: usize,
    /// Groups of channels, each of which reads its own inputs.
    pub groups: usize,
    /// `[output][tap][channel of the group]`.
    pub weights: Vec<i8>,
    /// One an output.
    pub biases: Vec<i32>,
    /// The input's value that stands for 0.
    pub input_zero_point: i32,
    /// From sums to bytes.
    pub requantise: Requantise,
}

impl Convolution {
    pub(super) fn read(call: &Call<'_>) -> Result<Self, String> {
        let (input, output) = call.scales()?;
        let from = map(call.input(0)?)?;
        let kernel = call.input(1)?;
        let [outputs, rows, columns, group_inputs] = kernel_shape(kernel)?;
        if from.channels % group_inputs != 0 || outputs % (from.channels / group_inputs) != 0 {
            return Err(format!(
                "its kernel of {outputs} outputs reads {group_inputs} channels, which make no \
                 groups of the {} of the map",
                from.channels
            ));
        }
        let fields = Fields {
            padding: 0,
            stride_columns: 1,
            stride_rows: 2,
            dilation: Some((4, 5)),
        };
        let window = Window::read(call, from, (rows, columns), fields)?;
        makes(call, from, &window, outputs)?;
        let range = Range::of_activation(call, 3, output)?;
        let scales = weight_scales(kernel)?;
        Ok(Self {
            batch: from.batch,
            window,
            inputs: from.channels,
            outputs,
            groups: from.channels / group_inputs,
            weights: call.constant_int8(1)?.to_vec(),
            biases: call.biases(2, outputs)?,
            input_zero_point: input.zero_point,
            requantise: Requantise::of_products(input, scales, outputs, output, range)?,
        })
    }

    pub(super) fn compute(&self, input: &[i8]) -> Vec<i8> {
        let (window, group_inputs) = (&self.window, self.inputs / self.groups);
        let group_outputs = self.outputs / self.groups;
        let row = window.kernel() * group_inputs;
        let mut all = Vec::with_capacity(self.batch * window.output_pixels() * self.outputs);
        for map in input.chunks_exact(window.input_pixels() * self.inputs) {
            window.each(|taps| {
                for output in 0..self.outputs {
                    let first_input = output / group_outputs * group_inputs;
                    let weights = &self.weights[output * row..][..row];
                    let mut sum = self.biases[output];
                    for &(tap, pixel) in taps {
                        let values = &map[pixel * self.inputs + first_input..][..group_inputs];
                        let weights = &weights[tap * group_inputs..][..group_inputs];
                        sum = sum.wrapping_add(dot(weights, values, self.input_zero_point));
                    }
                    all.push(self.requantise.apply(output, sum));
                }
            });
        }
        all
    }

    pub(super) fn multiply_accumulates(&self) -> u64 {
        let by_tap = (self.batch * self.outputs * (self.inputs / self.groups)) as u64;
        by_tap * self.window.taps()
    }
}

/// A weighted sum a channel over all taps.
#[derive(Clone, Debug, PartialEq)]
pub struct Depthwise {
    /// Inputs that are computed one after the other.
    pub batch: usize,
    /// How its kernel slides.
    pub window: Window,
    /// Channels of the map that it reads.
    pub inputs: usize,
    /// Channels that it makes of each.
    pub multiplier: usize,
    /// `[tap][output]`.
    pub weights: Vec<i8>,
    /// One an output.
    pub biases: Vec<i32>,
    /// The input's value that stands for 0.
    pub input_zero_point: i32,
    /// From sums to bytes.
    pub requantise: Requantise,
}

impl Depthwise {
    pub(super) fn read(call: &Call<'_>) -> Result<Self, String> {
        let (input, output) = call.scales()?;
        let from = map(call.input(0)?)?;
        let kernel = call.input(1)?;
        let [one, rows, columns, outputs] = kernel_shape(kernel)?;
        if one != 1 || outputs % from.channels != 0 {
            return Err(format!(
                "its kernel {:?} makes no multiple of the {} channels of the map",
                kernel.shape, from.channels
            ));
        }
        let fields = Fields {
            padding: 0,
            stride_columns: 1,
            stride_rows: 2,
            dilation: Some((5, 6)),
        };
        let window = Window::read(call, from, (rows, columns), fields)?;
        makes(call, from, &window, outputs)?;
        let range = Range::of_activation(call, 4, output)?;
        let scales = weight_scales(kernel)?;
        Ok(Self {
            batch: from.batch,
            window,
            inputs: from.channels,
            multiplier: outputs / from.channels,
            weights: call.constant_int8(1)?.to_vec(),
            biases: call.biases(2, outputs)?,
            input_zero_point: input.zero_point,
            requantise: Requantise::of_products(input, scales, outputs, output, range)?,
        })
    }

    pub(super) fn compute(&self, input: &[i8]) -> Vec<i8> {
        let (window, outputs) = (&self.window, self.inputs * self.multiplier);
        let mut all = Vec::with_capacity(self.batch * window.output_pixels() * outputs);
        let mut sums = vec![0_i32; outputs];
        for map in input.chunks_exact(window.input_pixels() * self.inputs) {
            window.each(|taps| {
                sums.copy_from_slice(&self.biases);
                for &(tap, pixel) in taps {
                    let values = &map[pixel * self.inputs..][..self.inputs];
                    let weights = &self.weights[tap * outputs..][..outputs];
                    let by_input = sums
                        .chunks_exact_mut(self.multiplier)
                        .zip(weights.chunks_exact(self.multiplier));
                    for ((sums, weights), &value) in by_input.zip(values) {
                        let value = i32::from(value) - self.input_zero_point;
                        for (sum, &weight) in sums.iter_mut().zip(weights) {
                            *sum = sum.wrapping_add(i32::from(weight) * value);
                        }
                    }
                }
                let bytes = sums.iter().enumerate();
                all.extend(bytes.map(|(output, &sum)| self.requantise.apply(output, sum)));
            });
        }
        all
    }

    pub(super) fn multiply_accumulates(&self) -> u64 {
        (self.batch * self.inputs * self.multiplier) as u64 * self.window.taps()
    }
}

/// `Σ weight · (value − zero point)`.
pub(super) fn dot(weights: &[i8], values: &[i8], zero_point: i32) -> i32 {
    weights
        .iter()
        .zip(values)
        .fold(0_i32, |sum, (&weight, &value)| {
            sum.wrapping_add(i32::from(weight) * (i32::from(value) - zero_point))
        })
}

/// The scales of weights, whose zero point is 0.
pub(super) fn weight_scales(weights: &Tensor) -> Result<&[f32], String> {
    let name = &weights.name;
    let quantisation = weights.quantisation.as_ref();
    let quantisation = quantisation.ok_or_else(|| format!("its weights `{name}` have no scale"))?;
    if quantisation.zero_point != 0 {
        return Err(format!(
            "its weights `{name}` have the zero point {}: expected 0",
            quantisation.zero_point
        ));
    }
    Ok(&quantisation.scales)
}

fn kernel_shape(kernel: &Tensor) -> Result<[usize; 4], String> {
    match kernel.shape[..] {
        [a, b, c, d] if kernel.values() > 0 => Ok([a, b, c, d]),
        _ => Err(format!(
            "its kernel `{}` has the shape {:?}: expected four dimensions of at least 1",
            kernel.name, kernel.shape
        )),
    }
}

fn makes(call: &Call<'_>, from: Map, window: &Window, channels: usize) -> Result<(), String> {
    call.makes(&[
        from.batch,
        window.rows.output,
        window.columns.output,
        channels,
    ])
}
