//! The published weights in the trainer, against the code that the macro makes.

use super::results;
use burn::tensor::Device;
use herringbone_compiler::weights;
use herringbone_dataset::{Expected, Normalisation, Options, Part, Source};
use herringbone_tests::crates::Crates;
use herringbone_tests::published;
use herringbone_tests::shared::shared;
use herringbone_trainer::export::import;
use herringbone_trainer::intake::Intake;
use std::fs;
use std::path::PathBuf;

/// Prints the logits of every image, a line each.
const MAIN: &str = r#"
herringbone::network! {
    Digits: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr, D*(10) >,
    weights: "published.safetensors",
}

static IMAGES: &[u8] = include_bytes!("images");

fn main() {
    let mut network = Digits::new();
    for image in IMAGES.as_chunks::<{ Digits::INPUT_LEN }>().0 {
        println!("{}", network.run(image).map(|logit| logit.to_string()).join(" "));
    }
}
"#;

#[test]
fn every_test_image_has_the_logits_that_the_macros_code_gives() {
    let (Some(file), Some(mnist)) = (shared("reference/paper-mnist.safetensors"), shared("mnist"))
    else {
        return;
    };
    let file = fs::read(file).unwrap();
    let network = published::network();
    let weights = weights::read(&network, &file).unwrap();
    let shape = Intake::of(&network).input();
    let expected = Expected {
        shape: Some(shape),
        classes: Some(10),
    };
    let source = Source::open(&mnist, expected, &Options::default()).unwrap();
    let images = Normalisation::identity().apply(source.read(Part::Test).unwrap().unwrap());
    assert_eq!(images.len(), 10_000);

    let crates = Crates::new(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("published"));
    let files = [
        ("src/main.rs", MAIN.as_bytes()),
        ("src/images", &images.inputs),
        ("published.safetensors", &file),
    ];
    crates.add("published", "2024", "herringbone", &files);
    let printed = crates.cargo(&["run", "--quiet", "--release"]);
    let generated: Vec<Vec<i64>> = printed
        .lines()
        .map(|line| {
            line.split(' ')
                .map(|logit| logit.parse().unwrap())
                .collect()
        })
        .collect();

    let (model, scales) = import(&network, &weights, &Device::flex());
    let inputs: Vec<Vec<u8>> = (0..images.len())
        .map(|at| images.input(at).to_vec())
        .collect();
    let trained = results(&network, &model, &scales, &inputs);
    assert_eq!(trained.len(), generated.len());
    for (image, (trained, generated)) in trained.iter().zip(&generated).enumerate() {
        assert_eq!(trained, generated, "image {image}");
    }
}
