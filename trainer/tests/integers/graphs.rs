//! Random graphs of every kind of layer, and graphs as people draw them.

use super::exported_computes_the_same;
use herringbone_compiler::network::{
    Activation, Add, Bits, Concat, Convolution, Dense, Depthwise, Entry, Item, Kernel, Kind,
    Network, Noise, Padding, Pool, PoolFunction, PoolWindow, Separable, Shape, Stride, Window,
};
use herringbone_compiler::syntax;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// An item of a list, as far as it does not depend on the map that it reads.
#[derive(Clone, Debug)]
struct Step {
    letter: Letter,
    window: Window,
    outputs: u32,
    activation: Activation,
    /// Which of the maps that fit is joined, if one is to be.
    joined: Option<prop::sample::Index>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Letter {
    Convolution,
    Depthwise,
    Separable,
    Dense,
    Average,
    Maximum,
    AverageAll,
    MaximumAll,
    Add,
    Concat,
    Residual,
    Noise,
    From,
}

fn steps() -> impl Strategy<Value = Step> {
    use Letter::*;
    let often = vec![Convolution, Depthwise, Add, Concat, From];
    let seldom = vec![
        Separable, Dense, Average, Maximum, AverageAll, MaximumAll, Residual, Noise,
    ];
    let letter = prop_oneof![2 => select(often), 1 => select(seldom)];
    let side = || prop_oneof![3 => 1..=3u32, 1 => 4..=11u32];
    let stride = prop_oneof![2 => Just((1, 1)), 1 => (1..=4u32, 1..=4u32)];
    let padding = prop_oneof![
        1 => Just(Padding::NONE),
        2 => Just(Padding::Same),
        1 => (1..=3u32).prop_map(Padding::Each),
    ];
    let window =
        (side(), side(), stride, padding).prop_map(|(height, width, (rows, columns), padding)| {
            Window {
                kernel: Kernel { height, width },
                stride: Stride { rows, columns },
                padding,
            }
        });
    (
        letter,
        window,
        1..=6u32,
        select(vec![Activation::Relu, Activation::Linear]),
        any::<Option<prop::sample::Index>>(),
    )
        .prop_map(|(letter, window, outputs, activation, joined)| Step {
            letter,
            window,
            outputs,
            activation,
            joined,
        })
}

/// A list while it grows, as long as it makes a network.
struct Graph {
    input: Shape,
    bits: Bits,
    items: Vec<Item>,
}

impl Graph {
    fn network(&self, items: &[Item]) -> Option<Network> {
        Network::of_list(self.input, self.bits, items.to_vec()).ok()
    }

    /// Adds the items that a step makes, unless they fit nowhere.
    fn grow(&mut self, step: &Step) {
        let Step {
            letter,
            window,
            outputs,
            activation,
            ref joined,
        } = *step;
        let sized = PoolWindow::Sized {
            kernel: Kernel {
                height: window.kernel.height.min(8),
                width: window.kernel.width.min(8),
            },
            stride: window.stride,
        };
        let pool = |function, window| Kind::Pool(Pool { function, window });
        let adds = joined.is_some();
        let kind = match letter {
            Letter::Convolution => Kind::Convolution(Convolution {
                outputs,
                window,
                activation,
                adds,
            }),
            Letter::Depthwise => Kind::Depthwise(Depthwise {
                window,
                activation,
                adds,
            }),
            Letter::Separable => Kind::Separable(Separable {
                outputs,
                window,
                activation,
                adds,
            }),
            Letter::Dense => Kind::Dense(Dense {
                outputs,
                activation,
                adds,
            }),
            Letter::Average => pool(PoolFunction::Average, sized),
            Letter::Maximum => pool(PoolFunction::Maximum, sized),
            Letter::AverageAll => pool(PoolFunction::Average, PoolWindow::All),
            Letter::MaximumAll => pool(PoolFunction::Maximum, PoolWindow::All),
            Letter::Add => Kind::Add(Add { activation }),
            Letter::Concat => Kind::Concat(Concat),
            Letter::Noise => Kind::Noise(Noise { deviation: 0.1 }),
            Letter::Residual => {
                let kernel = window.kernel;
                self.try_items(vec![Item {
                    label: None,
                    entry: Entry::Residual { kernel },
                }]);
                return;
            }
            Letter::From => {
                self.branch(step);
                return;
            }
        };
        let joins = kind.adds() || kind.concatenates();
        if !joins {
            self.try_items(vec![Item::layer(kind)]);
            return;
        }
        // Of the maps that fit, the one that the step says.
        let wanted = joined.map_or(0, |joined| joined.index(1000));
        let fitting: Vec<Vec<Item>> = (0..=self.items.len())
            .filter_map(|from| self.joining(kind, from))
            .collect();
        if !fitting.is_empty() {
            self.items = fitting[wanted % fitting.len()].clone();
        }
    }

    /// With a layer that joins what that item makes; the number of items is the input.
    fn joining(&self, kind: Kind, from: usize) -> Option<Vec<Item>> {
        let mut items = self.items.clone();
        let label = match items.get_mut(from) {
            Some(item) if item.is_layer() => {
                let label = format!("at{from}");
                item.label.get_or_insert(label).clone()
            }
            Some(_) => return None,
            None => "input".to_owned(),
        };
        items.push(Item {
            label: None,
            entry: Entry::Layer {
                kind,
                labels: vec![label],
            },
        });
        self.network(&items).map(|_| items)
    }

