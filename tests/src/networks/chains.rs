//! Chains of the first letters: stride 1, no padding, no label.

use super::case::Case;
use super::numbers::{Fill, Numbers, Right, fill};
use crate::layers::{average, convolution, dense, dropout, maximum, separable};
use herringbone_compiler::network::{Activation, Bits, Kernel, Kind, Network, Shape};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// What a [`Case`] is made from; letters that do not fit their map are made
/// smaller or left out, so that every recipe makes a network.
#[derive(Clone, Debug)]
pub struct Recipe {
    input: Shape,
    bits: Bits,
    letters: Vec<Letter>,
    inputs: Vec<Fill>,
}

#[derive(Clone, Debug)]
enum Letter {
    Dropout,
    MaxPool(Kernel),
    AveragePool(Kernel),
    Convolution(u32, Kernel, Activation, Numbers),
    Separable(u32, Kernel, Activation, [Numbers; 2]),
    Dense(u32, Activation, Numbers),
}

fn numbers() -> impl Strategy<Value = Numbers> {
    let right = prop_oneof![
        3 => (-3..=2).prop_map(Right::Near),
        1 => (0u8..=31).prop_map(Right::Exactly),
    ];
    let left = prop_oneof![8 => 0u8..=3, 1 => 4u8..=16];
    (fill(), fill(), 0u32..=12, left, right).prop_map(
        |(weights, biases, bias_shift, left, right)| Numbers {
            weights,
            biases,
            bias_shift,
            left,
            right,
            skip: 0,
        },
    )
}

/// Sizes with these rows and columns, most of them square.
fn size(sides: &'static [u32]) -> impl Strategy<Value = Kernel> {
    let any = (select(sides), select(sides));
    prop_oneof![
        2 => select(sides).prop_map(Kernel::square),
        1 => any.prop_map(|(height, width)| Kernel { height, width }),
    ]
}

fn window() -> impl Strategy<Value = Kernel> {
    prop_oneof![
        select(vec![2, 4]).prop_map(Kernel::square),
        select(vec![(1, 2), (1, 4), (2, 1), (2, 4), (4, 1), (4, 2)])
            .prop_map(|(height, width)| Kernel { height, width }),
    ]
}

fn letter() -> impl Strategy<Value = Letter> {
    let activation = || select(vec![Activation::Relu, Activation::Linear]);
    let kernel = || size(&[1, 3, 5, 7]);
    let outputs = || 1u32..=9;
    prop_oneof![
        1 => Just(Letter::Dropout),
        2 => window().prop_map(Letter::MaxPool),
        2 => window().prop_map(Letter::AveragePool),
        6 => (outputs(), kernel(), activation(), numbers())
            .prop_map(|(n, k, a, numbers)| Letter::Convolution(n, k, a, numbers)),
        4 => (outputs(), kernel(), activation(), [numbers(), numbers()])
            .prop_map(|(n, k, a, numbers)| Letter::Separable(n, k, a, numbers)),
        1 => (outputs(), activation(), numbers())
            .prop_map(|(n, a, numbers)| Letter::Dense(n, a, numbers)),
    ]
}

/// Recipes of inputs with up to 16 rows and columns, and up to eight layers.
pub fn recipes() -> impl Strategy<Value = Recipe> {
    recipes_within(16)
}

/// Recipes of inputs with up to `side` rows and columns, and up to eight layers.
pub fn recipes_within(side: u32) -> impl Strategy<Value = Recipe> {
    let dense = (
        1u32..=12,
        select(vec![Activation::Relu, Activation::Linear]),
        numbers(),
    );
    let dense = dense.prop_map(|(n, a, numbers)| Letter::Dense(n, a, numbers));
    // A time series is a single row.
    let rows = prop_oneof![5 => 1..=side, 1 => Just(1)];
    (
        (rows, 1..=side, 1u32..=3),
        (
            select(vec![2u32, 4, 8]),
            select(vec![8u32, 16]),
            select(vec![4u32, 8]),
        ),
        vec(letter(), 0..=6),
        proptest::option::of(dense),
        proptest::bool::weighted(0.2),
        vec(fill(), 1..=2),
    )
        .prop_map(
            |((height, width, channels), bits, mut letters, dense, dropout, inputs)| {
                letters.extend(dense);
                letters.extend(dropout.then_some(Letter::Dropout));
                Recipe {
                    input: Shape::new(height, width, channels),
                    bits: Bits {
                        weights: bits.0,
                        biases: bits.1,
                        activations: bits.2,
                    },
                    letters,
                    inputs,
                }
            },
        )
}

/// Networks of a single layer that stores its outputs, of up to 24 rows and
/// columns and 32 channels.
pub fn single_layers() -> impl Strategy<Value = Network> {
    let activation = Activation::Relu;
    let convolution = (1u32..=32, size(&[1, 3, 5, 7]))
        .prop_map(move |(outputs, kernel)| convolution(outputs, kernel, activation));
    let pool = window().prop_map(maximum);
    let dense = (1u32..=32).prop_map(move |outputs| dense(outputs, activation));
    let kind = prop_oneof![8 => convolution, 1 => pool, 1 => dense];
    let bits = select(vec![4u32, 8]).prop_map(|activations| Bits {
        activations,
        ..Bits::default()
    });
    ((7u32..=24, 7u32..=24, 1u32..=16), kind, bits).prop_map(|(input, kind, bits)| {
        let (height, width, channels) = input;
        let network = Network::new(Shape::new(height, width, channels), bits, &[kind]);
        network.expect("every kernel fits 7×7")
    })
}

impl Recipe {
    /// The network alone.
    pub fn network(&self) -> Network {
        self.layers().0
    }

