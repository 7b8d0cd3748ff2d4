use burn::tensor::Device;
use herringbone_compiler::network::Network;
use herringbone_compiler::syntax;
use herringbone_dataset::InputShape;
use herringbone_dataset::augment::InputKind;

use super::*;
use crate::quantise::{ReadScales, SumScales};
use crate::recipe::{Recipe, ScaleSearch};

fn network() -> Network {
    let list = "Steps: [1, 1, 1] => < D(1), D*(2) >";
    let declaration = syntax::parse(list.parse().unwrap()).declaration;
    declaration.unwrap().network
}

/// A model whose weights and biases are all that.
fn model(network: &Network, number: f32) -> Model {
    let numbers = [
        (vec![number], vec![number]),
        (vec![number; 2], vec![number; 2]),
    ];
    let mut model = Model::of_numbers(network, numbers, &Device::flex());
    model.set_exponents(Some(&[[number; 2]; 2]), &Device::flex());
    model
}

#[test]
fn steps_of_weights_are_as_long_as_their_integers_are_large() {
    let network = network();
    let scales = |weight| SumScales {
        weight,
        left: 0,
        activation: 0,
        added: 0,
    };
    // Of 4 bits the largest is 8 times the power of two: a half, and 16.
    let scales = Scales {
        sums: vec![scales(-4), scales(1)],
        own: Vec::new(),
    };
    let (before, mut now) = (model(&network, 1.0), model(&network, 2.0));
    now.shorten_step(&before, bits(4), &scales);
    let expected = [
        (vec![1.125], vec![1.4]),
        // No longer than it was.
        (vec![2.0; 2], vec![1.4; 2]),
    ];
    assert_eq!(now.numbers(), expected);
    assert_eq!(now.exponents(), Some(vec![[1.1; 2]; 2]));
    // Of 2 bits the distance decides, a sixteenth, of 8 bits the largest, 8.
    for (of_weights, weight) in [(2, 1.125), (8, 2.0)] {
        let mut now = model(&network, 2.0);
        now.shorten_step(&before, bits(of_weights), &scales);
        assert_eq!(now.numbers()[0].0, [weight]);
    }
}

#[test]
fn weights_are_pulled_to_the_nearest_integer() {
    let network = network();
    let scales = Scales {
        sums: vec![
            SumScales::of_result(
                0,
                ReadScales {
                    input: 0,
                    added: None
                }
            );
            2
        ],
        own: Vec::new(),
    };
    // Of 2 bits, 1 is the largest.
    for (weight, pulled) in [(0.25, 0.125), (0.75, 0.875), (2.0, 1.5), (-1.75, -1.875)] {
        let mut model = model(&network, weight);
        model.pull_to_integers(bits(2), &scales, 0.5);
        let (weights, biases) = &model.numbers()[1];
        assert_eq!((weights, biases), (&vec![pulled; 2], &vec![weight; 2]));
    }
}

fn bits(weights: u32) -> Bits {
    Bits {
        weights,
        biases: 16,
        activations: 8,
    }
}

/// How much the last tenth of the steps of a part counts in the running mean at its end.
fn last_tenth(recipe: &Recipe, epochs: std::ops::Range<u32>, steps: usize) -> f32 {
    let network = network();
    let mut mean = model(&network, 0.0).numbers();
    let (early, late) = (model(&network, 0.0), model(&network, 1.0));
    let count = epochs.len() * steps;
    let all = epochs.flat_map(|epoch| (0..steps).map(move |step| (epoch, step)));
    for (index, (epoch, step)) in all.enumerate() {
        let now = if index * 10 < count * 9 {
            &early
        } else {
            &late
        };
        average(&mut mean, now, recipe.share_of_step(epoch, step, steps));
    }
    mean[0].0[0]
}

#[test]
fn the_running_mean_forgets_how_a_short_part_began() {
    let shape = InputShape {
        height: 1,
        width: 1,
        channels: 1,
    };
    let learned = Recipe {
        epochs: 10,
        ..Recipe::default_for(shape, InputKind::Image, &[1000])
    };
    // 1 - 0.9^10, whatever the number of steps, in floating point and with integers.
    for share in [
        last_tenth(&learned, 0..4, 100),
        last_tenth(&learned, 4..10, 50),
    ] {
        assert!((0.6..0.7).contains(&share), "{share}");
    }
    let plain = Recipe {
        scales: ScaleSearch::LeastSquares,
        ..learned
    };
    let share = last_tenth(&plain, 0..4, 100);
    assert!((share - 0.1).abs() < 0.01, "the plain mean: {share}");
}
