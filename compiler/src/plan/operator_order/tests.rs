use super::*;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use std::path::Path;

fn input(bytes: u32) -> Tensor {
    Tensor {
        bytes,
        ..Tensor::default()
    }
}

fn made(bytes: u32, reads: &[usize]) -> Tensor {
    Tensor {
        bytes,
        operator: Some(Operator {
            reads: reads.to_vec(),
            ..Operator::default()
        }),
        is_output: false,
    }
}

/// The least peak of all orders, one by one.
fn least_of_all(tensors: &[Tensor]) -> u64 {
    fn go(tensors: &[Tensor], made: &mut [bool], order: &mut Vec<usize>, least: &mut u64) {
        if made.iter().all(|made| *made) {
            *least = (*least).min(peak_bytes(tensors, order));
        }
        for tensor in 0..tensors.len() {
            let Some(operator) = &tensors[tensor].operator else {
                continue;
            };
            if !made[tensor] && operator.reads.iter().all(|&read| made[read]) {
                made[tensor] = true;
                order.push(tensor);
                go(tensors, made, order, least);
                order.pop();
                made[tensor] = false;
            }
        }
    }
    let inputs = tensors.iter().map(|tensor| tensor.operator.is_none());
    let mut least = u64::MAX;
    go(
        tensors,
        &mut inputs.collect::<Vec<_>>(),
        &mut Vec::new(),
        &mut least,
    );
    least
}

/// Graphs of one or two inputs and up to that many operators.
fn graphs(operators: usize) -> impl Strategy<Value = Vec<Tensor>> {
    let operator = (
        0..12_u32,
        any::<[u16; 3]>(),
        prop::option::weighted(0.3, 0..12_u32),
        prop_oneof![3 => Just(0), 1 => 0..8_u32],
        prop::bool::weighted(0.2),
    );
    let operators = prop::collection::vec(operator, 1..=operators);
    (prop::collection::vec(0..12_u32, 1..=2), operators).prop_map(|(inputs, operators)| {
        let mut tensors: Vec<Tensor> = inputs.into_iter().map(input).collect();
        for (bytes, picks, saved, scratch_bytes, is_output) in operators {
            // Most read one tensor, and near ones.
            let count = tensors.len();
            let near = |pick: u16| count - 1 - usize::from(pick) % count.min(4);
            let mut reads = vec![near(picks[0])];
            reads.extend((picks[1] % 3 == 0).then(|| usize::from(picks[2]) % count));
            let overwrites = saved.map(|saved| Overwrite {
                input: reads[0],
                saved_bytes: saved.min(bytes).min(tensors[reads[0]].bytes),
            });
            tensors.push(Tensor {
                bytes,
                operator: Some(Operator {
                    reads,
                    overwrites: overwrites.into_iter().collect(),
                    scratch_bytes,
                }),
                is_output,
            });
        }
        tensors
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 3_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_order_of_a_small_graph_has_a_lower_peak(tensors in graphs(7)) {
        let found = least_peak(&tensors);
        prop_assert!(found.is_exact());
        prop_assert_eq!(found.peak_bytes, peak_bytes(&tensors, &found.order));
        prop_assert_eq!(found.peak_bytes, least_of_all(&tensors));
    }

    #[test]
    fn a_search_that_gives_up_says_between_which_peaks_the_least_one_is(
        tensors in graphs(7),
        most_looks in 0..12_usize,
    ) {
        let found = search(&tensors, 0, most_looks);
        let least = least_of_all(&tensors);
        prop_assert_eq!(found.peak_bytes, peak_bytes(&tensors, &found.order));
        prop_assert!(found.least_bytes <= least && least <= found.peak_bytes);
        prop_assert!(found.is_exact() || !found.abandoned.is_empty());
    }
}

/// Random graphs of more operators than can be tried one by one.
#[test]
fn up_to_24_operators_are_searched_exactly() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..100 {
        let tensors = graphs(24).new_tree(&mut runner).unwrap().current();
        let found = least_peak(&tensors);
        assert!(found.is_exact() && found.abandoned.is_empty());
    }
}

/// The peaks that Liberis & Lane's definition gives, by brute force over all orders.
#[test]
fn the_peaks_of_the_published_cases_are_reached() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let path = path.join("kinds/vectors/order_cases.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is absent", path.display());
        return;
    };
    let cases: serde_json::Value = serde_json::from_str(&text).unwrap();
    let array = |value: &serde_json::Value| value.as_array().unwrap().clone();
    for case in array(&cases) {
        let tensors = array(&case["tensors"]);
        let names: Vec<_> = tensors.iter().map(|tensor| &tensor["name"]).collect();
        let outputs = array(&case["outputs"]);
        let index = |name| names.iter().position(|other| **other == name).unwrap();
        let tensors = tensors.iter().map(|tensor| {
            let reads: Vec<usize> = array(&tensor["inputs"]).into_iter().map(index).collect();
            let bytes = tensor["bytes"].as_u64().unwrap() as u32;
            let is_input = reads.is_empty();
            Tensor {
                is_output: outputs.contains(&tensor["name"]),
                ..if is_input {
                    input(bytes)
                } else {
                    made(bytes, &reads)
                }
            }
        });
        let tensors: Vec<Tensor> = tensors.collect();
        let found = least_peak(&tensors);
        assert_eq!(found.peak_bytes, case["peak_best"].as_u64().unwrap());
        assert!(found.is_exact());
        let in_file_order: Vec<usize> = (1..tensors.len()).collect();
        let peak = peak_bytes(&tensors, &in_file_order);
        assert_eq!(peak, case["peak_file_order"].as_u64().unwrap());
    }
}

