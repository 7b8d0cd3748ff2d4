//! The kernels give what burn's own operations do.

use super::*;
use crate::ops::{self, Deviation, composed};
use crate::quantise::Grid;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn convolutions_are_burns(shapes in padded(shapes(kernels()))) {
        let [height, width] = shapes.kernel;
        let dims = [shapes.outputs, height, width, shapes.channels];
        let maps = shapes.integers(Purpose::Order, shapes.maps().iter().product());
        let weights = shapes.integers(Purpose::Weights, dims.iter().product());
        let by = |convolve: fn(Maps, Tensor<4>, ReceptiveField) -> Maps| {
            let field = shapes.field();
            let operation = |maps, weights: Tensor<1>| convolve(maps, weights.reshape(dims), field);
            outcome(operation, &shapes, &maps, &weights)
        };
        prop_assert_eq!(by(ops::convolve), by(composed::convolve));
    }

    #[test]
    fn depthwise_convolutions_are_burns(shapes in padded(shapes(kernels()))) {
        let [height, width] = shapes.kernel;
        let dims = [height, width, shapes.channels];
        let maps = shapes.integers(Purpose::Order, shapes.maps().iter().product());
        let weights = shapes.integers(Purpose::Weights, dims.iter().product());
        let by = |depthwise: fn(Maps, Tensor<3>, ReceptiveField) -> Maps| {
            let field = shapes.field();
            let operation = |maps, weights: Tensor<1>| depthwise(maps, weights.reshape(dims), field);
            outcome(operation, &shapes, &maps, &weights)
        };
        prop_assert_eq!(by(ops::depthwise), by(composed::depthwise));
    }

    /// With most sums halfway between two multiples, at a clip or beyond it.
    #[test]
    fn activations_are_burns(
        shapes in shapes(kernels()),
        bits in 1..=4u32,
        is_signed in any::<bool>(),
        exponent in -1..=2,
        is_float in any::<bool>(),
    ) {
        let grid = if is_float {
            Grid::none(is_signed)
        } else {
            Grid::of_bits(bits, is_signed, exponent)
        };
        let maps = shapes.integers(Purpose::Order, shapes.maps().iter().product());
        let bias = shapes.integers(Purpose::Weights, shapes.channels);
        let by = |activate: fn(Maps, Tensor<1>, Grid, Option<Tensor<1>>) -> Maps| {
            outcome(|maps, bias| activate(maps, bias, grid, None), &shapes, &maps, &bias)
        };
        prop_assert_eq!(by(ops::activate), by(composed::activate));
    }

    #[test]
    fn quantised_numbers_are_burns(
        shapes in shapes(kernels()),
        bits in 1..=4u32,
        exponent in -4..=2,
    ) {
        let grid = Grid::of_bits(bits, true, exponent);
        let mut random = Rng::new(Purpose::Order, shapes.seed, 0, 0);
        let count = shapes.maps().iter().product();
        let mut maps = shapes.integers(Purpose::Order, count);
        for number in maps.iter_mut().step_by(2) {
            *number += random.normal();
        }
        let by = |quantise: fn(Maps, Grid, Option<Tensor<1>>) -> Maps| {
            outcome(|maps, _| quantise(maps, grid, None), &shapes, &maps, &[0.0])
        };
        let quantised = by(ops::quantise);
        prop_assert_eq!(&quantised, &by(composed::quantise));
        // Beyond the clips too.
        prop_assert_eq!(quantised.of_maps, output_weights(&shapes, count));
    }

    /// On the way to integers too, with the gradient of the exponent.
    #[test]
    fn activations_with_learned_exponents_are_burns(
        shapes in shapes(kernels()),
        bits in 1..=4u32,
        is_signed in any::<bool>(),
        exponent in -1..=2,
        share in select(vec![0.0, 0.25, 0.5, 1.0]),
    ) {
        let grid = Grid::of_bits(bits, is_signed, exponent).with_share(share);
        let maps = shapes.integers(Purpose::Order, shapes.maps().iter().product());
        let bias = shapes.integers(Purpose::Weights, shapes.channels);
        type Activate = fn(Maps, Tensor<1>, Grid, Option<Tensor<1>>) -> Maps;
        // Of the parameters, the first is the exponent.
        let parameters = [&[exponent as f32], &bias[..]].concat();
        let by = |activate: Activate| {
            let operation = |maps, parameters: Tensor<1>| {
                let exponent = parameters.clone().narrow(0, 0, 1);
                let bias = parameters.narrow(0, 1, shapes.channels);
                activate(maps, bias, grid, Some(exponent))
            };
            outcome(operation, &shapes, &maps, &parameters)
        };
        let (own, burns) = (by(ops::activate), by(composed::activate));
        prop_assert_eq!(&own.values, &burns.values);
        prop_assert_eq!(&own.of_maps, &burns.of_maps);
        close(&own.of_parameters, &burns.of_parameters)?;
    }

    #[test]
    fn numbers_with_a_learned_exponent_are_burns(
        shapes in shapes(kernels()),
        bits in 2..=4u32,
        exponent in -4..=2,
        share in select(vec![0.0, 0.25, 0.5, 1.0]),
    ) {
        let grid = Grid::of_bits(bits, true, exponent).with_share(share);
        let maps = shapes.integers(Purpose::Order, shapes.maps().iter().product());
        type Quantise = fn(Maps, Grid, Option<Tensor<1>>) -> Maps;
        let by = |quantise: Quantise| {
            let operation = |maps, exponent| quantise(maps, grid, Some(exponent));
            outcome(operation, &shapes, &maps, &[exponent as f32])
        };
        let (own, burns) = (by(ops::quantise), by(composed::quantise));
        prop_assert_eq!(&own.values, &burns.values);
        prop_assert_eq!(&own.of_maps, &burns.of_maps);
        close(&own.of_parameters, &burns.of_parameters)?;
    }

    #[test]
    fn normalised_sums_are_burns(shapes in shapes(kernels())) {
        let maps = shapes.integers(Purpose::Order, shapes.maps().iter().product());
        for deviation in [Deviation::OfChannel, Deviation::OfLayer] {
            let by = |normalise: fn(Maps, Deviation) -> Maps| {
                outcome(|maps, _| normalise(maps, deviation), &shapes, &maps, &[0.0])
            };
            let (own, burns) = (by(ops::normalise), by(composed::normalise));
            close(&own.values, &burns.values)?;
            close(&own.of_maps, &burns.of_maps)?;
        }
    }

    /// Of so few integers that most windows have equals.
    #[test]
    fn maxima_are_burns(shapes in shapes(windows())) {
        let mut maps = shapes.integers(Purpose::Order, shapes.maps().iter().product());
        for number in &mut maps {
            *number = (*number / 4.0).round();
        }
        let by = |maximum: fn(Maps, ReceptiveField) -> Maps| {
            outcome(|maps, _| maximum(maps, shapes.field()), &shapes, &maps, &[0.0])
        };
        prop_assert_eq!(by(ops::maximum), by(composed::maximum));
    }

    /// Gradients are multiples of shares that only a power of two makes exact.
    #[test]
    fn means_are_burns(
        shapes in shapes(windows()),
        step in select(vec![0.0, 0.5, 1.0, 2.0]),
        is_whole in any::<bool>(),
    ) {
        let mut shapes = shapes;
        if is_whole {
            shapes.size = shapes.kernel;
        }
        let maps = shapes.integers(Purpose::Order, shapes.maps().iter().product());
        let by = |average: fn(Maps, ReceptiveField, f32) -> Maps| {
            outcome(|maps, _| average(maps, shapes.field(), step), &shapes, &maps, &[0.0])
        };
        let (own, burns) = (by(ops::average), by(composed::average));
        prop_assert_eq!(own.values, burns.values);
        for (own, burns) in own.of_maps.iter().zip(&burns.of_maps) {
            prop_assert!((own - burns).abs() <= 1e-5 * burns.abs().max(1.0), "{own} {burns}");
        }
    }

    /// Rounded down as integers are divided, whatever the count.
    #[test]
    fn means_of_integers_are_rounded_down(shapes in shapes(windows()), step in select(vec![0.25, 1.0])) {
        let maps = shapes.integers(Purpose::Order, shapes.maps().iter().product());
        let scaled: Vec<f32> = maps.iter().map(|it| it * step).collect();
        let values = outcome(
            |maps, _| ops::average(maps, shapes.field(), step), &shapes, &scaled, &[0.0],
        ).values;
        let field = shapes.field();
        let pixel = shapes.channels * EXAMPLES;
        let block = shapes.size[0] * shapes.size[1] * pixel;
        let mut expected = Vec::new();
        for maps in maps.chunks_exact(block) {
            for row in 0..field.outputs.height {
                for column in 0..field.outputs.width {
                    for at in 0..pixel {
                        let sum: i32 = field.pixels((row, column)).map(|(row, column)| {
                            let pixel_at = row as usize * shapes.size[1] + column as usize;
                            maps[pixel_at * pixel + at] as i32
                        }).sum();
                        expected.push(sum.div_euclid(field.kernel.taps() as i32) as f32 * step);
                    }
                }
            }
        }
        prop_assert_eq!(values, expected);
    }
}