    /// Goes on from an earlier map by a convolution of any size that makes a map of the
    /// running one's shape, and joins the two: `Cat` of more maps, or `Add`.
    fn branch(&mut self, step: &Step) {
        let last = self.items.len().wrapping_sub(1);
        let Some(item) = self.items.get(last).filter(|item| item.is_layer()) else {
            return;
        };
        let mut items = self.items.clone();
        let side = item.label.clone().unwrap_or(format!("at{last}"));
        items[last].label = Some(side.clone());
        let from = step.joined.map_or(0, |joined| joined.index(last + 1));
        let from = match items.get_mut(from) {
            Some(item) if item.is_layer() && from < last => {
                item.label.get_or_insert(format!("at{from}")).clone()
            }
            _ => "input".to_owned(),
        };
        let layer = |kind, labels: &[&str]| Item {
            label: None,
            entry: Entry::Layer {
                kind,
                labels: labels.iter().map(|&label| label.to_owned()).collect(),
            },
        };
        items.extend([
            Item {
                label: None,
                entry: Entry::From(from.clone()),
            },
            Item::layer(Kind::Convolution(Convolution {
                outputs: step.outputs,
                window: step.window,
                activation: step.activation,
                adds: false,
            })),
        ]);
        let add = Kind::Add(Add {
            activation: step.activation,
        });
        let joins = [
            layer(Kind::Concat(Concat), &[&side, &from]),
            layer(Kind::Concat(Concat), &[&side]),
            layer(add, &[&side]),
        ];
        for join in joins {
            let mut joined = items.clone();
            joined.push(join);
            if self.network(&joined).is_some() {
                self.items = joined;
                return;
            }
        }
    }

    fn try_items(&mut self, more: Vec<Item>) {
        let items: Vec<Item> = self.items.iter().cloned().chain(more).collect();
        if items.iter().all(is_noise) || self.network(&items).is_some() {
            self.items = items;
        }
    }
}

fn is_noise(item: &Item) -> bool {
    matches!(
        item.entry,
        Entry::Layer {
            kind: Kind::Noise(_),
            ..
        }
    )
}

fn graphs() -> impl Strategy<Value = Network> {
    let bits = (
        select(vec![2u32, 4, 8]),
        select(vec![8u32, 16]),
        select(vec![4u32, 8]),
    );
    let bits = bits.prop_map(|(weights, biases, activations)| Bits {
        weights,
        biases,
        activations,
    });
    ((1..=9u32, 1..=9u32, 1..=3u32), bits, vec(steps(), 1..=12)).prop_map(
        |((height, width, channels), bits, steps)| {
            let mut graph = Graph {
                input: Shape::new(height, width, channels),
                bits,
                items: Vec::new(),
            };
            for step in &steps {
                graph.grow(step);
            }
            if graph.items.iter().all(is_noise) {
                let convolution = Convolution {
                    outputs: 2,
                    window: Window::valid(Kernel::square(1)),
                    activation: Activation::Relu,
                    adds: false,
                };
                graph
                    .items
                    .push(Item::layer(Kind::Convolution(convolution)));
            }
            graph.network(&graph.items).expect("it was one all along")
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_exported_graph_computes_what_was_trained(network in graphs(), seed in any::<u64>()) {
        exported_computes_the_same(&network, seed)?;
    }
}

#[test]
fn graphs_as_people_draw_them_compute_what_was_trained() {
    for list in [
        // Residual blocks, with and without a change of the shape.
        "[12, 12, 1] => < C1(6,3, padding: same), R(3), R(3), M, D*(5) >",
        "[9, 9, 2] => < 'x: C1(4,3, padding: same), C1(6,3, stride: 2, padding: same), \
         'y: C1*(6,3, padding: same), 'x, C1*(6,1, stride: 2), Add('y), A(all), D*(5) >",
        // Depthwise, inverted bottlenecks.
        "[11, 8, 1] => < C1(4,4, stride: 2, padding: same), 'x: C1*(3,1), C1(9,1), \
         T(3, padding: same), C1*(3,1, add: 'x), T*(2x3), C2(5,3, padding: same), M(all) >",
        // Branches side by side, a pooling among them.
        "[8, 8, 2] => < 'x: C1(4,3, padding: 1), M(3, stride: 2), 'm: C1(3,1), 'x, \
         C1(5,2, stride: 2), M(2, stride: 1), 'y: C1(2,1), 'x, A(3, stride: 2), \
         Cat('m, 'y), D(6), N(0.1), D*(3) >",
        "[7, 7, 1] => < 'a: C1*(3,3, padding: same), 'b: T*(5, padding: same), 'input, \
         C1*(2,3, padding: same), 'c: Cat('a, 'b), C1*(8,1), Add*('c) >",
        "[6, 6, 3] => < A(3, stride: 1), 'h: D(6), D(6), D*(6, add: 'h), Add*('h) >",
        "[40, 1, 1] => < C1(4,11x1, stride: 4x1, padding: same), 'x: T(4x1), Cat('x), D*(2) >",
    ] {
        let parsed = syntax::parse(format!("Drawn: {list}").parse().unwrap());
        let declaration = parsed.declaration.unwrap_or_else(|| panic!("{list}"));
        for seed in 0..4 {
            exported_computes_the_same(&declaration.network, seed).unwrap();
        }
    }
}