/// Four branches of three operators between a fork and a join, again and again:
/// all sets of all blocks together would be 256 times as many with each.
fn blocks(count: usize) -> Vec<Tensor> {
    let mut tensors = vec![input(64)];
    for block in 0..count {
        let fork = tensors.len() - 1;
        let mut ends = Vec::new();
        for branch in 0..4 {
            let mut before = fork;
            for depth in 0..3 {
                let bytes = 16 + (block * 37 + branch * 59 + depth * 83) as u32 % 97;
                tensors.push(made(bytes, &[before]));
                before = tensors.len() - 1;
            }
            ends.push(before);
        }
        tensors.push(made(64, &ends));
    }
    tensors
}

#[test]
fn a_long_graph_is_exact_where_it_is_narrow() {
    let found = least_peak(&blocks(30));
    assert_eq!(found.order.len(), 390);
    assert!(found.is_exact() && found.abandoned.is_empty());
}

#[test]
fn the_residual_block_keeps_its_input_and_no_more() {
    // Both convolutions in place, of 8 bytes more than the map; the second one adds
    // the block's input, over which it stores.
    let mut tensors = vec![input(100), made(100, &[0]), made(100, &[0, 1])];
    tensors[2].operator.as_mut().unwrap().overwrites = vec![Overwrite {
        input: 1,
        saved_bytes: 92,
    }];
    tensors[2].is_output = true;
    assert_eq!(least_peak(&tensors).peak_bytes, 208);
    // Where the input is an output too, it is not dead after the block.
    tensors[1].is_output = true;
    assert_eq!(least_peak(&tensors).peak_bytes, 300);
}

#[test]
fn more_operators_than_are_searched_keep_their_order() {
    let mut tensors = vec![input(1)];
    // Two chains side by side.
    tensors.extend((1..=600).map(|index: usize| made(1, &[index.saturating_sub(2)])));
    let found = least_peak(&tensors);
    assert_eq!(found.order, (1..=600).collect::<Vec<_>>());
    assert_eq!(found.abandoned[0].beam, 0);
}

#[test]
fn a_graph_without_operators_holds_its_inputs() {
    let found = least_peak(&[input(3), input(4)]);
    assert_eq!((found.peak_bytes, found.order.len()), (7, 0));
    assert_eq!(least_peak(&[]).peak_bytes, 0);
}
