//! What the trainer computes is what the network computes that it exports, bit for
//! bit: random networks of every layer, against the naive evaluator.

mod graphs;
mod kinds;
mod published;

use burn::tensor::Device;
use herringbone_compiler::network::{Activation, Bits, Network, Shape};
use herringbone_compiler::program;
use herringbone_compiler::weights::{self, Parameters, Weights};
use herringbone_dataset::{Examples, Purpose, Rng};
use herringbone_tests::layers;
use herringbone_tests::networks::{Recipe, greatest_weights, recipes};
use herringbone_tests::reference;
use herringbone_trainer::activity::activities;
use herringbone_trainer::calibrate::calibrate;
use herringbone_trainer::evaluate::{evaluate, values};
use herringbone_trainer::export::{export, import};
use herringbone_trainer::intake::Intake;
use herringbone_trainer::model::Model;
use herringbone_trainer::quantise::Scales;
use herringbone_trainer::recipe::ScaleSearch;
use proptest::prelude::*;

fn examples(network: &Network, inputs: &[Vec<u8>]) -> Examples {
    Examples {
        shape: Intake::of(network).input(),
        inputs: inputs.concat(),
        labels: vec![0; inputs.len()],
        names: vec![String::new(); inputs.len()],
        groups: Vec::new(),
    }
}

/// Inputs of any bytes, some of them of one brightness.
fn random_inputs(network: &Network, count: usize, random: &mut Rng) -> Vec<Vec<u8>> {
    let bytes = network.input().values() as usize;
    let byte = |number: f32| (number.abs() * 256.0) as u8;
    let input = |index: usize, random: &mut Rng| {
        let brightness = byte(random.signed_unit());
        let pixels = (0..bytes).map(|_| match index % 4 {
            0 => brightness,
            _ => byte(random.signed_unit()),
        });
        pixels.collect()
    };
    (0..count).map(|index| input(index, random)).collect()
}

/// A model as it may be in training, with biases.
fn random_model(network: &Network, random: &mut Rng, device: &Device) -> Model {
    let mut numbers = Model::new(network, random, device).numbers();
    for (weights, biases) in &mut numbers {
        let size = random.normal().exp2();
        weights.iter_mut().for_each(|weight| *weight *= size);
        biases
            .iter_mut()
            .for_each(|bias| *bias = size / 4.0 * random.normal());
    }
    Model::of_numbers(network, numbers, device)
}

/// The trainer's results, in integers.
fn results(network: &Network, model: &Model, scales: &Scales, inputs: &[Vec<u8>]) -> Vec<Vec<i64>> {
    let examples = examples(network, inputs);
    let results = evaluate(network, model, Some(scales), &examples, &Device::flex());
    let step = f64::from(scales.result_exponent(network)).exp2();
    let integers = |example| {
        let logits = results.of(example).iter();
        let integers = logits.map(|logit| {
            let integer = logit / step;
            assert_eq!(integer.fract(), 0.0, "{logit} in steps of {step}");
            integer as i64
        });
        integers.collect()
    };
    (0..inputs.len()).map(integers).collect()
}

fn expected(network: &Network, weights: &Weights, inputs: &[Vec<u8>]) -> Vec<Vec<i64>> {
    let results = inputs.iter().map(|input| {
        reference::evaluate(network, weights, input)
            .results()
            .to_vec()
    });
    results.collect()
}

/// Every value of a network is the same as trained and as exported, those that nobody
/// labels too.
fn exported_computes_the_same(network: &Network, seed: u64) -> Result<(), TestCaseError> {
    let device = Device::flex();
    let mut random = Rng::new(Purpose::Weights, seed, 0, 0);
    let model = random_model(network, &mut random, &device);
    // More than a block.
    let inputs = random_inputs(network, 18, &mut random);
    let sample = examples(network, &inputs);
    let scales = calibrate(
        network,
        &model,
        ScaleSearch::Learned,
        None,
        &sample,
        &device,
    );
    let file = export(network, &model, &scales).unwrap();
    let weights = weights::read(network, &file).unwrap();
    let trained = values(network, &model, &scales, &sample);
    for (value, numbers) in trained.iter() {
        let is_taken_in = !numbers.is_empty();
        prop_assert!(is_taken_in || value == network.input_value());
        let length = network.value(value).shape.values() as usize;
        let of_inputs = numbers.chunks_exact(length).zip(&inputs);
        // All are of one power of two, whatever that is.
        let mut step = None;
        for (numbers, input) in of_inputs {
            let expected = reference::evaluate(network, &weights, input);
            for (&number, &integer) in numbers.iter().zip(&expected.value(value).values) {
                if integer == 0 {
                    prop_assert_eq!(number, 0.0, "value {}", value);
                } else {
                    let found = number / integer as f64;
                    prop_assert_eq!(found, *step.get_or_insert(found), "value {}", value);
                }
            }
        }
        prop_assert!(step.is_none_or(|step| step > 0.0 && step.log2().fract() == 0.0));
    }
    let evaluated = inputs.iter();
    let traces: Vec<_> = evaluated
        .map(|input| reference::evaluate(network, &weights, input))
        .collect();
    let counted = activities(network, (&model, &device), &scales, &sample);
    for (node, expected) in herringbone_tests::activity::activities(network, &traces).iter() {
        // Bytes that a leading `A` adds up are no activations.
        let is_taken_in = !trained[network.node(node).reads[0]].is_empty();
        prop_assert!(!is_taken_in || counted[node] == *expected, "node {}", node);
    }
    let trained = results(network, &model, &scales, &inputs);
    prop_assert_eq!(trained, expected(network, &weights, &inputs));
    Ok(())
}

