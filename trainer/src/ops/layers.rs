//! The kernels of the layers as operations.

use burn::backend::TensorMetadata;
use burn::backend::flex::FlexTensor;
use burn::tensor::TensorData;

use super::flex::{Operation, like};
use crate::kernels::{self, EXAMPLES, Extent, MapShape};
use crate::quantise::Grid;

/// Of maps and weights, as [`convolve`](super::convolve) has them.
#[derive(Debug)]
pub(super) struct Convolve;

/// Of maps and weights, as [`depthwise`](super::depthwise) has them.
#[derive(Debug)]
pub(super) struct Depthwise;

/// Of sums and a bias for each channel.
#[derive(Debug)]
pub(super) struct Activate(pub(super) Grid);

/// Of any numbers.
#[derive(Debug)]
pub(super) struct Quantise(pub(super) Grid);

/// Of maps, whose windows have that extent.
#[derive(Debug)]
pub(super) struct Maximum(pub(super) Extent);

/// Of maps.
#[derive(Debug)]
pub(super) struct Average {
    pub(super) window: Extent,
    /// Of the grid of the means.
    pub(super) step: f32,
}

fn numbers(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("operations are given contiguous")
}

fn shape(maps: &FlexTensor) -> MapShape {
    let [_, height, width, channels, examples] = maps.shape().dims();
    debug_assert_eq!(examples, EXAMPLES);
    MapShape {
        height,
        width,
        channels,
    }
}

/// Maps of that shape.
fn maps(numbers: Vec<f32>, shape: MapShape) -> FlexTensor {
    let blocks = numbers.len() / shape.block().max(1);
    let MapShape {
        height,
        width,
        channels,
    } = shape;
    let dims = [blocks, height, width, channels, EXAMPLES];
    FlexTensor::from_data(TensorData::new(numbers, dims))
}

impl Operation<2> for Convolve {
    fn forward(&self, [input, weights]: [&FlexTensor; 2]) -> FlexTensor {
        let [outputs, height, width, _] = weights.shape().dims();
        let (input_shape, kernel) = (shape(input), Extent { height, width });
        let (input, weights) = (numbers(input), numbers(weights));
        let sums = kernels::convolve(input, input_shape, weights, kernel, outputs);
        maps(sums, input_shape.convolved(kernel, outputs))
    }

    fn gradients(
        &self,
        [input, weights]: [&FlexTensor; 2],
        _: &FlexTensor,
        gradient: &FlexTensor,
        [of_input, of_weights]: [bool; 2],
    ) -> [Option<Vec<f32>>; 2] {
        let [_, height, width, channels] = weights.shape().dims();
        let kernel = Extent { height, width };
        let (input_shape, gradient_shape) = (shape(input), shape(gradient));
        let [input, weights, gradient] = [input, weights, gradient].map(numbers);
        [
            of_input.then(|| {
                kernels::input_gradient(gradient, gradient_shape, weights, kernel, channels)
            }),
            of_weights.then(|| {
                kernels::weight_gradient(input, input_shape, gradient, gradient_shape, kernel)
            }),
        ]
    }
}

impl Operation<2> for Depthwise {
    fn forward(&self, [input, weights]: [&FlexTensor; 2]) -> FlexTensor {
        let [height, width, channels] = weights.shape().dims();
        let (input_shape, kernel) = (shape(input), Extent { height, width });
        let (input, weights) = (numbers(input), numbers(weights));
        let sums = kernels::depthwise(input, input_shape, weights, kernel);
        maps(sums, input_shape.convolved(kernel, channels))
    }

    fn gradients(
        &self,
        [input, weights]: [&FlexTensor; 2],
        _: &FlexTensor,
        gradient: &FlexTensor,
        [of_input, of_weights]: [bool; 2],
    ) -> [Option<Vec<f32>>; 2] {
        let [height, width, _] = weights.shape().dims();
        let (input_shape, kernel) = (shape(input), Extent { height, width });
        let [input, weights, gradient] = [input, weights, gradient].map(numbers);
        [
            of_input
                .then(|| kernels::depthwise_input_gradient(gradient, input_shape, weights, kernel)),
            of_weights
                .then(|| kernels::depthwise_weight_gradient(input, input_shape, gradient, kernel)),
        ]
    }
}

impl Operation<2> for Activate {
    fn forward(&self, [sums, bias]: [&FlexTensor; 2]) -> FlexTensor {
        let block = shape(sums).block();
        like(
            kernels::activate(numbers(sums), numbers(bias), block, self.0),
            sums,
        )
    }

    fn gradients(
        &self,
        [sums, bias]: [&FlexTensor; 2],
        _: &FlexTensor,
        gradient: &FlexTensor,
        _: [bool; 2],
    ) -> [Option<Vec<f32>>; 2] {
        let block = shape(sums).block();
        let [sums, bias, gradient] = [sums, bias, gradient].map(numbers);
        // Both at once: a bias's gradient is made of those of its sums.
        let gradients = kernels::activation_gradient(sums, bias, gradient, block, self.0);
        [Some(gradients.0), Some(gradients.1)]
    }
}

impl Operation<1> for Quantise {
    fn forward(&self, [input]: [&FlexTensor; 1]) -> FlexTensor {
        let numbers = numbers(input).iter();
        let quantised = numbers.map(|&number| self.0.nearest(number));
        like(quantised.collect(), input)
    }

    fn gradients(
        &self,
        _: [&FlexTensor; 1],
        _: &FlexTensor,
        gradient: &FlexTensor,
        _: [bool; 1],
    ) -> [Option<Vec<f32>>; 1] {
        // Straight through.
        [Some(numbers(gradient).to_vec())]
    }
}

impl Operation<1> for Maximum {
    fn forward(&self, [input]: [&FlexTensor; 1]) -> FlexTensor {
        let input_shape = shape(input);
        let output = kernels::maximum(numbers(input), input_shape, self.0);
        maps(output, input_shape.pooled(self.0))
    }

    fn gradients(
        &self,
        [input]: [&FlexTensor; 1],
        output: &FlexTensor,
        gradient: &FlexTensor,
        _: [bool; 1],
    ) -> [Option<Vec<f32>>; 1] {
        let input_shape = shape(input);
        let [input, output, gradient] = [input, output, gradient].map(numbers);
        let of_input = kernels::maximum_gradient(input, output, gradient, input_shape, self.0);
        [Some(of_input)]
    }
}

impl Operation<1> for Average {
    fn forward(&self, [input]: [&FlexTensor; 1]) -> FlexTensor {
        let input_shape = shape(input);
        let output = kernels::average(numbers(input), input_shape, self.window, self.step);
        maps(output, input_shape.pooled(self.window))
    }

    fn gradients(
        &self,
        [input]: [&FlexTensor; 1],
        _: &FlexTensor,
        gradient: &FlexTensor,
        _: [bool; 1],
    ) -> [Option<Vec<f32>>; 1] {
        let of_input = kernels::average_gradient(numbers(gradient), shape(input), self.window);
        [Some(of_input)]
    }
}
