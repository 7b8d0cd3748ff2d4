//! No TensorFlow Lite file is a panic or a hang: it is a graph, which runs and has a plan, or a
//! problem.
#![no_main]

use herringbone_compiler::tflite::{Model, PlannedModel};
use herringbone_fuzz::file_of;
use herringbone_tests::tflite_file::branches;
use herringbone_tflite::{Graph, Node, Reorder, Values};
use libfuzzer_sys::fuzz_target;

/// What a run may take.
const MOST_MULTIPLY_ACCUMULATES: u64 = 1 << 20;
const MOST_VALUES: usize = 1 << 20;

fuzz_target!(|data: &[u8]| {
    let Some((_, file)) = file_of(data, &branches().bytes()) else {
        return;
    };
    if let Err(problems) = Reorder::read(&file) {
        assert!(!problems.to_string().is_empty());
    }
    let graph = match Graph::read(&file) {
        Ok(graph) => graph,
        Err(problems) => {
            let text = problems.to_string();
            assert!(!text.is_empty() && text.len() < 20_000, "{text}");
            return;
        }
    };
    let made = graph.nodes.iter().filter_map(Node::writes);
    let values: usize = made.map(|id| graph.tensor(id).values()).sum();
    if graph.multiply_accumulates() > MOST_MULTIPLY_ACCUMULATES || values > MOST_VALUES {
        return;
    }
    if let [input] = graph.inputs[..] {
        let zeros = Values::Int8(vec![0; graph.tensor(input).values()]);
        let _ = graph.run(&mut graph.state(), &[zeros]);
    }
    if let Ok(model) = Model::of(&graph) {
        let planned = PlannedModel::of(&model, |_| {});
        assert!(!planned.plans.is_empty());
    }
});
