//! Nodes: what computes one value of others.

use super::id::{LayerId, NodeId, ValueId};
use super::kind::{Activation, Kind, TensorShape};
use super::shape::Shape;
use super::sums::SumShape;
use super::value::Element;
use super::window::ReceptiveField;
use std::fmt;

/// Which node of its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The only one.
    Whole,
    /// The first convolution of `R`.
    First,
    /// The second one, which adds what the first one reads.
    Second,
    /// What `Bonsai` and `Proto` project the map onto.
    Projection,
    /// The tree of `Bonsai`.
    Tree,
    /// The prototypes of `Proto`.
    Prototypes,
}

impl Part {
    /// What its tensors' names have after the layer's position.
    pub const fn prefix(self) -> &'static str {
        match self {
            Part::Whole => "",
            Part::First => "first.",
            Part::Second => "second.",
            Part::Projection => "projection.",
            // No other part has tensors of those names.
            Part::Tree | Part::Prototypes => "",
        }
    }

    /// What its node's name has after the layer as it is written.
    pub const fn suffix(self) -> &'static str {
        match self {
            Part::Whole => "",
            Part::First => " first",
            Part::Second => " second",
            Part::Projection => " projection",
            Part::Tree => " tree",
            Part::Prototypes => " prototypes",
        }
    }

    /// Whether it is the first node of its layer.
    pub const fn is_first(self) -> bool {
        match self {
            Part::Whole | Part::First | Part::Projection => true,
            Part::Second | Part::Tree | Part::Prototypes => false,
        }
    }
}

/// One node, with the shapes on both of its sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its number, in the order of the list.
    pub id: NodeId,
    /// Its layer's position in the list.
    pub layer: LayerId,
    /// Which node of that layer.
    pub part: Part,
    /// What it computes.
    pub kind: Kind,
    /// What it reads: the running map, then labelled ones that are added or
    /// concatenated.
    pub reads: Vec<ValueId>,
    /// What it writes; what it reads, of a layer that only exists in training.
    pub writes: ValueId,
    /// The shape of the running map.
    pub input: Shape,
    /// The shape that it writes; `[1, 1, n]` for a dense layer.
    pub output: Shape,
    /// Whether the running map may be negative.
    pub signed_input: bool,
    /// Whether the values that it writes may be negative.
    pub signed_output: bool,
    /// What the running map is made of.
    pub input_element: Element,
}

impl Node {
    /// Its weighted sums, in the order of computing.
    pub fn sums(&self) -> impl Iterator<Item = SumShape> + use<> {
        self.kind.sums(self).into_iter()
    }

    /// What of the running map one output reads.
    pub fn field(&self) -> ReceptiveField {
        self.kind.field(self.input)
    }

    /// The map that is added to its sums.
    pub fn added(&self) -> Option<ValueId> {
        if self.kind.adds() {
            self.reads.get(1).copied()
        } else {
            None
        }
    }

    /// Multiply-accumulates of one inference.
    pub fn multiply_accumulates(&self) -> u64 {
        let sums: u64 = self.sums().map(|sum| sum.multiply_accumulates()).sum();
        sums.saturating_add(self.kind.own_multiply_accumulates(self))
    }

    /// Its tensors that are not those of weighted sums, in the order of the documentation.
    pub fn tensors(&self) -> Vec<TensorShape> {
        self.kind.tensors(self)
    }

    /// Weights of the node, without biases.
    pub fn weight_count(&self) -> u64 {
        let sums: u64 = self.sums().map(|sum| sum.weights()).sum();
        let own = self.tensors().into_iter();
        let own = own.filter(|tensor| tensor.role.is_weight());
        sums + own.map(|tensor| tensor.values()).sum::<u64>()
    }

    /// Biases of the node: one a sum, and those of a recurrent cell.
    pub fn bias_count(&self) -> u64 {
        let sums: u64 = self.sums().map(|sum| sum.biases()).sum();
        let own = self.tensors().into_iter();
        let own = own.filter(|tensor| tensor.role.is_bias());
        sums + own.map(|tensor| tensor.values()).sum::<u64>()
    }

    /// Whether it only exists in training.
    pub fn is_training_only(&self) -> bool {
        self.kind.is_training_only()
    }

    /// What follows its sum; `None` for nodes without one.
    pub fn activation(&self) -> Option<Activation> {
        self.kind.activation()
    }
}

impl fmt::Display for Node {
    /// The node as the declaration writes it, without labels: `C1(8,3)`, `D*(10)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}
