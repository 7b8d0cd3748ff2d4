//! Files of models with some bytes changed: what can still be read is planned, and computes by its
//! plan what the graph does, or is refused in words.

use std::panic;

use herringbone_compiler::backend::interpreter;
use herringbone_compiler::tflite::{Model, PlannedModel, lower};
use herringbone_tests::tflite_file::{branches, padded, remembering};
use herringbone_tflite::{Element, Graph, Node, Values};

/// xorshift64 (Marsaglia 2003).
struct Draws(u64);

impl Draws {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) as usize % end
    }
}

const MOST: u64 = 1 << 18;

/// Whether it was computed.
fn check(file: &[u8]) -> bool {
    let Ok(graph) = Graph::read(file) else {
        return false;
    };
    let made = graph.nodes.iter().filter_map(Node::writes);
    let values: usize = made
        .chain(graph.inputs.clone())
        .map(|id| graph.tensor(id).values())
        .sum();
    if graph.multiply_accumulates() > MOST || values as u64 > MOST {
        return false;
    }
    let is_int8 = |id: &herringbone_tflite::TensorId| graph.tensor(*id).element == Element::Int8;
    if !graph.inputs.iter().all(is_int8) {
        return false;
    }
    let inputs = graph.inputs.iter().map(|&id| {
        let count = graph.tensor(id).values();
        (0..count)
            .map(|at| (at as u8).wrapping_mul(37).wrapping_add(count as u8))
            .collect()
    });
    let inputs: Vec<Vec<u8>> = inputs.collect();
    let signed = |bytes: &Vec<u8>| Values::Int8(bytes.iter().map(|&byte| byte as i8).collect());
    let given: Vec<Values> = inputs.iter().map(signed).collect();
    let pruned = graph.clone().without_constant_channels();
    let program = match Model::of(&pruned) {
        Ok(model) => {
            let planned = PlannedModel::of(&model, |_| {});
            lower(&pruned, &model, &planned.smallest().memory)
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    let mut state = graph.state();
    let mut kept: Vec<_> = program.kept.iter().map(|it| it.initial.clone()).collect();
    for _ in 0..2 {
        let found = graph.run(&mut state, &given).unwrap();
        let computed =
            interpreter::run_with_others(&program, (&inputs[0], &inputs[1..]), &mut kept)
                .unwrap_or_else(|fault| panic!("{fault}"));
        let expected: Option<Vec<Vec<i8>>> = found.iter().map(Values::bytes).collect();
        let results = computed.results.iter().map(|&result| result as i8);
        assert!(results.eq(expected.unwrap().concat()));
    }
    true
}

#[test]
fn changed_files_compute_what_their_graphs_do_or_are_refused() {
    let seeds = [branches(), padded(), remembering()].map(|model| model.bytes());
    let count = std::env::var("MUTATIONS").map_or(300, |count| count.parse().unwrap());
    let mut draws =
        Draws(std::env::var("SEED").map_or(0x9E37_79B9_7F4A_7C15, |it| it.parse().unwrap()));
    let mut computed = 0;
    for _ in 0..count {
        let mut file = seeds[draws.below(3)].clone();
        let mut changes = Vec::new();
        for _ in 0..=draws.below(3) {
            let place = draws.below(file.len());
            let value = match draws.below(4) {
                0 => draws.below(256) as u8,
                1 => file[place].wrapping_add(1),
                2 => file[place].wrapping_sub(1),
                _ => draws.below(9) as u8,
            };
            changes.push((place, value));
            file[place] = value;
        }
        match panic::catch_unwind(|| check(&file)) {
            Ok(was_computed) => computed += usize::from(was_computed),
            Err(_) => panic!("{changes:?} of {} bytes", file.len()),
        }
    }
    println!("{computed} of {count} were computed");
    assert!(computed > count / 20);
}
