//! What reports and pictures say of a network's nodes, or of a model's.

use crate::network::{Network, NodeId, Part};
use crate::plan::Dataflow;
use crate::tflite::{Joins, Model};

/// A network or a model as it is drawn.
#[derive(Clone, Debug)]
pub(super) struct Drawn {
    pub(super) flow: Dataflow,
    nodes: Vec<DrawnNode>,
}

/// A node as it is drawn.
#[derive(Clone, Debug)]
pub(super) struct DrawnNode {
    /// What it is called where others are.
    pub(super) short_name: String,
    /// What its box has.
    pub(super) text: String,
    /// What it does with the maps that it reads besides the running one.
    pub(super) joins: Joins,
    /// Which of a layer's nodes it is.
    pub(super) part: Part,
}

impl Drawn {
    pub(super) fn network(network: &Network) -> Self {
        let nodes = network.nodes().iter().map(|node| {
            let short_name = network.short_name_of(node.id);
            // Without the labels that it reads: lines show them.
            let text = match (node.part, &network.value(node.writes).label) {
                (Part::Whole, Some(label)) => format!("'{label}: {}", node.kind),
                (Part::Whole, None) => node.kind.to_string(),
                (
                    Part::First | Part::Second | Part::Projection | Part::Tree | Part::Prototypes,
                    _,
                ) => short_name.clone(),
            };
            DrawnNode {
                short_name,
                text,
                joins: match node.kind.adds() {
                    true => Joins::Adds,
                    false => Joins::Concatenates,
                },
                part: node.part,
            }
        });
        Self {
            nodes: nodes.collect(),
            flow: network.dataflow(),
        }
    }

    pub(super) fn model(model: &Model) -> Self {
        let nodes = model.nodes.iter().map(|node| DrawnNode {
            short_name: node.name.clone(),
            text: node.name.clone(),
            joins: node.joins,
            part: Part::Whole,
        });
        Self {
            nodes: nodes.collect(),
            flow: model.dataflow.clone(),
        }
    }

    pub(super) fn node(&self, id: NodeId) -> &DrawnNode {
        &self.nodes[id.index()]
    }

    /// About how many values an inference reads and writes.
    pub(super) fn values_read_and_written(&self) -> u64 {
        let values = self.flow.computing_nodes().map(|node| {
            let read = node.field().kernel.taps() * node.input.channels;
            u64::from(node.output.pixels()) * u64::from(read + node.output.channels)
        });
        u64::from(self.flow.input().values()) + values.sum::<u64>()
    }
}
