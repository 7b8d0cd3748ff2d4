//! The kernels of the layers as operations.

use burn::backend::TensorMetadata;
use burn::backend::flex::FlexTensor;
use burn::tensor::TensorData;

use super::flex::{Operation, like};
use crate::kernels::{self, Deviation, EXAMPLES, Field, MapShape, Moments};
use crate::quantise::Grid;

/// Of maps and weights, as [`convolve`](super::convolve) has them.
#[derive(Debug)]
pub(super) struct Convolve(pub(super) Field);

/// Of maps and weights, as [`depthwise`](super::depthwise) has them.
#[derive(Debug)]
pub(super) struct Depthwise(pub(super) Field);

/// Of sums and a bias for each channel.
#[derive(Debug)]
pub(super) struct Activate(pub(super) Grid);

/// Of any numbers.
#[derive(Debug)]
pub(super) struct Quantise(pub(super) Grid);

/// Of sums.
#[derive(Debug)]
pub(super) struct Normalise(pub(super) Deviation);

/// Of maps.
#[derive(Debug)]
pub(super) struct Maximum(pub(super) Field);

/// Of maps.
#[derive(Debug)]
pub(super) struct Average {
    pub(super) field: Field,
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
        let [outputs, _, _, channels] = weights.shape().dims();
        let (input, weights) = (numbers(input), numbers(weights));
        let sums = kernels::convolve(input, weights, outputs, channels, self.0);
        maps(sums, self.0.output(outputs))
    }

    fn gradients(
        &self,
        [input, weights]: [&FlexTensor; 2],
        _: &FlexTensor,
        gradient: &FlexTensor,
        [of_input, of_weights]: [bool; 2],
    ) -> [Option<Vec<f32>>; 2] {
        let [outputs, _, _, channels] = weights.shape().dims();
        let [input, weights, gradient] = [input, weights, gradient].map(numbers);
        [
            of_input.then(|| kernels::input_gradient(gradient, weights, outputs, channels, self.0)),
            of_weights
                .then(|| kernels::weight_gradient(input, gradient, outputs, channels, self.0)),
        ]
    }
}

impl Operation<2> for Depthwise {
    fn forward(&self, [input, weights]: [&FlexTensor; 2]) -> FlexTensor {
        let [_, _, channels] = weights.shape().dims();
        let sums = kernels::depthwise(numbers(input), numbers(weights), self.0);
        maps(sums, self.0.output(channels))
    }

    fn gradients(
        &self,
        [input, weights]: [&FlexTensor; 2],
        _: &FlexTensor,
        gradient: &FlexTensor,
        [of_input, of_weights]: [bool; 2],
    ) -> [Option<Vec<f32>>; 2] {
        let [_, _, channels] = weights.shape().dims();
        let [input, weights, gradient] = [input, weights, gradient].map(numbers);
        [
            of_input.then(|| kernels::depthwise_input_gradient(gradient, weights, self.0)),
            of_weights
                .then(|| kernels::depthwise_weight_gradient(input, gradient, self.0, channels)),
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

impl Operation<3> for Activate {
    fn forward(&self, [sums, bias, _]: [&FlexTensor; 3]) -> FlexTensor {
        Operation::<2>::forward(self, [sums, bias])
    }

    fn gradients(
        &self,
        [sums, bias, _]: [&FlexTensor; 3],
        output: &FlexTensor,
        gradient: &FlexTensor,
        _: [bool; 3],
    ) -> [Option<Vec<f32>>; 3] {
        let [of_sums, of_bias] =
            Operation::<2>::gradients(self, [sums, bias], output, gradient, [true; 2]);
        let block = shape(sums).block();
        let [sums, bias, gradient] = [sums, bias, gradient].map(numbers);
        let of_exponent =
            kernels::activation_exponent_gradient(sums, bias, gradient, block, self.0);
        [of_sums, of_bias, Some(vec![of_exponent])]
    }
}

impl Operation<1> for Quantise {
    fn forward(&self, [input]: [&FlexTensor; 1]) -> FlexTensor {
        let numbers = numbers(input).iter();
        let quantised = numbers.map(|&number| self.0.moved(number));
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

impl Operation<2> for Quantise {
    fn forward(&self, [input, _]: [&FlexTensor; 2]) -> FlexTensor {
        Operation::<1>::forward(self, [input])
    }

    fn gradients(
        &self,
        [input, _]: [&FlexTensor; 2],
        _: &FlexTensor,
        gradient: &FlexTensor,
        _: [bool; 2],
    ) -> [Option<Vec<f32>>; 2] {
        let [input, gradient] = [input, gradient].map(numbers);
        let parts = input.iter().zip(gradient);
        let of_exponent = parts.map(|(&number, &gradient)| gradient * self.0.by_exponent(number));
        [Some(gradient.to_vec()), Some(vec![of_exponent.sum()])]
    }
}

impl Operation<1> for Normalise {
    fn forward(&self, [sums]: [&FlexTensor; 1]) -> FlexTensor {
        let (shape, sums_of) = (shape(sums), numbers(sums));
        let moments = Moments::of(sums_of, shape.channels, shape.block(), self.0);
        like(kernels::normalise(sums_of, &moments, shape.block()), sums)
    }

    fn gradients(
        &self,
        [sums]: [&FlexTensor; 1],
        output: &FlexTensor,
        gradient: &FlexTensor,
        _: [bool; 1],
    ) -> [Option<Vec<f32>>; 1] {
        let shape = shape(sums);
        let [sums, output, gradient] = [sums, output, gradient].map(numbers);
        let block = shape.block();
        let Moments { inverses, .. } = Moments::of(sums, shape.channels, block, self.0);
        let of_sums = kernels::normalisation_gradient(output, gradient, &inverses, block, self.0);
        [Some(of_sums)]
    }
}

impl Operation<1> for Maximum {
    fn forward(&self, [input]: [&FlexTensor; 1]) -> FlexTensor {
        let channels = shape(input).channels;
        let output = kernels::maximum(numbers(input), channels, self.0);
        maps(output, self.0.output(channels))
    }

    fn gradients(
        &self,
        [input]: [&FlexTensor; 1],
        output: &FlexTensor,
        gradient: &FlexTensor,
        _: [bool; 1],
    ) -> [Option<Vec<f32>>; 1] {
        let channels = shape(input).channels;
        let [input, output, gradient] = [input, output, gradient].map(numbers);
        let of_input = kernels::maximum_gradient(input, output, gradient, channels, self.0);
        [Some(of_input)]
    }
}

impl Operation<1> for Average {
    fn forward(&self, [input]: [&FlexTensor; 1]) -> FlexTensor {
        let channels = shape(input).channels;
        let output = kernels::average(numbers(input), channels, self.field, self.step);
        maps(output, self.field.output(channels))
    }

    fn gradients(
        &self,
        [input]: [&FlexTensor; 1],
        _: &FlexTensor,
        gradient: &FlexTensor,
        _: [bool; 1],
    ) -> [Option<Vec<f32>>; 1] {
        let channels = shape(input).channels;
        let of_input = kernels::average_gradient(numbers(gradient), channels, self.field);
        [Some(of_input)]
    }
}
