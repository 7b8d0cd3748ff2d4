//! No TensorFlow Lite file is a panic or a hang: it is a graph, which runs and has a plan, or a
//! problem. By its plan, and without its constant channels, it computes what the graph does.
#![no_main]

use herringbone_compiler::backend::interpreter;
use herringbone_compiler::tflite::{Model, PlannedModel, lower};
use herringbone_fuzz::file_of;
use herringbone_tests::tflite_file::{branches, remembering};
use herringbone_tflite::{Graph, Node, Reorder, Values};
use libfuzzer_sys::fuzz_target;

/// What a run may take.
const MOST_MULTIPLY_ACCUMULATES: u64 = 1 << 20;
const MOST_VALUES: usize = 1 << 20;

fuzz_target!(|data: &[u8]| {
    let Some((first, data)) = data.split_first() else {
        return;
    };
    let seed = if first & 1 == 0 {
        branches()
    } else {
        remembering()
    };
    let Some((_, file)) = file_of(data, &seed.bytes()) else {
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
    let inputs = graph.inputs.iter().map(|&input| {
        let values = graph.tensor(input).values();
        let bytes = (0..values).map(|at| (at as u8).wrapping_mul(37).wrapping_add(values as u8));
        bytes.collect::<Vec<u8>>()
    });
    let inputs: Vec<Vec<u8>> = inputs.collect();
    let signed = |bytes: &Vec<u8>| Values::Int8(bytes.iter().map(|&byte| byte as i8).collect());
    let given: Vec<Values> = inputs.iter().map(signed).collect();
    let pruned = graph.clone().without_constant_channels();
    let planned = Model::of(&pruned).ok().map(|model| {
        let planned = PlannedModel::of(&model, |_| {});
        lower(&pruned, &model, &planned.smallest().memory)
    });
    let mut state = graph.state();
    let mut state_of_pruned = pruned.state();
    let mut kept: Vec<Vec<i8>> = planned
        .iter()
        .flat_map(|it| &it.kept)
        .map(|it| it.initial.clone())
        .collect();
    // What variables keep shows in the second inference.
    for _ in 0..2 {
        let found = graph.run(&mut state, &given);
        assert_eq!(pruned.run(&mut state_of_pruned, &given), found);
        let (Some(program), Ok(found)) = (&planned, found) else {
            return;
        };
        let outcome = interpreter::run_with_others(program, (&inputs[0], &inputs[1..]), &mut kept);
        let computed = outcome.unwrap_or_else(|fault| panic!("{fault}"));
        let expected: Option<Vec<Vec<i8>>> = found.iter().map(Values::bytes).collect();
        if let Some(expected) = expected {
            let computed = computed.results.iter().map(|&result| result as i8);
            assert!(computed.eq(expected.concat()));
        }
    }
});
