//! What layers of training alone do: values that are dropped and blurred.

use burn::tensor::TensorData;
use herringbone_compiler::network::Kind;
use herringbone_dataset::Rng;

use crate::ops::Maps;

/// What a layer of training alone makes of maps.
pub(crate) fn disturb(kind: &Kind, maps: Maps, random: &mut Rng) -> Maps {
    match kind {
        Kind::Dropout(dropout) => drop_values(maps, dropout.probability, random),
        Kind::Noise(noise) => blur(maps, noise.deviation, random),
        Kind::Pool(_)
        | Kind::Convolution(_)
        | Kind::Depthwise(_)
        | Kind::Separable(_)
        | Kind::Dense(_)
        | Kind::Projection(_)
        | Kind::Recurrent(_)
        | Kind::Tree(_)
        | Kind::Prototypes(_)
        | Kind::Add(_)
        | Kind::Concat(_) => unreachable!("it computes on the device"),
    }
}

/// Sets a share of values to 0, and makes up for it (Srivastava et al. 2014).
fn drop_values(maps: Maps, probability: f64, random: &mut Rng) -> Maps {
    let bound = (2.0 * probability - 1.0) as f32;
    let scale = (1.0 / (1.0 - probability)) as f32;
    let kept = drawn(&maps, || {
        let is_dropped = random.signed_unit() < bound;
        if is_dropped { 0.0 } else { scale }
    });
    maps * kept
}

/// Adds Gaussian noise, whose deviation is that share of the largest value of the
/// batch: what the range of its integers is made for.
fn blur(maps: Maps, deviation: f64, random: &mut Rng) -> Maps {
    let largest = maps.clone().detach().abs().max();
    let noise = drawn(&maps, || random.normal() * deviation as f32);
    maps + noise * largest.reshape([1; 5])
}

/// Numbers that are drawn, one a value of the maps.
fn drawn(maps: &Maps, mut draw: impl FnMut() -> f32) -> Maps {
    let shape = maps.shape();
    let numbers: Vec<f32> = (0..shape.num_elements()).map(|_| draw()).collect();
    Maps::from_data(TensorData::new(numbers, shape), &maps.device())
}
