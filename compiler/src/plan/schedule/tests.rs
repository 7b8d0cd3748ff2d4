//! Segments of small graphs, against every cut of both orders that are tried.

use super::*;
use crate::network::Network;
use crate::network::chains::dense;
use crate::network::{
    Activation, Bits, Concat, Convolution, Entry, Item, Kernel, Kind, Padding, Shape, Window,
};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};
use std::ops::Range;

/// Cells of the worst job, where that many nodes are computed together in turn.
fn worst(cut: &Cut<'_>, lengths: impl IntoIterator<Item = usize>) -> Option<u32> {
    let mut start = 0;
    let cells = lengths.into_iter().map(|length| {
        let range: Range<usize> = start..start + length;
        start += length;
        cut.work(range).map(|(cells, _)| cells)
    });
    cells.collect::<Option<Vec<u32>>>()?.into_iter().max()
}

/// The same of the best of all cuts, one by one.
fn least_of_all_cuts(cut: &Cut<'_>) -> u32 {
    let count = cut.order.len();
    let cuts = 0..1usize << (count - 1);
    let least = cuts.filter_map(|ends| {
        let mut lengths = vec![1];
        for place in 0..count - 1 {
            match ends >> place & 1 {
                0 => *lengths.last_mut().expect("there is one") += 1,
                _ => lengths.push(1),
            }
        }
        worst(cut, lengths)
    });
    least.min().expect("every node can be computed alone")
}

/// A layer of a branch: its outputs and the side of its kernel.
type BranchLayer = (u32, u32);

/// Branches over the output of a first layer, side by side in the end.
fn branched(input: Shape, stem: BranchLayer, branches: &[Vec<BranchLayer>]) -> Network {
    let convolution = |label: Option<String>, (outputs, side): BranchLayer| Item {
        label,
        entry: Entry::Layer {
            kind: Kind::Convolution(Convolution {
                outputs,
                window: Window {
                    padding: Padding::Same,
                    ..Window::valid(Kernel::square(side))
                },
                activation: Activation::Relu,
                adds: false,
            }),
            labels: Vec::new(),
        },
    };
    let from = |label: &str| Item {
        label: None,
        entry: Entry::From(label.to_owned()),
    };
    let mut items = vec![convolution(Some("stem".to_owned()), stem)];
    let last_branch = branches.len() - 1;
    for (index, layers) in branches.iter().enumerate() {
        if index > 0 {
            items.push(from("stem"));
        }
        let (last, first) = layers.split_last().expect("a branch has layers");
        items.extend(first.iter().map(|&layer| convolution(None, layer)));
        let label = (index < last_branch).then(|| format!("b{index}"));
        items.push(convolution(label, *last));
    }
    items.push(Item {
        label: None,
        entry: Entry::Layer {
            kind: Kind::Concat(Concat),
            labels: (0..last_branch).map(|index| format!("b{index}")).collect(),
        },
    });
    items.push(Item::layer(dense(2)));
    Network::of_list(input, Bits::default(), items).expect("the list is a network")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn segments_are_the_best_of_all_cuts_of_both_orders(
        (height, width, channels) in (2u32..9, 2u32..9, 1u32..4),
        stem in (1u32..6, 1u32..4),
        branches in vec(vec((1u32..9, 1u32..4), 1..3), 2..4),
    ) {
        let network = branched(Shape::new(height, width, channels), stem, &branches);
        let nodes: Vec<NodeId> = network.computing_nodes().map(|node| node.id).collect();
        let sum_bytes = SumBytes::all(&network.dataflow(), 2);
        let flow = network.dataflow();
        let cut = |order| Cut { flow: &flow, sum_bytes: &sum_bytes, order };
        let order = best_order(&network.dataflow(), &nodes);
        let [of_order, of_list] = [&order, &nodes].map(|order| {
            let (best, least) = (cut(order).best().cost.0, least_of_all_cuts(&cut(order)));
            prop_assert_eq!(best, least);
            Ok(best)
        });
        let works = best_segments(&network.dataflow(), &sum_bytes, &order, &nodes);
        let lengths = works.iter().map(|work| match work {
            Work::Segment(draft) => draft.stages.len(),
            Work::Layer(_) => 1,
        });
        let least = of_order?.min(of_list?);
        let taken = [&order, &nodes].map(|order| worst(&cut(order), lengths.clone()));
        prop_assert!(taken.contains(&Some(least)), "{taken:?} {least}");
    }
}
