//! Programs of models: what the interpreter computes by each plan, over an arena whose cells know
//! what they hold.

use std::fs;
use std::path::Path;

use herringbone_compiler::backend::interpreter;
use herringbone_compiler::tflite::{Model, PlannedModel, lower};
use herringbone_tests::shared::shared;
use herringbone_tests::tflite_file::{branches, padded};
use herringbone_tflite::{Element, Graph, Values};

/// Multiply-accumulates up to which every plan is run.
const MOST_FOR_EVERY_PLAN: u64 = 300_000;

/// Bytes that differ from model to model.
fn input_of(graph: &Graph) -> Option<Values> {
    let tensor = graph.tensor(*graph.inputs.first()?);
    let bytes =
        (0..tensor.values() as u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 23) as u8);
    match tensor.element {
        Element::Int8 => Some(Values::Int8(bytes.map(|byte| byte as i8).collect())),
        Element::Uint8 => Some(Values::Uint8(bytes.collect())),
        _ => None,
    }
}

fn bytes_of(values: &Values) -> Option<Vec<u8>> {
    match values {
        Values::Int8(values) => Some(values.iter().map(|&value| value as u8).collect()),
        Values::Uint8(values) => Some(values.clone()),
        Values::Int32(_) | Values::Float32(_) => None,
    }
}

/// Runs the model by its plans; how many there were.
fn run(name: &str, file: &[u8]) -> usize {
    let graph = Graph::read(file).unwrap();
    let Ok(model) = Model::of(&graph) else {
        return 0;
    };
    let Some(input) = input_of(&graph) else {
        return 0;
    };
    let expected = graph
        .run(&mut graph.state(), std::slice::from_ref(&input))
        .unwrap();
    let Some(expected) = bytes_of(&expected[0]) else {
        return 0;
    };
    let input = bytes_of(&input).unwrap();
    let planned = PlannedModel::of(&model, |_| {});
    let plans = match model.multiply_accumulates <= MOST_FOR_EVERY_PLAN {
        true => &planned.plans[..],
        false => &planned.plans[planned.smallest..=planned.smallest],
    };
    for plan in plans {
        let program = lower(&graph, &model, &plan.memory);
        let outcome = interpreter::run(&program, &input)
            .unwrap_or_else(|fault| panic!("{name}, {}: {fault}", plan.name));
        let results = outcome.results.iter().map(|&result| result as u8);
        assert!(
            results.eq(expected.iter().copied()),
            "{name}, {}",
            plan.name
        );
    }
    plans.len()
}

#[test]
fn a_graph_of_branches_computes_by_every_plan_what_the_model_does() {
    assert!(run("branches", &branches().bytes()) > 2);
}

#[test]
fn a_padded_map_is_computed_by_every_plan_as_the_model_has_it() {
    assert!(run("padded", &padded().bytes()) > 2);
}

fn run_all(folder: &Path) -> usize {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .iter()
        .filter(|path| path.extension().is_some_and(|it| it == "tflite"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy();
            run(&name, &fs::read(path).unwrap())
        })
        .sum()
}

#[test]
fn operators_compute_by_every_plan_what_the_model_does() {
    let Some(folder) = shared("tflite/optests") else {
        return;
    };
    assert!(run_all(&folder) > 60);
}

#[test]
fn public_models_compute_by_their_plans_what_the_model_does() {
    let Some(folder) = shared("tflite/models") else {
        return;
    };
    assert!(run_all(&folder) > 10);
}
