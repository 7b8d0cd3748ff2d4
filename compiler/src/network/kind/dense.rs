//! `D(n)`: every output from every input.

use super::{Activation, Rules};
use crate::network::node::Node;
use crate::network::shape::{Kernel, Shape};
use crate::network::sums::{SumHalf, SumShape, WeightOrder};
use crate::network::window::{ReceptiveField, Window};
use std::fmt;

/// `D(n)`: a dense layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dense {
    /// Outputs.
    pub outputs: u32,
    /// What follows the sum.
    pub activation: Activation,
    /// Whether a labelled map is added to the sum.
    pub adds: bool,
}

impl Rules for Dense {
    fn field(&self, input: Shape) -> ReceptiveField {
        ReceptiveField::whole(input)
    }

    fn window(&self) -> Option<Window> {
        None
    }

    fn channels(&self, _: &[Shape]) -> u32 {
        self.outputs
    }

    fn activation(&self) -> Option<Activation> {
        Some(self.activation)
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
            adds: self.adds,
        }]
    }

    fn adds(&self) -> bool {
        self.adds
    }

    fn outputs(&self) -> Option<u32> {
        Some(self.outputs)
    }
}

impl fmt::Display for Dense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "D{}({})", self.activation.star(), self.outputs)
    }
}
