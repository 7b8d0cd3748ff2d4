//! Gradients against central differences of the operation itself; of one that
//! rounds, of what it is without rounding. All are linear between their kinks,
//! where central differences are exact.

use super::*;
use crate::ops;
use crate::quantise::Grid;

/// Half the distance of what is differenced, far below the distance to a kink.
const HALF: f32 = 1.0 / 32.0;

/// How the weighted sum of a function's values changes with each of `numbers`.
fn differences(
    numbers: &[f32],
    shapes: &Shapes,
    function: impl Fn(&[f32]) -> Vec<f32>,
) -> Vec<f32> {
    let weighted_sum = |numbers: &[f32]| {
        let values = function(numbers);
        let weights = output_weights(shapes, values.len());
        let products = values.iter().zip(weights);
        let products = products.map(|(&value, weight)| f64::from(value) * f64::from(weight));
        products.sum::<f64>()
    };
    let mut numbers = numbers.to_vec();
    let of_each = (0..numbers.len()).map(|at| {
        let number = numbers[at];
        let mut beside = |number| {
            numbers[at] = number;
            weighted_sum(&numbers)
        };
        let difference = beside(number + HALF) - beside(number - HALF);
        beside(number);
        (difference / f64::from(2.0 * HALF)) as f32
    });
    of_each.collect()
}

fn values(
    operation: impl Fn(Maps, Tensor<1>) -> Maps,
    shapes: &Shapes,
    maps: &[f32],
    parameters: &[f32],
) -> Vec<f32> {
    let device = Device::flex();
    let maps = TensorData::new(maps.to_vec(), shapes.maps());
    let parameters = TensorData::new(parameters.to_vec(), [parameters.len()]);
    floats(operation(
        Maps::from_data(maps, &device),
        Tensor::from_data(parameters, &device),
    ))
}

/// The gradients of `operation` are the differences of `unrounded`.
fn check(
    operation: impl Fn(Maps, Tensor<1>) -> Maps,
    unrounded: impl Fn(Maps, Tensor<1>) -> Maps,
    shapes: &Shapes,
    maps: &[f32],
    parameters: &[f32],
) -> Result<(), TestCaseError> {
    let outcome = outcome(operation, shapes, maps, parameters);
    let of_maps = differences(maps, shapes, |maps| {
        values(&unrounded, shapes, maps, parameters)
    });
    prop_assert_eq!(outcome.of_maps, of_maps);
    if !outcome.of_parameters.is_empty() {
        let of_parameters = differences(parameters, shapes, |parameters| {
            values(&unrounded, shapes, maps, parameters)
        });
        prop_assert_eq!(outcome.of_parameters, of_parameters);
    }
    Ok(())
}

/// Shapes of a few hundred numbers.
fn small(shapes: Shapes) -> Shapes {
    let [rows, columns] = [0, 1].map(|side| shapes.size[side] - shapes.kernel[side]);
    let kernel = shapes.kernel.map(|side| side.min(3));
    Shapes {
        blocks: 1 + shapes.blocks % 2,
        channels: 1 + shapes.channels % 3,
        outputs: 1 + shapes.outputs % 4,
        kernel,
        size: [kernel[0] + rows.min(1), kernel[1] + columns.min(1)],
        ..shapes
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 12,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn convolutions_change_as_their_gradients_say(shapes in padded(shapes(kernels()).prop_map(small))) {
        let [height, width] = shapes.kernel;
        let dims = [shapes.outputs, height, width, shapes.channels];
        let maps = shapes.integers(Purpose::Order, shapes.maps().iter().product());
        let weights = shapes.integers(Purpose::Weights, dims.iter().product());
        let field = shapes.field();
        let operation =
            |maps, weights: Tensor<1>| ops::convolve(maps, weights.reshape(dims), field);
        check(operation, operation, &shapes, &maps, &weights)?;
    }

    #[test]
    fn depthwise_convolutions_change_as_their_gradients_say(
        shapes in padded(shapes(kernels()).prop_map(small)),
    ) {
        let [height, width] = shapes.kernel;
        let dims = [height, width, shapes.channels];
        let maps = shapes.integers(Purpose::Order, shapes.maps().iter().product());
        let weights = shapes.integers(Purpose::Weights, dims.iter().product());
        let field = shapes.field();
        let operation =
            |maps, weights: Tensor<1>| ops::depthwise(maps, weights.reshape(dims), field);
        check(operation, operation, &shapes, &maps, &weights)?;
    }

    #[test]
    fn activations_change_as_their_gradients_say_but_for_rounding(
        shapes in shapes(kernels()).prop_map(small),
        bits in 2..=4u32,
        is_signed in any::<bool>(),
        exponent in 0..=1,
    ) {
        let grid = Grid::of_bits(bits, is_signed, exponent);
        let (least, largest) = grid.range();
        let unrounded = Grid { step: 0.0, least, largest, share: 1.0, halves_up: false };
        let mut maps = shapes.integers(Purpose::Order, shapes.maps().iter().product());
        // Clips are integers.
        for number in &mut maps {
            *number += 0.25;
        }
        let bias = shapes.integers(Purpose::Weights, shapes.channels);
        check(
            |maps, bias| ops::activate(maps, bias, grid, None),
            |maps, bias| ops::activate(maps, bias, unrounded, None),
            &shapes,
            &maps,
            &bias,
        )?;
    }

    #[test]
    fn weights_change_as_their_gradients_say_but_for_rounding_and_clips(
        shapes in shapes(kernels()).prop_map(small),
        bits in 2..=4u32,
        exponent in 0..=1,
    ) {
        let grid = Grid::of_bits(bits, true, exponent);
        let maps = shapes.integers(Purpose::Order, shapes.maps().iter().product());
        check(
            |maps, _| ops::quantise(maps, grid, None),
            |maps, _| maps,
            &shapes,
            &maps,
            &[0.0],
        )?;
    }

    #[test]
    fn maxima_change_as_their_gradients_say(shapes in shapes(windows()).prop_map(small)) {
        // No two are equal.
        let count: u16 = shapes.maps().iter().product::<usize>().try_into().unwrap();
        let mut maps: Vec<f32> = (0..count).map(f32::from).collect();
        Rng::new(Purpose::Order, shapes.seed, 0, 0).shuffle(&mut maps);
        let operation = |maps, _| ops::maximum(maps, shapes.field());
        check(operation, operation, &shapes, &maps, &[0.0])?;
    }

    #[test]
    fn means_change_as_their_gradients_say_but_for_rounding(
        shapes in shapes(select(vec![[1, 1], [1, 2], [2, 1], [2, 2]])).prop_map(small),
        step in select(vec![0.0, 0.5, 2.0]),
    ) {
        let maps = shapes.integers(Purpose::Order, shapes.maps().iter().product());
        check(
            |maps, _| ops::average(maps, shapes.field(), step),
            |maps, _| ops::average(maps, shapes.field(), 0.0),
            &shapes,
            &maps,
            &[0.0],
        )?;
    }
}
