//! The naive evaluator, and the planned program, against what the authors of the published network print.

use flate2::read::GzDecoder;
use herringbone_compiler::backend::interpreter;
use herringbone_compiler::declaration::{
    Budget, CodeChoice, Declaration, PlanChoice, Reserve, WeightsSource,
};
use herringbone_compiler::network::{Network, Shape};
use herringbone_compiler::plan::{self, Strategy};
use herringbone_compiler::program;
use herringbone_compiler::weights::{self, Weights};
use herringbone_tests::published;
use herringbone_tests::reference::evaluate;
use herringbone_tests::shared::shared;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;

/// `[28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr, D*(10) >`.
fn published() -> Option<(Network, Weights)> {
    let file = shared("reference/paper-mnist.safetensors")?;
    let network = published::network();
    let weights = weights::read(&network, &fs::read(file).unwrap()).unwrap();
    Some((network, weights))
}

#[derive(Deserialize)]
struct OneImage {
    input: Vec<u8>,
    layers: Vec<PrintedLayer>,
}

#[derive(Deserialize)]
struct PrintedLayer {
    layer: String,
    shape: [u32; 3],
    values: Vec<i64>,
}

#[test]
fn every_layer_of_one_image_is_as_published() {
    let (Some((network, weights)), Some(file)) = (published(), shared("reference/one-image.json"))
    else {
        return;
    };
    let image: OneImage = serde_json::from_reader(File::open(file).unwrap()).unwrap();
    let trace = evaluate(&network, &weights, &image.input);
    let computed: Vec<_> = network.computing_nodes().collect();
    assert_eq!(computed.len(), image.layers.len());
    for (node, printed) in computed.into_iter().zip(image.layers) {
        let map = trace.node(node.id);
        assert_eq!(node.to_string(), printed.layer);
        let [height, width, channels] = printed.shape;
        assert_eq!(map.shape, Shape::new(height, width, channels), "{node}");
        assert_eq!(map.values, printed.values, "{node}");
    }
}

#[test]
fn the_planned_program_stores_the_published_layers() {
    let (Some((network, weights)), Some(file)) = (published(), shared("reference/one-image.json"))
    else {
        return;
    };
    let image: OneImage = serde_json::from_reader(File::open(file).unwrap()).unwrap();
    let (logits, stored) = image.layers.split_last().unwrap();
    let stored: Vec<&[i64]> = stored.iter().map(|layer| &layer.values[..]).collect();
    let declaration = Declaration {
        network,
        budget: Budget::default(),
        reserve: Reserve::default(),
        weights: WeightsSource::File,
        results: None,
        plan: PlanChoice::default(),
        sparsity: 0.0,
        window: None,
        code: CodeChoice::Table,
        layer_code: BTreeMap::new(),
    };
    for strategy in [
        Strategy::ROW_MAJOR,
        Strategy::HERRINGBONE,
        Strategy::STREAMED,
    ] {
        let proven = program::prove(&declaration.network, &weights).unwrap();
        let plan = plan::plan(
            &declaration.network.dataflow(),
            &proven.sum_bytes(),
            strategy,
        );
        let program = program::lower(&declaration, &weights, &proven, &plan);
        let outcome = interpreter::run(&program, &image.input).unwrap();
        let maps: Vec<_> = outcome.maps.values().map(|map| &map.values[..]).collect();
        assert_eq!(maps, stored, "{strategy:?}");
        assert_eq!(outcome.results, logits.values, "{strategy:?}");
    }
}

#[test]
fn the_logits_of_a_hundred_test_images_are_as_published() {
    let (Some((network, weights)), Some(logits), Some(images)) = (
        published(),
        shared("reference/logits-first-100.csv"),
        shared("mnist/t10k-images-idx3-ubyte.gz"),
    ) else {
        return;
    };
    let mut bytes = Vec::new();
    let mut images = GzDecoder::new(File::open(images).unwrap()).take(16 + 100 * 784);
    images.read_to_end(&mut bytes).unwrap();
    let images = bytes[16..].chunks_exact(784);
    let logits = fs::read_to_string(logits).unwrap();
    let rows: Vec<Vec<i64>> = logits
        .lines()
        .skip(1)
        .map(|line| {
            line.split(',')
                .map(|field| field.parse().unwrap())
                .collect()
        })
        .collect();
    assert_eq!((rows.len(), images.len()), (100, 100));
    for (index, (row, image)) in rows.iter().zip(images).enumerate() {
        assert_eq!(row[0], index as i64);
        let trace = evaluate(&network, &weights, image);
        assert_eq!(trace.results(), &row[1..], "image {index}");
    }
}
