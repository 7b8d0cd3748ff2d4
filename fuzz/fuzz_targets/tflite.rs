//! No TensorFlow Lite file is a panic or a hang: it is a graph, which runs and has a plan, or a
//! problem. By its plan, and without its constant channels, it computes what the graph does.
#![no_main]

use herringbone_compiler::backend::interpreter;
use herringbone_compiler::tflite::{Model, PlannedModel, lower};
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
    let &[input] = &graph.inputs[..] else { return };
    let values = graph.tensor(input).values() as u8;
    let bytes: Vec<u8> = (0..graph.tensor(input).values())
        .map(|index| (index as u8).wrapping_mul(37).wrapping_add(values))
        .collect();
    let input = Values::Int8(bytes.iter().map(|&byte| byte as i8).collect());
    let found = graph.run(&mut graph.state(), std::slice::from_ref(&input));
    let pruned = graph.without_constant_channels();
    assert_eq!(pruned.run(&mut pruned.state(), &[input]), found);
    if let Ok(model) = Model::of(&pruned) {
        let planned = PlannedModel::of(&model, |_| {});
        let program = lower(&pruned, &model, &planned.smallest().memory);
        let outcome = interpreter::run(&program, &bytes);
        let computed = outcome.unwrap_or_else(|fault| panic!("{fault}"));
        if let Ok(Some(Values::Int8(expected))) = found.map(|values| values.into_iter().next()) {
            let expected = expected.into_iter().map(i64::from);
            assert!(computed.results.into_iter().eq(expected));
        }
    }
});
