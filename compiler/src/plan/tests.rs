//! Plans of graphs, judged by the interpreter: no cell is overwritten that is read
//! later, and every read finds what it means.

use super::*;
use crate::backend::interpreter;
use crate::declaration::{Budget, CodeChoice, Declaration, PlanChoice, Reserve, WeightsSource};
use crate::network::Network;
use crate::network::chains::{convolution, dense};
use crate::network::{
    Activation, Add, Bits, Concat, Convolution, Depthwise, Entry, Item, Kernel, Kind, Padding,
    Pool, PoolFunction, PoolWindow, Stride, Window,
};
use crate::plan::Strategy;
use crate::program;
use proptest::prelude::{Just, ProptestConfig, any, prop, prop_oneof, proptest};
use proptest::strategy::Strategy as Values;
use std::collections::BTreeMap;

fn declaration(network: &Network) -> Declaration {
    Declaration {
        network: network.clone(),
        budget: Budget::default(),
        reserve: Reserve::default(),
        weights: WeightsSource::Runtime,
        results: None,
        plan: PlanChoice::default(),
        sparsity: 0.0,
        window: None,
        code: CodeChoice::default(),
        layer_code: BTreeMap::new(),
    }
}

/// Every plan of a network, after a run over cells that know what they hold.
fn judged(network: &Network) -> Vec<MemoryPlan> {
    let sum_bytes = program::Accumulators::at_run_time(network).sum_bytes();
    let declaration = declaration(network);
    let plans = Strategy::all(&network.dataflow())
        .into_iter()
        .map(|strategy| {
            let plan = plan(&network.dataflow(), &sum_bytes, strategy);
            interpreter::timeline(&program::lower_runtime(&declaration, &plan));
            plan
        });
    plans.collect()
}

fn labelled(label: &str, kind: Kind) -> Item {
    Item {
        label: Some(label.to_owned()),
        ..Item::layer(kind)
    }
}

fn residual() -> Item {
    Item {
        label: None,
        entry: Entry::Residual {
            kernel: Kernel::square(3),
        },
    }
}

/// As the residual block of Gural & Murmann 2019 can be computed in place: an output
/// pixel over the input pixel of its place, as soon as the map between them is a row
/// and a pixel ahead.
#[test]
fn a_residual_block_in_place_needs_its_map_and_a_ring_of_two_rows_and_three_pixels() {
    let items = vec![
        Item::layer(convolution(8, 3)),
        residual(),
        Item::layer(dense(10)),
    ];
    let network = Network::of_list(Shape::new(12, 14, 1), Bits::default(), items).unwrap();
    let plan = judged(&network)
        .into_iter()
        .find(|plan| {
            plan.strategy
                == Strategy {
                    streamed_layers: 1,
                    rest: InPlace::Segments,
                }
        })
        .unwrap();
    let (width, channels) = (12, 8);
    let [_, block] = plan.segments().collect::<Vec<_>>()[..] else {
        panic!("{plan:?}");
    };
    let ring = block.stages[1].ring().unwrap();
    assert_eq!(ring.pixels, 2 * width + 3);
    assert_eq!(block.need.cells, (10 * width + 2 * width + 3) * channels);
}

#[derive(Clone, Debug)]
enum GraphStep {
    Layer(Kind),
    Residual,
    Branch(usize),
    AddTo(usize),
    ConcatWith(usize),
}

fn window() -> impl Values<Value = Window> {
    let padding = prop_oneof![
        Just(Padding::NONE),
        Just(Padding::Same),
        (0u32..3).prop_map(Padding::Each)
    ];
    let axis = || (1u32..5, 1u32..4);
    (axis(), axis(), padding).prop_map(|((height, rows), (width, columns), padding)| Window {
        kernel: Kernel { height, width },
        stride: Stride { rows, columns },
        padding,
    })
}

