//! Programs of models: what the interpreter computes by each plan, over an arena whose cells know
//! what they hold.

use std::fs;
use std::path::Path;

use herringbone_compiler::backend::interpreter;
use herringbone_compiler::tflite::{Model, PlannedModel, lower};
use herringbone_tests::shared::shared;
use herringbone_tests::tflite_file::{branches, padded, remembering};
use herringbone_tflite::{Element, Graph, Values};

/// Multiply-accumulates up to which every plan is run.
const MOST_FOR_EVERY_PLAN: u64 = 300_000;

/// Bytes that differ from input to input, and from one inference to the next.
fn inputs_of(graph: &Graph, inference: u32) -> Option<Vec<Values>> {
    let inputs = graph.inputs.iter().zip(1_u32..).map(|(&id, number)| {
        let tensor = graph.tensor(id);
        let bytes = (0..tensor.values() as u32).map(|index| {
            let place = index + 1_000 * (number + 10 * inference);
            (place.wrapping_mul(2_654_435_761) >> 23) as u8
        });
        match tensor.element {
            Element::Int8 => Some(Values::Int8(bytes.map(|byte| byte as i8).collect())),
            Element::Uint8 => Some(Values::Uint8(bytes.collect())),
            _ => None,
        }
    });
    inputs.collect()
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
    let model = match Model::of(&graph) {
        Ok(model) => model,
        Err(error) => {
            eprintln!("{name}: {error}");
            return 0;
        }
    };
    // What variables keep shows in the inferences after the first.
    let count = if graph.states.is_empty() { 1 } else { 40 };
    let mut state = graph.state();
    let mut inferences = Vec::new();
    for index in 0..count {
        let Some(inputs) = inputs_of(&graph, index) else {
            return 0;
        };
        let outputs = graph.run(&mut state, &inputs).unwrap();
        let outputs: Option<Vec<Vec<u8>>> = outputs.iter().map(bytes_of).collect();
        let Some(outputs) = outputs else { return 0 };
        let inputs: Vec<Vec<u8>> = inputs.iter().filter_map(bytes_of).collect();
        inferences.push((inputs, outputs.concat()));
    }
    let planned = PlannedModel::of(&model, |_| {});
    let plans = match model.multiply_accumulates <= MOST_FOR_EVERY_PLAN {
        true => &planned.plans[..],
        false => &planned.plans[planned.smallest..=planned.smallest],
    };
    for plan in plans {
        let program = lower(&graph, &model, &plan.memory);
        let mut kept: Vec<_> = program.kept.iter().map(|it| it.initial.clone()).collect();
        for (index, (inputs, expected)) in inferences.iter().enumerate() {
            let inputs = (&inputs[0][..], &inputs[1..]);
            let outcome = interpreter::run_with_others(&program, inputs, &mut kept)
                .unwrap_or_else(|fault| panic!("{name}, {}: {fault}", plan.name));
            let results = outcome.results.iter().map(|&result| result as u8);
            assert!(
                results.eq(expected.iter().copied()),
                "{name}, {}, inference {index}",
                plan.name
            );
        }
    }
    plans.len()
}

#[test]
fn a_graph_of_branches_computes_by_every_plan_what_the_model_does() {
    assert!(run("branches", &branches().bytes()) > 2);
}

#[test]
fn what_is_kept_and_moved_is_computed_as_the_model_has_it() {
    assert!(run("remembering", &remembering().bytes()) > 0);
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
