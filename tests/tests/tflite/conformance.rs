//! Outputs of TensorFlow Lite for Microcontrollers' reference kernels, bit for bit.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use herringbone_tests::shared::shared;
use herringbone_tflite::{Graph, Values};

use crate::arrays::{self, Inferences};

/// Every model of a folder.
fn models(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let is_model = |path: &PathBuf| path.extension().is_some_and(|it| it == "tflite");
    let mut models: Vec<PathBuf> = entries.filter(is_model).collect();
    models.sort();
    assert!(!models.is_empty(), "{}", folder.display());
    models
}

/// The arrays of a model whose names are a prefix and a number, in order.
fn numbered<'a>(arrays: &'a BTreeMap<String, Inferences>, prefix: &str) -> Vec<&'a Inferences> {
    let numbered = (0..).map_while(|index| arrays.get(&format!("{prefix}{index}")));
    numbered.collect()
}

/// How many outputs differ, of one model. Its variables go on from one inference to the next.
fn differences(model: &Path, vectors: &Path, prefix: &str) -> Vec<String> {
    let name = model.file_name().unwrap().to_string_lossy().into_owned();
    let graph = match Graph::read(&fs::read(model).unwrap()) {
        Ok(graph) => graph,
        Err(problems) => return vec![format!("{name}: {problems}")],
    };
    let arrays = arrays::read(vectors);
    let (inputs, outputs) = (numbered(&arrays, "input"), numbered(&arrays, prefix));
    assert_eq!(
        (inputs.len(), outputs.len()),
        (graph.inputs.len(), graph.outputs.len()),
        "{name}"
    );
    let mut state = graph.state();
    let mut differences = Vec::new();
    for index in 0..inputs[0].len() {
        let given: Vec<Values> = inputs.iter().map(|input| input.get(index)).collect();
        let found = graph.run(&mut state, &given).unwrap();
        for (found, wanted) in found.iter().zip(&outputs) {
            let wanted = wanted.get(index);
            if *found != wanted {
                differences.push(format!(
                    "{name}: input {index}: {found:?}\n    not {wanted:?}"
                ));
            }
        }
    }
    differences
}

fn check(models_in: &Path, vectors_in: &Path, prefix: &str) {
    let mut all = Vec::new();
    for model in models(models_in) {
        let name = model.file_stem().unwrap().to_string_lossy();
        let vectors = vectors_in.join(format!("{name}.npz"));
        all.extend(differences(&model, &vectors, prefix));
    }
    assert!(all.is_empty(), "{} differ:\n{}", all.len(), all.join("\n"));
}

#[test]
fn public_models_give_what_tensorflow_lite_for_microcontrollers_gives() {
    if let (Some(models), Some(reference)) = (shared("tflite/models"), shared("tflite/reference")) {
        check(&models, &reference, "tflm_out");
    }
}

#[test]
fn single_operators_give_what_tensorflow_lite_for_microcontrollers_gives() {
    if let Some(folder) = shared("tflite/optests") {
        check(&folder, &folder, "output");
    }
}