fn step() -> impl Values<Value = GraphStep> {
    let pool = (window(), any::<bool>(), 0..4u32).prop_map(|(window, average, all)| {
        GraphStep::Layer(Kind::Pool(Pool {
            function: if average {
                PoolFunction::Average
            } else {
                PoolFunction::Maximum
            },
            window: match all {
                0 => PoolWindow::All,
                1 => PoolWindow::tiles(window.kernel),
                _ => PoolWindow::Sized {
                    kernel: window.kernel,
                    stride: window.stride,
                },
            },
        }))
    });
    prop_oneof![
        (1u32..6, window()).prop_map(|(outputs, window)| {
            GraphStep::Layer(Kind::Convolution(Convolution {
                outputs,
                window,
                activation: Activation::Relu,
                adds: false,
            }))
        }),
        window().prop_map(|window| GraphStep::Layer(Kind::Depthwise(Depthwise {
            window,
            activation: Activation::Relu,
            adds: false,
        }))),
        pool,
        Just(GraphStep::Residual),
        (0usize..8).prop_map(GraphStep::Branch),
        (0usize..8).prop_map(GraphStep::AddTo),
        (0usize..8).prop_map(GraphStep::ConcatWith),
    ]
}

/// A list that is a network: what does not fit is left out.
fn network(input: Shape, bits: Bits, steps: &[GraphStep]) -> Option<Network> {
    let mut items: Vec<Item> = Vec::new();
    let mut labels: Vec<String> = Vec::new();
    let is_network = |items: &[Item]| {
        // A list that ends with labels that nobody reads is none: a dense layer of
        // every label's shape would be needed; what is unused is dropped instead.
        let mut items = items.to_vec();
        drop_unused(&mut items);
        items.push(Item::layer(dense(3)));
        Network::of_list(input, bits, items).ok()
    };
    let mut best = None;
    for (index, step) in steps.iter().enumerate() {
        let mut with = items.clone();
        let label = format!("l{index}");
        let pick = |at: &usize| labels.get(at % labels.len().max(1)).cloned();
        match step {
            GraphStep::Layer(kind) => with.push(labelled(&label, *kind)),
            GraphStep::Residual => with.push(Item {
                label: Some(label.clone()),
                ..residual()
            }),
            GraphStep::Branch(at) => {
                let Some(from) = pick(at) else { continue };
                with.push(Item {
                    label: None,
                    entry: Entry::From(from),
                });
                items = with;
                continue;
            }
            GraphStep::AddTo(at) | GraphStep::ConcatWith(at) => {
                let Some(other) = pick(at) else { continue };
                let kind = match step {
                    GraphStep::AddTo(_) => Kind::Add(Add {
                        activation: Activation::Relu,
                    }),
                    _ => Kind::Concat(Concat),
                };
                with.push(Item {
                    label: Some(label.clone()),
                    entry: Entry::Layer {
                        kind,
                        labels: vec![other],
                    },
                });
            }
        }
        if let Some(network) = is_network(&with) {
            items = with;
            labels.push(label);
            best = Some(network);
        }
    }
    best
}

fn drop_unused(items: &mut [Item]) {
    let used: Vec<String> = items
        .iter()
        .flat_map(|item| match &item.entry {
            Entry::From(label) => vec![label.clone()],
            Entry::Layer { labels, .. } => labels.clone(),
            Entry::Residual { .. } | Entry::Bonsai(_) | Entry::Proto(_) => Vec::new(),
        })
        .collect();
    for item in items {
        item.label = item.label.take().filter(|label| used.contains(label));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_plan_of_a_graph_overwrites_what_is_read_later(
        (height, width, channels) in (1u32..10, 1u32..10, 1u32..4),
        wide in any::<bool>(),
        steps in prop::collection::vec(step(), 1..9),
    ) {
        let bits = Bits { activations: if wide { 8 } else { 4 }, ..Bits::default() };
        if let Some(network) = network(Shape::new(height, width, channels), bits, &steps) {
            judged(&network);
        }
    }
}
