//! How often values are 0, counted tap by tap.

use herringbone_compiler::network::{ByNode, Element, Network, Node};
use herringbone_compiler::weights::Activity;

use crate::reference::Trace;

/// What every node that computes reads and makes in those evaluations.
pub fn activities(network: &Network, traces: &[Trace]) -> ByNode<Option<Activity>> {
    let nodes = network.nodes().iter();
    let all = nodes.map(|node| (!node.is_training_only()).then(|| activity(network, node, traces)));
    ByNode::new(all.collect())
}

fn thousandths(count: u64, all: u64) -> u16 {
    (count * 1000 + all / 2).checked_div(all).unwrap_or(0) as u16
}

/// What a node reads and makes in those evaluations, tap by tap.
fn activity(network: &Network, node: &Node, traces: &[Trace]) -> Activity {
    let channels = node.input.channels as usize;
    let mut read = vec![0; channels];
    let [mut zeros, mut zero_pairs, mut zero_columns] = [(); 3].map(|()| vec![0; channels]);
    let (mut made, mut between) = (0, 0);
    let field = node.field();
    let bits = network.bits().activations;
    let (least, greatest) = match node.signed_output {
        true => (-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
        false => (0, (1 << bits) - 1),
    };
    let is_wide = network.value(node.writes).element == Element::Wide;
    let is_clamped = !is_wide && !network.is_exact(node.id);
    for trace in traces {
        let map = trace.value(node.reads[0]);
        let is_zero = |index: usize| map.values.get(index) == Some(&0);
        let outputs = (0..field.outputs.height)
            .flat_map(|row| (0..field.outputs.width).map(move |column| (row, column)));
        for (row, column) in outputs.flat_map(|output| field.pixels(output)) {
            let pixel = (row * node.input.width + column) as usize;
            for channel in 0..channels {
                let index = pixel * channels + channel;
                read[channel] += 1;
                if is_zero(index) {
                    zeros[channel] += 1;
                    zero_pairs[channel] += u64::from(is_zero(index + 1));
                    zero_columns[channel] += u64::from(is_zero(index + channels));
                }
            }
        }
        if !is_clamped {
            continue;
        }
        let values = &trace.node(node.id).values;
        made += values.len() as u64;
        let inner = values.iter().filter(|&&it| least < it && it < greatest);
        between += inner.count() as u64;
    }
    let shares = |counts: &[u64]| {
        let counts = counts.iter().zip(&read);
        counts
            .map(|(&count, &all)| thousandths(count, all))
            .collect()
    };
    Activity {
        zeros: shares(&zeros),
        zero_pairs: shares(&zero_pairs),
        zero_columns: shares(&zero_columns),
        between: match is_clamped {
            true => thousandths(between, made),
            false => 1000,
        },
    }
}