    /// The network, weights and inputs.
    pub fn case(&self) -> Case {
        let (network, numbers) = self.layers();
        Case::new(network, &numbers, &self.inputs)
    }

    /// The network, and the numbers of each of its layers.
    fn layers(&self) -> (Network, Vec<Vec<Numbers>>) {
        let mut map = self.input;
        let (mut kinds, mut numbers) = (Vec::new(), Vec::new());
        let fallback = Letter::Dense(1, Activation::Linear, Numbers::PLAIN);
        let computes = |letter: &&Letter| !matches!(letter, Letter::Dropout);
        let any = self.letters.iter().any(|letter| computes(&letter));
        for letter in self.letters.iter().chain((!any).then_some(&fallback)) {
            let fits = |size: &Kernel| size.height <= map.height && size.width <= map.width;
            // The largest kernel up to `size` that fits the map.
            let kernel = |size: &Kernel| Kernel {
                height: size.height.min((map.height - 1) / 2 * 2 + 1),
                width: size.width.min((map.width - 1) / 2 * 2 + 1),
            };
            let (kind, own) = match letter {
                Letter::Dropout => (dropout(), vec![]),
                Letter::MaxPool(window) | Letter::AveragePool(window) if !fits(window) => continue,
                &Letter::MaxPool(window) => (maximum(window), vec![]),
                &Letter::AveragePool(window) => (average(window), vec![]),
                Letter::Convolution(outputs, size, activation, own) => (
                    convolution(*outputs, kernel(size), *activation),
                    vec![own.clone()],
                ),
                Letter::Separable(outputs, size, activation, own) => {
                    (separable(*outputs, kernel(size), *activation), own.to_vec())
                }
                Letter::Dense(outputs, activation, own) => {
                    (dense(*outputs, *activation), vec![own.clone()])
                }
            };
            kinds.push(kind);
            numbers.push(own);
            let network = Network::new(self.input, self.bits, &kinds);
            map = network.map_or(map, |network| network.output());
        }
        // Pools alone may all be too large for a small input.
        if kinds.iter().all(Kind::is_training_only) {
            kinds.push(convolution(1, Kernel::square(1), Activation::Relu));
            numbers.push(vec![Numbers::PLAIN]);
        }
        let network = Network::new(self.input, self.bits, &kinds);
        (network.expect("every letter fits"), numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::networks::list;
    use crate::reference::evaluate;
    use herringbone_compiler::network::Node;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    use std::collections::BTreeMap;

    fn cases(count: usize) -> Vec<Case> {
        let mut runner = TestRunner::deterministic();
        let mut case = || recipes().new_tree(&mut runner).unwrap().current().case();
        (0..count).map(|_| case()).collect()
    }

    #[test]
    fn every_letter_and_star_occurs_at_every_size() {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for case in cases(2000) {
            let nodes = case.network.nodes();
            for (index, layer) in nodes.iter().enumerate() {
                let name = layer.to_string();
                let (letter, arguments) = name.split_once('(').unwrap_or((&name, ""));
                let size = match letter {
                    "A" | "M" => arguments,
                    _ => arguments.split_once(',').map_or("", |(_, size)| size),
                };
                *seen.entry(format!("{letter} {size}")).or_default() += 1;
                let after = nodes.get(index + 1).and_then(Node::activation);
                if layer.kind.is_dense() && after.is_some() {
                    *seen.entry("hidden dense".to_owned()).or_default() += 1;
                }
            }
        }
        let mut wanted: Vec<String> = ["A ", "M ", "Dr ", "D ", "D* ", "hidden dense"]
            .map(String::from)
            .into();
        for letter in ["C1", "C1*", "C2", "C2*"] {
            let kernels = ["1)", "3)", "5)", "7)", "1x5)", "3x1)", "3x5)"];
            wanted.extend(kernels.map(|kernel| format!("{letter} {kernel}")));
        }
        for letter in ["A", "M"] {
            let windows = ["4)", "1x2)", "1x4)", "2x1)", "2x4)", "4x1)", "4x2)"];
            wanted.extend(windows.map(|window| format!("{letter} {window}")));
        }
        for name in wanted {
            let count = seen.get(&name).copied().unwrap_or_default();
            assert!(count >= 10, "{name} occurs {count} times: {seen:?}");
        }
    }

    #[test]
    fn most_networks_compute_more_than_constants() {
        let cases = cases(300);
        let mut varied = 0;
        for case in &cases {
            let trace = evaluate(&case.network, &case.weights, &case.inputs[0]);
            let maps = trace.nodes.iter().filter(|map| map.values.len() > 1);
            let (all, constant) = maps.fold((0, 0), |(all, constant), map| {
                let first = map.values[0];
                let same = map.values.iter().all(|&value| value == first);
                (all + 1, constant + usize::from(same))
            });
            varied += usize::from(2 * constant < all);
        }
        assert!(2 * varied > cases.len(), "{varied} of {}", cases.len());
    }

    #[test]
    fn a_network_that_fails_shrinks_to_a_few_letters() {
        let mut runner = TestRunner::deterministic();
        let fails = |recipe: Recipe| {
            let wide = |node: &Node| node.output.channels >= 4;
            prop_assert!(!recipe.network().nodes().iter().any(wide));
            Ok(())
        };
        let Err(proptest::test_runner::TestError::Fail(_, least)) = runner.run(&recipes(), fails)
        else {
            panic!("some network has four channels");
        };
        let network = least.network();
        assert_eq!(network.layer_count(), 1, "{}", list(&network));
        assert_eq!(network.output().channels, 4, "{}", list(&network));
        assert_eq!(network.input(), Shape::new(1, 1, 1));
    }
}
