//! `Proto(d,m,classes)`: classes by the distances to a few prototypes (Gupta et al., ICML 2017,
//! "ProtoNN: compressed and accurate kNN for resource-scarce devices").

use super::bonsai::write_sparsity;
use super::projection::Projection;
use super::tensors::{TensorDtype, TensorRole, TensorShape};
use super::{Activation, AfterSums, MadeChannels, Method, Reads, Rules};
use crate::network::node::Node;
use crate::network::sums::SumShape;
use std::fmt;

/// `Proto(d,m,classes)`: a projection and prototypes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proto {
    /// Values that the map is projected onto, 1 to 255.
    pub projected: u32,
    /// The prototypes that they are held against.
    pub prototypes: Prototypes,
}

/// The prototypes of a `Proto`: they read the projected values, and give a score a class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prototypes {
    /// Prototypes, 1 to [`Prototypes::MOST`].
    pub count: u32,
    /// Scores, 1 to 255.
    pub classes: u32,
    /// The share of its label weights, and of the projection's, that training makes zero,
    /// 0 ≤ s < 1.
    pub sparsity: f64,
}

impl Proto {
    /// Its first node's kind.
    pub const fn projection(&self) -> Projection {
        Projection {
            outputs: self.projected,
            sparsity: self.prototypes.sparsity,
        }
    }
}

impl Prototypes {
    /// Prototypes at most: each adds `127·65279·255 / 256 < 2^23` to a score, and a score has
    /// 32 bits.
    pub const MOST: u32 = 255;
}

impl Rules for Prototypes {
    fn method(&self) -> Method {
        Method::Prototypes
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
        vec![
            TensorShape::new(
                TensorRole::Prototype,
                TensorDtype::I16,
                (vec![self.count, node.input.values()], "[m, d]"),
            ),
            TensorShape::new(
                TensorRole::LabelWeight,
                TensorDtype::I8,
                (vec![self.count, self.classes], "[m, classes]"),
            ),
        ]
    }

    fn own_multiply_accumulates(&self, node: &Node) -> u64 {
        u64::from(self.count) * (u64::from(node.input.values()) + u64::from(self.classes))
    }

    fn sparsity(&self) -> f64 {
        self.sparsity
    }
}

impl fmt::Display for Prototypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "prototypes({},{})", self.count, self.classes)
    }
}

impl fmt::Display for Proto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            projected,
            prototypes,
        } = self;
        let Prototypes { count, classes, .. } = prototypes;
        write!(f, "Proto({projected},{count},{classes}")?;
        if !f.alternate() {
            write_sparsity(f, prototypes.sparsity)?;
        }
        f.write_str(")")
    }
}