/// Equal but for the order in which numbers are added up.
fn close(own: &[f32], burns: &[f32]) -> Result<(), TestCaseError> {
    let largest = burns.iter().fold(1.0_f32, |most, it| most.max(it.abs()));
    prop_assert_eq!(own.len(), burns.len());
    for (own, burns) in own.iter().zip(burns) {
        prop_assert!((own - burns).abs() <= 1e-3 * largest, "{own} {burns}");
    }
    Ok(())
}

#[test]
fn of_equals_the_first_has_the_gradient() {
    let shapes = Shapes {
        blocks: 1,
        channels: 1,
        outputs: 1,
        kernel: [2, 2],
        stride: [2, 2],
        padding: Padding::NONE,
        size: [2, 2],
        seed: 1,
    };
    // The least, then three of the largest.
    let maps: Vec<f32> = (0..4)
        .flat_map(|pixel| [f32::from(pixel > 0); EXAMPLES])
        .collect();
    for maximum in [ops::maximum, composed::maximum] {
        let outcome = outcome(
            |maps, _| maximum(maps, shapes.field()),
            &shapes,
            &maps,
            &[0.0],
        );
        let mut expected = vec![0.0; 4 * EXAMPLES];
        expected[EXAMPLES..2 * EXAMPLES].copy_from_slice(&output_weights(&shapes, EXAMPLES));
        assert_eq!(outcome.of_maps, expected);
    }
}
