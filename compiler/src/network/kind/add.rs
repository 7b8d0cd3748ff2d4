//! `Add('name)`: the sum of the running and a labelled map.
//!
//! `t = (x << left) + (s << skip)` is the weighted sum of a 1×1 depthwise kernel
//! whose weights are 1, to which a map is added; so it is computed as one.

use super::{Activation, AfterSums, MadeChannels, Method, Reads, Rules};
use crate::network::node::Node;
use crate::network::shape::Kernel;
use crate::network::sums::{SumHalf, SumShape, WeightOrder};
use crate::network::value::Element;
use std::fmt;

/// `Add('name)`: the sum of two maps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Add {
    /// What follows the sum.
    pub activation: Activation,
}

impl Rules for Add {
    fn method(&self) -> Method {
        Method::Addition
    }

    fn reads(&self) -> Reads {
        Reads::Pixel
    }

    fn channels(&self) -> MadeChannels {
        MadeChannels::AsRead
    }

    fn after_sums(&self) -> Option<AfterSums> {
        Some(AfterSums {
            activation: self.activation,
            adds: true,
        })
    }

    fn sums(&self, node: &Node) -> Vec<SumShape> {
        vec![SumShape {
            half: SumHalf::Only,
            order: WeightOrder::Ones,
            kernel: Kernel::square(1),
            inputs: node.input.channels,
            outputs: node.input.channels,
            positions: node.output.pixels(),
            adds: true,
            reads: node.input_element,
            makes: Element::Activation,
        }]
    }
}

impl fmt::Display for Add {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Add{}", self.activation.star())
    }
}
