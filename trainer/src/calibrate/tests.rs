use herringbone_compiler::network::{Activation, Bits, Dense, Kind, Shape};
use herringbone_compiler::syntax;
use herringbone_dataset::InputShape;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::integers::reads;
use crate::model::sum_places;

const PIXEL: InputShape = InputShape {
    height: 1,
    width: 1,
    channels: 1,
};

/// The scales of a network that reads a pixel of 4 bits, in one example of 0, in the next
/// of 1, and so on. Of its dense layers each but the last has one output; biases are 0.
fn scales(weight_bits: u32, layers: &[(Activation, &[f32])], examples: u8) -> Vec<SumScales> {
    let kinds = layers.iter().map(|&(activation, weights)| {
        Kind::Dense(Dense {
            outputs: weights.len() as u32,
            activation,
            adds: false,
        })
    });
    let bits = Bits {
        weights: weight_bits,
        ..Bits::default()
    };
    let network = Network::new(Shape::new(1, 1, 1), bits, &kinds.collect::<Vec<_>>()).unwrap();
    let numbers = layers
        .iter()
        .map(|(_, weights)| (weights.to_vec(), vec![0.0; weights.len()]));
    let device = Device::flex();
    let model = Model::of_numbers(&network, numbers, &device);
    let mut sample = Examples::none(PIXEL);
    for pixel in 0..examples {
        sample.inputs.push(pixel << 4);
        sample.labels.push(0);
        sample.names.push(String::new());
    }
    calibrate(
        &network,
        &model,
        ScaleSearch::LeastSquares,
        None,
        &sample,
        &device,
    )
    .sums
}

proptest! {
    #[test]
    fn activations_that_are_multiples_of_a_power_of_two_have_that_power(power in -8..=8i32) {
        let weight = (power as f32).exp2();
        // 4 bits are 0 to 15, with a sign -8 to 7.
        let unsigned = (Activation::Relu, weight, 16);
        let signed = (Activation::Linear, -weight, 9);
        for (activation, weight, examples) in [unsigned, signed] {
            let layers = [(activation, &[weight][..]), (Activation::Linear, &[1.0])];
            let found = scales(8, &layers, examples);
            // The pixel's is -4.
            prop_assert_eq!(found[0].activation, power - 4);
            // Of a result it is the sum's, whatever that is.
            prop_assert_eq!(found[1].activation, found[1].weight + power - 4);
        }
    }

    #[test]
    fn weights_of_less_than_8_bits_are_one_bit_finer_than_the_least_squared_error(
        bits in select(vec![2u32, 4, 8]),
        weights in vec(-1.0..1.0f32, 8),
    ) {
        let found = scales(bits, &[(Activation::Relu, &weights)], 16);
        let closest = closest_exponent(&weights, bits, true);
        prop_assert_eq!(found[0].weight, closest - i32::from(bits < 8));
    }
}

#[test]
fn activations_are_measured_with_quantised_weights() {
    // Of 2 bits, -2 to 1: one bit finer than 1, the nearest to 1 is 1/2.
    let found = scales(2, &[(Activation::Relu, &[1.0])], 16);
    assert_eq!((found[0].weight, found[0].activation), (-1, -5));
}

/// Of a list that reads a pixel of 4 bits, from 0 to 15, with those weights.
fn scales_of(list: &str, weights: &[&[f32]]) -> (Network, Vec<SumScales>) {
    let text = format!("Pixel: [1, 1, 1] => < {list} >, bits: {{ weights: 8 }}");
    let declaration = syntax::parse(text.parse().unwrap()).declaration.unwrap();
    let network = declaration.network;
    let places = sum_places(&network).into_iter().zip(weights);
    let numbers = places.map(|(place, weights)| (weights.to_vec(), vec![0.0; place.counts()[1]]));
    let device = Device::flex();
    let model = Model::of_numbers(&network, numbers, &device);
    let mut sample = Examples::none(PIXEL);
    for pixel in 0..16 {
        sample.inputs.push(pixel << 4);
        sample.labels.push(0);
        sample.names.push(String::new());
    }
    let scales = calibrate(
        &network,
        &model,
        ScaleSearch::LeastSquares,
        None,
        &sample,
        &device,
    );
    (network, scales.sums)
}

#[test]
fn maps_side_by_side_have_one_scale_and_so_has_what_is_made_of_them() {
    // 1 and 8 times the pixel: of the larger map, nothing may be clipped.
    let list = "'a: C1(1,1), 'input, C1(1,1), M(1), Cat('a), A(1), D*(1)";
    let (network, sums) = scales_of(list, &[&[1.0], &[8.0], &[1.0, 1.0]]);
    assert_eq!([sums[0].activation, sums[1].activation], [-1, -1]);
    let exponents = Scales {
        sums,
        own: Vec::new(),
    }
    .exponents(&network);
    let of_maps = exponents.entries().iter().take(6);
    assert_eq!(
        of_maps.copied().collect::<Vec<_>>(),
        [-4, -1, -1, -1, -1, -1]
    );

    // The input's own scale is what it is.
    let (_, sums) = scales_of("C1(1,1), Cat('input), D*(1)", &[&[8.0], &[1.0, 1.0]]);
    assert_eq!(sums[0].activation, -4);
}

#[test]
fn maps_that_are_added_are_shifted_to_the_finer_of_their_scales() {
    // 1 and 7 times the pixel are of 2^-4 and 2^-1; their sum of 2^-1.
    let list = "'a: C1(1,1), 'input, C1(1,1), Add('a), D*(1)";
    let (network, sums) = scales_of(list, &[&[1.0], &[7.0], &[], &[1.0]]);
    let scales = Scales {
        sums,
        own: Vec::new(),
    };
    let reads = reads(&network, &scales)[2];
    assert_eq!(
        reads,
        ReadScales {
            input: -1,
            added: Some(-4)
        }
    );
    let add = scales.sums[2];
    assert_eq!([add.left, add.skip(reads), add.right(-1)], [3, 0, 3]);
}
