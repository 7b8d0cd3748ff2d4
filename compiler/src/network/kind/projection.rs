//! The first node of `Bonsai` and `Proto`: the whole map, projected onto a few wide
//! values.

use super::{Activation, AfterSums, MadeChannels, Method, Reads, Rules};
use crate::network::node::Node;
use crate::network::shape::Kernel;
use crate::network::sums::{SumHalf, SumShape, WeightOrder};
use crate::network::value::Element;
use std::fmt;

/// The weighted sums of the whole map that a tree or prototypes read:
/// `clamp16(rsh(Σ w·x + bias, right))`, where `rsh(v, n) = (v + 2^(n−1)) >> n`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Projection {
    /// Sums, 1 to 255.
    pub outputs: u32,
    /// The share of its weights that training makes zero, 0 ≤ s < 1.
    pub sparsity: f64,
}

impl Rules for Projection {
    fn method(&self) -> Method {
        Method::Projection
    }

    fn reads(&self) -> Reads {
        Reads::WholeMap
    }

    fn channels(&self) -> MadeChannels {
        MadeChannels::Chosen(self.outputs)
    }

    fn after_sums(&self) -> Option<AfterSums> {
        Some(AfterSums {
            activation: Activation::Linear,
            adds: false,
        })
    }

    fn sums(&self, node: &Node) -> Vec<SumShape> {
        vec![SumShape {
            half: SumHalf::Only,
            order: WeightOrder::OutputInput,
            kernel: Kernel {
                height: node.input.height,
                width: node.input.width,
            },
            inputs: node.input.channels,
            outputs: self.outputs,
            positions: 1,
            adds: false,
            reads: node.input_element,
            makes: Element::Wide,
        }]
    }

    fn sparsity(&self) -> f64 {
        self.sparsity
    }
}

impl fmt::Display for Projection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "projection({})", self.outputs)
    }
}
