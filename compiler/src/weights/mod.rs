//! The integers of a weights file, checked against the network they belong to.

mod activity;
mod cells;
mod error;
mod expected;
mod invented;
mod metadata;
mod own;
mod pruned;
mod read;
mod value;

pub use activity::Activity;
pub use error::WeightsError;
pub use expected::{ExpectedTensor, Role, expected_tensors};
pub use invented::invented;
pub use metadata::{Metadata, Normalisation, Scale, activity_entry, canonical, written_bits};
pub use own::{CellParameters, Factors, OwnParameters, PrototypeParameters, TreeParameters};
pub use read::{load, read};
pub use value::{PathPart, WeightsPath, WeightsValue};

use crate::network::{ByNode, NodeId, SumShape};

/// How far a sum is shifted before the bias is added and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    /// Bits to the left, before the bias.
    pub left: u8,
    /// Bits to the right, rounded half to even, after the bias.
    pub right: u8,
    /// Bits by which a map that is added is shifted to the left; 0 where none is.
    pub skip: u8,
}

/// The parameters of one weighted sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// In the order of [`SumShape::order`](crate::network::SumShape::order); of a
    /// sum of ones, a 1 for each channel.
    pub weight: Vec<i8>,
    /// One an output: of 16 bits, but of sums that read or make wide values.
    pub bias: Vec<i32>,
    /// Shared by all outputs.
    pub shift: Shift,
}

impl Parameters {
    /// The weight of an output for a row, in the order of rows as packed.
    pub fn weight_of(&self, sum: &SumShape, row: u32, output: u32) -> i8 {
        if sum.tensor().is_some() {
            self.weight[sum.weight_index(row, output)]
        } else {
            1
        }
    }

    /// How many weights are not 0.
    pub fn nonzero(&self) -> u64 {
        self.weight.iter().filter(|&&weight| weight != 0).count() as u64
    }
}

/// The parameters of every node of a network, each value within its bits and
/// each tensor of the right length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    nodes: ByNode<Vec<Parameters>>,
    own: ByNode<OwnParameters>,
    activities: ByNode<Option<Activity>>,
}

impl Weights {
    /// Weights from one entry a node: the parameters of each of its sums.
    pub fn new(nodes: Vec<Vec<Parameters>>) -> Self {
        let own = vec![OwnParameters::None; nodes.len()];
        Self::with_own(nodes, own)
    }

    /// The same, and what nodes have beside the parameters of their sums.
    ///
    /// # Panics
    /// Where there are not as many of both.
    pub fn with_own(nodes: Vec<Vec<Parameters>>, own: Vec<OwnParameters>) -> Self {
        assert_eq!(nodes.len(), own.len(), "one entry a node");
        Self {
            activities: ByNode::new(vec![None; nodes.len()]),
            nodes: ByNode::new(nodes),
            own: ByNode::new(own),
        }
    }

    /// The same, with what was measured of each node.
    ///
    /// # Panics
    /// Where there are not as many entries as nodes.
    #[must_use]
    pub fn with_activities(self, activities: ByNode<Option<Activity>>) -> Self {
        assert_eq!(self.nodes.len(), activities.len(), "one entry a node");
        Self { activities, ..self }
    }

    /// Those of some of the nodes, as a network of their own.
    pub(crate) fn part(&self, nodes: std::ops::Range<usize>) -> Self {
        let activities = self.activities.entries()[nodes.clone()].to_vec();
        Self::with_own(
            self.nodes.entries()[nodes.clone()].to_vec(),
            self.own.entries()[nodes].to_vec(),
        )
        .with_activities(ByNode::new(activities))
    }

    /// The parameters of that node's sums, in the order of
    /// [`Node::sums`](crate::network::Node::sums).
    pub fn node(&self, id: NodeId) -> &[Parameters] {
        &self.nodes[id]
    }

    /// What that node has beside the parameters of its sums.
    pub fn own(&self, id: NodeId) -> &OwnParameters {
        &self.own[id]
    }

    /// What was measured of that node, if anything was.
    pub fn activity(&self, id: NodeId) -> Option<&Activity> {
        self.activities[id].as_ref()
    }

    /// How many weights of that node are not 0.
    pub fn nonzero(&self, id: NodeId) -> u64 {
        let sums: u64 = self.nodes[id].iter().map(Parameters::nonzero).sum();
        sums + self.own[id].nonzero()
    }
}
