//! `Bonsai(depth,p,classes)`: a tree whose every node on the path adds to the scores (Kumar et
//! al., ICML 2017, "Resource-efficient machine learning in 2 KB RAM for the internet of
//! things").

use super::projection::Projection;
use super::tensors::{ShiftNames, TensorDtype, TensorRole, TensorShape};
use super::{Activation, AfterSums, MadeChannels, Method, Reads, Rules};
use crate::network::node::Node;
use crate::network::sums::SumShape;
use std::fmt;

/// `Bonsai(depth,p,classes)`: a projection and a tree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bonsai {
    /// Values that the map is projected onto, 1 to 255.
    pub projected: u32,
    /// The tree that reads them.
    pub tree: Tree,
}

/// The tree of a `Bonsai`: it reads the projected values, and gives a score a class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tree {
    /// Branches from the root to a leaf, 0 to [`Tree::MOST_DEPTH`].
    pub depth: u32,
    /// Scores, 1 to 255.
    pub classes: u32,
    /// What a node's score is weighted by.
    pub gate: TreeGate,
    /// The share of its weights that training makes zero, 0 ≤ s < 1.
    pub sparsity: f64,
}

/// What a node's score `Σ w·z` is weighted by: a function of `Σ v·z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeGate {
    /// The hyperbolic tangent, by a table of 129 bytes.
    Tanh,
    /// A line clamped to ±1.
    Hard,
}

impl Bonsai {
    /// Its nodes' kinds.
    pub const fn projection(&self) -> Projection {
        Projection {
            outputs: self.projected,
            sparsity: self.tree.sparsity,
        }
    }
}

impl Tree {
    /// The most branches on a path: published trees have 8 at most (Müksch et al., 2020,
    /// arXiv:2005.04968).
    pub const MOST_DEPTH: u32 = 8;

    /// Nodes with a branch: `2^depth − 1`, in heap order from 0.
    pub const fn inner_nodes(&self) -> u32 {
        (1 << self.depth) - 1
    }

    /// All nodes: `2^(depth + 1) − 1`, the children of node i being 2i + 1 and 2i + 2.
    pub const fn nodes(&self) -> u32 {
        (2 << self.depth) - 1
    }
}

impl Rules for Tree {
    fn method(&self) -> Method {
        Method::Tree
    }

    fn reads(&self) -> Reads {
        Reads::WholeMap
    }

    fn channels(&self) -> MadeChannels {
        MadeChannels::Chosen(self.classes)
    }

    fn after_sums(&self) -> Option<AfterSums> {
        Some(AfterSums {
            activation: Activation::Linear,
            adds: false,
        })
    }

    fn sums(&self, _: &Node) -> Vec<SumShape> {
        Vec::new()
    }

    fn tensors(&self, node: &Node) -> Vec<TensorShape> {
        let projected = node.input.values();
        let scores = vec![self.nodes(), self.classes, projected];
        let mut tensors = vec![
            TensorShape::new(
                TensorRole::ScoreWeight,
                TensorDtype::I8,
                (scores.clone(), "[nodes, classes, p]"),
            ),
            TensorShape::new(
                TensorRole::GateWeight,
                TensorDtype::I8,
                (scores, "[nodes, classes, p]"),
            ),
        ];
        if self.depth > 0 {
            tensors.push(TensorShape::new(
                TensorRole::BranchWeight,
                TensorDtype::I8,
                (vec![self.inner_nodes(), projected], "[inner nodes, p]"),
            ));
        }
        tensors.push(TensorShape::shift(ShiftNames::Tree, "[gate]"));
        tensors
    }

    /// Of the nodes on a path: two sums a class, and one for the branch of each but the last.
    fn own_multiply_accumulates(&self, node: &Node) -> u64 {
        let (depth, classes) = (u64::from(self.depth), u64::from(self.classes));
        u64::from(node.input.values()) * ((depth + 1) * 2 * classes + depth)
    }

    fn sparsity(&self) -> f64 {
        self.sparsity
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tree({},{})", self.depth, self.classes)
    }
}

impl fmt::Display for Bonsai {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { projected, tree } = self;
        write!(f, "Bonsai({},{projected},{}", tree.depth, tree.classes)?;
        if !f.alternate() {
            match tree.gate {
                TreeGate::Tanh => {}
                TreeGate::Hard => f.write_str(", gate: hard")?,
            }
            write_sparsity(f, tree.sparsity)?;
        }
        f.write_str(")")
    }
}

/// `, sparsity: 0.3`, where it is not 0.
pub(super) fn write_sparsity(f: &mut fmt::Formatter<'_>, sparsity: f64) -> fmt::Result {
    if sparsity > 0.0 {
        write!(f, ", sparsity: {sparsity}")?;
    }
    Ok(())
}
