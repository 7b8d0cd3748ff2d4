//! Recurrent cells, trees and prototypes: gradients against central differences in numbers of
//! twice the width.

use std::sync::Arc;

use burn::tensor::{DType, Device, Tensor, TensorData};
use herringbone_compiler::network::{
    Bits, Bonsai, Entry, Feed, Gate, Item, Kind, Network, Proto, Prototypes, Rank, Recurrent,
    Sequence, Shape, Tree, TreeGate,
};
use herringbone_dataset::{Purpose, Rng};

use crate::EXAMPLES;
use crate::model::floats;
use crate::ops::{self, Maps};
use crate::own::{OwnPlace, Rounding, own_places};

/// Half the distance of what is differenced.
const HALF: f64 = 1.0 / 4096.0;

fn network(shape: Shape, entry: Entry) -> Network {
    let bits = Bits {
        weights: 8,
        biases: 16,
        activations: 8,
    };
    let item = Item { entry, label: None };
    Network::of_list(shape, bits, vec![item]).unwrap()
}

fn cell(feed: Feed, rank: Option<Rank>, gate: Gate, sequence: Sequence) -> Entry {
    let kind = Kind::Recurrent(Recurrent {
        hidden: 5,
        feed,
        rank,
        gate,
        sequence,
        sparsity: 0.0,
    });
    Item::layer(kind).entry
}

fn values(
    (place, sharpness): (&Arc<OwnPlace>, Option<f32>),
    maps: &[f64],
    dims: [usize; 5],
    parameters: &[f64],
) -> Vec<f64> {
    let device = Device::flex();
    let options = (&device, DType::F64);
    let maps = Maps::from_data(TensorData::new(maps.to_vec(), dims), options);
    let count = [parameters.len()];
    let parameters = Tensor::from_data(TensorData::new(parameters.to_vec(), count), options);
    let made = ops::own(place.clone(), Rounding::None, sharpness, maps, parameters);
    made.into_data().try_into_vec().unwrap()
}

/// What the loss weighs values by.
fn weight(index: usize) -> f64 {
    ((index * 7 + 3) % 11) as f64 / 5.0 - 1.0
}

/// Trees are tried with one path an example: how sharp branches are depends on means that
/// count as constants.
fn check(network: &Network) {
    let sharpness = None;
    let place = own_places(network).remove(0);
    let input = network.node(place.node).input;
    let dims = [
        3,
        input.height as usize,
        input.width as usize,
        input.channels as usize,
        EXAMPLES,
    ];
    let mut random = Rng::new(Purpose::Weights, 7, 0, 0);
    let mut numbers = |count: usize, size: f64| -> Vec<f64> {
        // Numbers that `f32` has.
        let numbers = (0..count).map(|_| f64::from(random.normal()) * size);
        numbers.map(|it| f64::from(it as f32)).collect()
    };
    let maps = numbers(dims.iter().product(), 0.5);
    let parameters = numbers(place.count(), 0.4);
    let device = Device::flex().autodiff();
    let narrow = |numbers: &[f64]| -> Vec<f32> { numbers.iter().map(|&it| it as f32).collect() };
    let tracked = Maps::from_data(TensorData::new(narrow(&maps), dims), &device).require_grad();
    let of = TensorData::new(narrow(&parameters), [parameters.len()]);
    let tracked_parameters = Tensor::<1>::from_data(of, &device).require_grad();
    let made = ops::own(
        place.clone(),
        Rounding::None,
        sharpness,
        tracked.clone(),
        tracked_parameters.clone(),
    );
    let count = made.shape().num_elements();
    let weights: Vec<f32> = (0..count).map(|index| weight(index) as f32).collect();
    let weights = Maps::from_data(TensorData::new(weights, made.shape()), &device);
    let gradients = (made * weights).sum().backward();
    let of_maps = floats(tracked.grad(&gradients).unwrap());
    let of_parameters = floats(tracked_parameters.grad(&gradients).unwrap());

    let loss = |maps: &[f64], parameters: &[f64]| -> f64 {
        let values = values((&place, sharpness), maps, dims, parameters);
        let values = values.iter().enumerate();
        values.map(|(index, value)| value * weight(index)).sum()
    };
    let mut kinks = 0;
    let mut compare = |found: f32, at: &mut dyn FnMut(f64) -> f64| {
        let [above, middle, below] = [HALF, 0.0, -HALF].map(at);
        let expected = (above - below) / (2.0 * HALF);
        let tolerance = 2e-3 * (1.0 + expected.abs());
        // At a kink the two sides differ.
        let bend = (above - middle) - (middle - below);
        if bend.abs() / HALF > tolerance {
            kinks += 1;
        } else {
            assert!(
                (f64::from(found) - expected).abs() <= tolerance,
                "{found} for {expected}"
            );
        }
    };
    for index in 0..parameters.len() {
        let mut changed = parameters.clone();
        compare(of_parameters[index], &mut |by| {
            changed[index] = parameters[index] + by;
            loss(&maps, &changed)
        });
    }
    for index in (0..maps.len()).step_by(5) {
        let mut changed = maps.clone();
        compare(of_maps[index], &mut |by| {
            changed[index] = maps[index] + by;
            loss(&changed, &parameters)
        });
    }
    let all = parameters.len() + maps.len().div_ceil(5);
    assert!(kinks * 5 < all, "{kinks} kinks of {all}");
}

#[test]
fn gradients_of_recurrent_cells_are_differences() {
    let shape = Shape::new(3, 4, 2);
    let rank = Some(Rank { input: 2, state: 3 });
    for (feed, rank, gate, sequence) in [
        (Feed::Rows, None, Gate::Hard, Sequence::Last),
        (Feed::Rows, None, Gate::Sigmoid, Sequence::Last),
        (Feed::Rows, rank, Gate::Tanh, Sequence::All),
        (Feed::RowMajor, None, Gate::Hard, Sequence::Last),
        (Feed::ChannelMajor, rank, Gate::Hard, Sequence::Last),
        (Feed::Multi, None, Gate::Sigmoid, Sequence::All),
        (Feed::Multi, rank, Gate::Hard, Sequence::Last),
    ] {
        check(&network(shape, cell(feed, rank, gate, sequence)));
    }
}

#[test]
fn gradients_of_prototypes_are_differences() {
    let proto = Proto {
        projected: 3,
        prototypes: Prototypes {
            count: 6,
            classes: 4,
            sparsity: 0.0,
        },
    };
    check(&network(Shape::new(2, 2, 1), Entry::Proto(proto)));
}

#[test]
fn gradients_of_trees_are_differences() {
    for gate in [TreeGate::Tanh, TreeGate::Hard] {
        let bonsai = Bonsai {
            projected: 3,
            tree: Tree {
                depth: 2,
                classes: 4,
                gate,
                sparsity: 0.0,
            },
        };
        check(&network(Shape::new(2, 2, 1), Entry::Bonsai(bonsai)));
    }
}
