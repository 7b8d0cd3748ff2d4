//! Networks of recurrent cells, trees and prototypes, after a few other layers.

use super::case::Case;
use super::numbers::{Fill, Numbers, Right, fill};
use super::own::OwnNumbers;
use crate::layers::{convolution, dense, dropout, maximum};
use herringbone_compiler::network::{
    Activation, Bits, Bonsai, Entry, Feed, Gate, Item, Kernel, Kind, Network, Proto, Prototypes,
    Rank, Recurrent, Sequence, Shape, Tree, TreeGate,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// What a [`Case`] of recurrent cells, trees and prototypes is made from; what does not fit is
/// left out.
#[derive(Clone, Debug)]
pub struct StepsRecipe {
    input: Shape,
    bits: Bits,
    /// What comes before.
    first: Vec<First>,
    cells: Vec<Cell>,
    last: Last,
    numbers: Vec<Numbers>,
    own: Vec<OwnNumbers>,
    inputs: Vec<Fill>,
}

#[derive(Clone, Copy, Debug)]
enum First {
    Dropout,
    MaxPool,
    Convolution(u32, Activation),
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    hidden: u32,
    feed: Feed,
    rank: Option<Rank>,
    gate: Gate,
}

#[derive(Clone, Copy, Debug)]
enum Last {
    /// The states of the last cell.
    Nothing,
    Dense(u32, Activation, Option<u32>),
    Bonsai(Bonsai),
    Proto(Proto),
}

fn numbers() -> impl Strategy<Value = Numbers> {
    let right = (-2..=1).prop_map(Right::Alive);
    (fill(), fill(), 5u32..=12, 0u8..=2, right).prop_map(
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

fn own() -> impl Strategy<Value = OwnNumbers> {
    (fill(), fill(), 4u8..=14, -2..=2).prop_map(|(weights, biases, fraction, right)| OwnNumbers {
        weights,
        biases,
        fraction,
        right,
    })
}

fn cell() -> impl Strategy<Value = Cell> {
    let feed = select(vec![
        Feed::Rows,
        Feed::Rows,
        Feed::ChannelMajor,
        Feed::RowMajor,
        Feed::Multi,
    ]);
    let rank = (1u32..=5, 1u32..=5).prop_map(|(input, state)| Rank { input, state });
    let rank = proptest::option::weighted(0.3, rank);
    let gate = select(vec![Gate::Hard, Gate::Hard, Gate::Sigmoid, Gate::Tanh]);
    (1u32..=9, feed, rank, gate).prop_map(|(hidden, feed, rank, gate)| Cell {
        hidden,
        feed,
        rank,
        gate,
    })
}

fn last() -> impl Strategy<Value = Last> {
    let activation = select(vec![Activation::Relu, Activation::Linear]);
    let gate = select(vec![TreeGate::Tanh, TreeGate::Hard]);
    prop_oneof![
        1 => Just(Last::Nothing),
        3 => (1u32..=5, activation, proptest::option::of(1u32..=4))
            .prop_map(|(n, activation, then)| Last::Dense(n, activation, then)),
        3 => (1u32..=8, 0u32..=3, 1u32..=5, gate).prop_map(|(projected, depth, classes, gate)| {
            let tree = Tree { depth, classes, gate, sparsity: 0.0 };
            Last::Bonsai(Bonsai { projected, tree })
        }),
        3 => (1u32..=8, 1u32..=9, 1u32..=5).prop_map(|(projected, count, classes)| {
            let prototypes = Prototypes { count, classes, sparsity: 0.0 };
            Last::Proto(Proto { projected, prototypes })
        }),
    ]
}

/// Recipes of inputs with up to `side` rows and columns.
pub fn steps_within(side: u32) -> impl Strategy<Value = StepsRecipe> {
    let first = prop_oneof![
        1 => Just(First::Dropout),
        2 => Just(First::MaxPool),
        3 => (1u32..=4, select(vec![Activation::Relu, Activation::Linear]))
            .prop_map(|(n, activation)| First::Convolution(n, activation)),
    ];
    let bits = (
        select(vec![8u32, 4, 2]),
        select(vec![16u32, 8]),
        select(vec![8u32, 4]),
    );
    (
        (1..=side, 1..=side, 1u32..=3),
        bits,
        vec(first, 0..=2),
        vec(cell(), 0..=2),
        last(),
        (vec(numbers(), 6), vec(own(), 3)),
        vec(fill(), 1..=2),
    )
        .prop_map(
            |((height, width, channels), bits, first, cells, last, (numbers, own), inputs)| {
                StepsRecipe {
                    input: Shape::new(height, width, channels),
                    bits: Bits {
                        weights: bits.0,
                        biases: bits.1,
                        activations: bits.2,
                    },
                    first,
                    cells,
                    last,
                    numbers,
                    own,
                    inputs,
                }
            },
        )
}

/// Recipes of inputs with up to 9 rows and columns.
pub fn steps() -> impl Strategy<Value = StepsRecipe> {
    steps_within(9)
}

impl StepsRecipe {
    /// The network alone.
    pub fn network(&self) -> Network {
        let network = Network::of_list(self.input, self.bits, self.items());
        network.unwrap_or_else(|errors| panic!("{errors:?} of {self:?}"))
    }

    /// The network, weights and inputs.
    pub fn case(&self) -> Case {
        let network = self.network();
        let numbers = (0..network.nodes().len()).map(|node| vec![self.number(node); 2]);
        let own = (0..network.nodes().len()).map(|node| self.own[node % self.own.len()]);
        let numbers: Vec<_> = numbers.collect();
        Case::with_own(network, &numbers, &own.collect::<Vec<_>>(), &self.inputs)
    }

    fn number(&self, node: usize) -> Numbers {
        self.numbers[node % self.numbers.len()].clone()
    }

    fn items(&self) -> Vec<Item> {
        let mut items = Vec::new();
        let mut map = self.input;
        let mut add = |map: &mut Shape, kind: Kind| {
            *map = kind.output(&[*map]);
            items.push(Item::layer(kind));
        };
        for first in &self.first {
            match *first {
                First::Dropout => add(&mut map, dropout()),
                First::MaxPool if map.height > 1 && map.width > 1 => {
                    add(&mut map, maximum(Kernel::square(2)));
                }
                First::Convolution(n, activation) if map.height > 2 && map.width > 2 => {
                    add(&mut map, convolution(n, Kernel::square(3), activation));
                }
                First::MaxPool | First::Convolution(..) => {}
            }
        }
        // A tree and prototypes read no states.
        let cells: &[Cell] = match self.last {
            Last::Nothing | Last::Dense(..) => &self.cells,
            Last::Bonsai(_) | Last::Proto(_) => &[],
        };
        for (index, cell) in cells.iter().enumerate() {
            let is_last = index + 1 == cells.len();
            let sequence = match (is_last, cell.feed) {
                (true, Feed::RowMajor | Feed::ChannelMajor) if map.channels > 1 => Sequence::Last,
                (true, _) if cell.hidden % 3 > 0 => Sequence::Last,
                (_, Feed::RowMajor | Feed::ChannelMajor) if map.channels > 1 => continue,
                (_, _) => Sequence::All,
            };
            let kind = Kind::Recurrent(Recurrent {
                hidden: cell.hidden,
                feed: match index {
                    0 => cell.feed,
                    // The states of a step are its channels.
                    _ => Feed::Rows,
                },
                rank: cell.rank,
                gate: cell.gate,
                sequence,
                sparsity: 0.0,
            });
            add(&mut map, kind);
        }
        match self.last {
            Last::Nothing if !cells.is_empty() => {}
            Last::Nothing => add(&mut map, dense(2, Activation::Linear)),
            Last::Dense(n, activation, then) => {
                add(&mut map, dense(n, activation));
                if let Some(n) = then {
                    add(&mut map, dense(n, Activation::Linear));
                }
            }
            Last::Bonsai(bonsai) => items.push(Item {
                label: None,
                entry: Entry::Bonsai(bonsai),
            }),
            Last::Proto(proto) => items.push(Item {
                label: None,
                entry: Entry::Proto(proto),
            }),
        }
        items
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::networks::list;
    use crate::reference::evaluate;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    #[test]
    fn most_results_are_alive() {
        let mut runner = TestRunner::deterministic();
        let (mut alive, mut all) = (0, 0);
        for _ in 0..300 {
            let case = steps().new_tree(&mut runner).unwrap().current().case();
            let trace = evaluate(&case.network, &case.weights, &case.inputs[0]);
            alive += usize::from(trace.results().iter().any(|&result| result != 0));
            all += 1;
        }
        assert!(4 * alive > 3 * all, "{alive} of {all}");
    }

    #[test]
    fn a_declaration_of_the_list_is_the_network() {
        let mut runner = TestRunner::deterministic();
        for _ in 0..300 {
            let network = steps().new_tree(&mut runner).unwrap().current().network();
            let Bits {
                weights,
                biases,
                activations,
            } = network.bits();
            let text = format!(
                "N: {}, bits: {{ weights: {weights}, biases: {biases}, activations: {activations} }}",
                list(&network)
            );
            let parsed = herringbone_compiler::syntax::parse(text.parse().expect("tokens"));
            let declaration = parsed.declaration.expect(&text);
            assert_eq!(declaration.network, network, "{text}");
        }
    }
}
