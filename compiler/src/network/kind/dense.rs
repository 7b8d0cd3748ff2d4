//! `D(n)`: every output from every input.

use super::{Activation, AfterSums, MadeChannels, Method, Reads, Rules};
use crate::network::node::Node;
use crate::network::shape::Kernel;
use crate::network::sums::{SumHalf, SumShape, WeightOrder};
use crate::network::value::Element;
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
    fn method(&self) -> Method {
        Method::Dense
    }

    fn reads(&self) -> Reads {
        Reads::WholeMap
    }

    fn channels(&self) -> MadeChannels {
        MadeChannels::Chosen(self.outputs)
    }

    fn after_sums(&self) -> Option<AfterSums> {
        Some(AfterSums {
            activation: self.activation,
            adds: self.adds,
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
            adds: self.adds,
            reads: node.input_element,
            makes: Element::Activation,
        }]
    }
}

impl fmt::Display for Dense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "D{}({})", self.activation.star(), self.outputs)
    }
}
