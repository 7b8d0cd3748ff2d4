//! The operations on numbers whose sums `f32` has, so that what is equal is equal to
//! the last bit, in whatever order it is added up.

mod against_composed;
mod finite_differences;

use burn::tensor::{Device, Tensor, TensorData};
use herringbone_dataset::{Purpose, Rng};
use proptest::prelude::*;
use proptest::sample::select;

use super::Maps;
use crate::EXAMPLES;
use crate::model::floats;

/// Shapes of an operation's arguments.
#[derive(Clone, Debug)]
struct Shapes {
    blocks: usize,
    channels: usize,
    outputs: usize,
    /// Of a kernel, or a window.
    kernel: [usize; 2],
    /// Of the map.
    size: [usize; 2],
    seed: u64,
}

impl Shapes {
    fn maps(&self) -> [usize; 5] {
        let [height, width] = self.size;
        [self.blocks, height, width, self.channels, EXAMPLES]
    }

    /// Integers up to 8 in size.
    fn integers(&self, purpose: Purpose, count: usize) -> Vec<f32> {
        let mut random = Rng::new(purpose, self.seed, 0, 0);
        let numbers = (0..count).map(|_| (random.signed_unit() * 8.0).round());
        numbers.collect()
    }
}

fn shapes(kernels: impl Strategy<Value = [usize; 2]>) -> impl Strategy<Value = Shapes> {
    let more = (0..5usize, 0..5usize);
    // Sums over blocks are made of four at a time.
    let numbers = (1..=6usize, 1..=20usize, 1..=20usize, any::<u64>());
    (kernels, more, numbers).prop_map(|(kernel, more, numbers)| Shapes {
        blocks: numbers.0,
        channels: numbers.1,
        outputs: numbers.2,
        kernel,
        size: [kernel[0] + more.0, kernel[1] + more.1],
        seed: numbers.3,
    })
}

fn kernels() -> impl Strategy<Value = [usize; 2]> {
    (1..=5usize, 1..=5usize).prop_map(|(height, width)| [height, width])
}

fn windows() -> impl Strategy<Value = [usize; 2]> {
    let side = || select(vec![1, 2, 4]);
    (side(), side()).prop_map(|(height, width)| [height, width])
}

/// What an operation gives, and how the sum of that, each number with a weight of
/// its own, changes with its arguments.
#[derive(Debug, PartialEq)]
struct Outcome {
    values: Vec<f32>,
    of_maps: Vec<f32>,
    of_parameters: Vec<f32>,
}

fn outcome(
    operation: impl Fn(Maps, Tensor<1>) -> Maps,
    shapes: &Shapes,
    maps: &[f32],
    parameters: &[f32],
) -> Outcome {
    let device = Device::flex().autodiff();
    let maps = TensorData::new(maps.to_vec(), shapes.maps());
    let maps = Maps::from_data(maps, &device).require_grad();
    let parameters = TensorData::new(parameters.to_vec(), [parameters.len()]);
    let parameters = Tensor::<1>::from_data(parameters, &device).require_grad();
    let output = operation(maps.clone(), parameters.clone());
    let values = floats(output.clone().inner());
    let weights = TensorData::new(output_weights(shapes, values.len()), output.dims());
    let gradients = (output * Maps::from_data(weights, &device))
        .sum()
        .backward();
    Outcome {
        values,
        of_maps: maps.grad(&gradients).map(floats).unwrap_or_default(),
        of_parameters: parameters.grad(&gradients).map(floats).unwrap_or_default(),
    }
}

fn output_weights(shapes: &Shapes, count: usize) -> Vec<f32> {
    shapes.integers(Purpose::Split, count)
}