/// The parameters of each sum of a network.
fn sums<'a>(network: &'a Network, weights: &'a Weights) -> impl Iterator<Item = &'a Parameters> {
    let nodes = network.computing_nodes();
    nodes.flat_map(|node| weights.node(node.id))
}

fn imported_computes_and_exports_the_same(recipe: &Recipe) -> Result<(), TestCaseError> {
    let case = recipe.case();
    let (network, weights) = (&case.network, &case.weights);
    let (model, scales) = import(network, weights, &Device::flex());
    let trained = results(network, &model, &scales, &case.inputs);
    prop_assert_eq!(trained, expected(network, weights, &case.inputs));
    match (
        export(network, &model, &scales),
        program::prove(network, weights),
    ) {
        (Ok(file), Ok(_)) => {
            let exported = weights::read(network, &file).unwrap();
            let count = sums(network, weights).count();
            let pairs = sums(network, &exported).zip(sums(network, weights));
            for (index, (exported, imported)) in pairs.enumerate() {
                let mut imported = imported.clone();
                if index + 1 == count && network.gives_logits() {
                    // A sum that is returned as it is, is never shifted to the right.
                    imported.shift.right = 0;
                }
                prop_assert_eq!(exported, &imported);
            }
        }
        (Err(error), Err(errors)) => {
            prop_assert!(error.to_string().contains(&errors[0].to_string()));
        }
        (exported, proven) => {
            prop_assert!(
                false,
                "exported: {:?}, proven: {:?}",
                exported.err(),
                proven.err()
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_exported_network_computes_what_was_trained(
        recipe in recipes(),
        seed in any::<u64>(),
    ) {
        exported_computes_the_same(&recipe.network(), seed)?;
    }

    #[test]
    fn the_imported_network_is_the_one_in_the_file(recipe in recipes()) {
        imported_computes_and_exports_the_same(&recipe)?;
    }

    #[test]
    fn the_input_is_taken_in_as_the_network_does(recipe in recipes(), seed in any::<u64>()) {
        let case = recipe.case();
        let network = &case.network;
        let mut random = Rng::new(Purpose::Order, seed, 0, 0);
        let intake = Intake::of(network);
        for input in random_inputs(network, 4, &mut random) {
            let mut activations = vec![0; intake.activations()];
            intake.take(&input, &mut activations);
            let activations: Vec<i64> = activations.into_iter().map(i64::from).collect();
            let trace = reference::evaluate(network, &case.weights, &input);
            let expected = trace.value(intake.value());
            prop_assert_eq!(&activations, &expected.values);
        }
    }
}

#[test]
fn sums_that_f32_does_not_have_are_exact() {
    let dense = layers::dense(2, Activation::Linear);
    let bits = Bits {
        weights: 8,
        biases: 16,
        activations: 8,
    };
    let network = Network::new(Shape::new(40, 40, 1), bits, &[dense]).unwrap();
    let weights = weights::read(&network, &greatest_weights(&network)).unwrap();
    let (model, scales) = import(&network, &weights, &Device::flex());
    // Odd sums lie between two numbers of f32.
    let input = |darker: u8| [vec![254], vec![255 - darker; 1599]].concat();
    let inputs: Vec<Vec<u8>> = (0..32).map(input).collect();
    let expected = expected(&network, &weights, &inputs);
    assert!(
        expected
            .iter()
            .flatten()
            .any(|&sum| sum as f32 as i64 != sum)
    );
    assert_eq!(results(&network, &model, &scales, &inputs), expected);
}
