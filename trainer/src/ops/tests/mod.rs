//! The operations on numbers whose sums `f32` has, so that what is equal is equal to
//! the last bit, in whatever order it is added up.

mod against_composed;
mod finite_differences;
mod own;

use burn::tensor::{Device, Tensor, TensorData};
use herringbone_compiler::network::{Kernel, Padding, ReceptiveField, Shape, Stride, Window};
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
    stride: [usize; 2],
    padding: Padding,
    /// Of the map.
    size: [usize; 2],
    seed: u64,
}

impl Shapes {
    fn maps(&self) -> [usize; 5] {
        let [height, width] = self.size;
        [self.blocks, height, width, self.channels, EXAMPLES]
    }

    fn field(&self) -> ReceptiveField {
        let [height, width] = self.kernel.map(|side| side as u32);
        let [rows, columns] = self.stride.map(|step| step as u32);
        let window = Window {
            kernel: Kernel { height, width },
            stride: Stride { rows, columns },
            padding: self.padding,
        };
        let [height, width] = self.size.map(|side| side as u32);
        window.over(Shape::new(height, width, self.channels as u32))
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
    let stride = prop_oneof![Just([1, 1]), [1..=4usize, 1..=4usize]];
    (kernels, stride, more, numbers).prop_map(|(kernel, stride, more, numbers)| Shapes {
        blocks: numbers.0,
        channels: numbers.1,
        outputs: numbers.2,
        kernel,
        stride,
        padding: Padding::NONE,
        size: [kernel[0] + more.0, kernel[1] + more.1],
        seed: numbers.3,
    })
}

/// The same with zeros around the map, and maps that may be smaller than the kernel.
fn padded(shapes: impl Strategy<Value = Shapes>) -> impl Strategy<Value = Shapes> {
    (shapes, 0..3usize, 1..=3usize).prop_map(|(shapes, kind, less)| {
        let least = shapes.kernel[0].min(shapes.kernel[1]);
        let padding = match kind {
            0 => Padding::NONE,
            1 => Padding::Each((least as u32 - 1).min(2)),
            _ => Padding::Same,
        };
        let around = match padding {
            Padding::Each(each) => 2 * each as usize,
            Padding::Same => usize::MAX,
        };
        let size = shapes
            .size
            .map(|side| side.saturating_sub(less.min(around)).max(1));
        Shapes {
            padding,
            size,
            ..shapes
        }
    })
}

fn kernels() -> impl Strategy<Value = [usize; 2]> {
    (1..=6usize, 1..=6usize).prop_map(|(height, width)| [height, width])
}

fn windows() -> impl Strategy<Value = [usize; 2]> {
    (1..=5usize, 1..=5usize).prop_map(|(height, width)| [height, width])
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
