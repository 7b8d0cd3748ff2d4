use herringbone_compiler::syntax;
use herringbone_dataset::{InputShape, Purpose, Rng};

use super::*;

/// Every kind of weighted sum, a depthwise one and a residual block; and what takes standards
/// up.
const LISTS: [&str; 5] = [
    "[6, 6, 2] => < C1(3,3), R(3), T(3, padding: same), C2(4,3), D(5), D*(3) >",
    "[6, 6, 2] => < G(5), D*(3) >",
    "[6, 6, 2] => < G(5, feed: multi, rank: 2x3), D*(3) >",
    "[6, 6, 2] => < Bonsai(0, 4, 3) >",
    "[6, 6, 2] => < Proto(4, 6, 3) >",
];

#[test]
fn a_folded_model_computes_what_normalising_did() {
    for bits in ["", ", bits: { weights: 2 }"] {
        LISTS
            .into_iter()
            .for_each(|list| check(&format!("Folded: {list}{bits}")));
    }
}

fn check(declaration: &str) {
    let declaration = syntax::parse(declaration.parse().unwrap()).declaration;
    let network = declaration.unwrap().network;
    let device = Device::flex();
    let mut random = Rng::new(Purpose::Weights, 1, 0, 0);
    let model = Model::new(&network, &mut random, &device);
    let mut numbers = model.numbers();
    for bias in numbers.iter_mut().flat_map(|(_, biases)| biases) {
        *bias = random.normal() / 2.0;
    }
    let model = Model::of_numbers(&network, numbers, &device);
    let shape = InputShape {
        height: 6,
        width: 6,
        channels: 2,
    };
    let mut sample = Examples::none(shape);
    for _ in 0..32 {
        let bytes = (0..shape.values()).map(|_| (random.signed_unit().abs() * 255.0) as u8);
        sample.inputs.extend(bytes);
        sample.labels.push(0);
        sample.names.push(String::new());
    }
    let intake = Intake::of(&network);
    let maps = || {
        let fill = |(): &mut (), example, activations: &mut [u8]| {
            intake.take(sample.input(example), activations);
        };
        intake.maps(sample.len(), &device, || (), fill)
    };
    let standards = Standards::of(&network, &sample);
    let folded = fold(&network, &model, &standards, &sample, &device);
    let arithmetic = Arithmetic::Normalised(&standards);
    let normalised = floats(model.forward(&network, arithmetic, maps(), None));
    let plain = floats(folded.forward(&network, Arithmetic::Float, maps(), None));
    let raw = floats(model.forward(&network, Arithmetic::Float, maps(), None));
    for ((normalised, plain), raw) in normalised.iter().zip(&plain).zip(&raw) {
        assert!((normalised - plain).abs() < 1e-3, "{normalised} {plain}");
        assert!(
            (normalised - raw).abs() > 1e-6,
            "normalising changes something"
        );
    }
}
