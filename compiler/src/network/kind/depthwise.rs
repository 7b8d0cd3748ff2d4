//! `T(k)`: each output from its own channel under the kernel.

use super::{Activation, AfterSums, MadeChannels, Method, Reads, Rules, write_kernel};
use crate::network::node::Node;
use crate::network::sums::{SumHalf, SumShape, WeightOrder};
use crate::network::value::Element;
use crate::network::window::Window;
use std::fmt;

/// `T(k)`: a depthwise convolution of multiplier 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Depthwise {
    /// Where the kernel goes.
    pub window: Window,
    /// What follows the sum.
    pub activation: Activation,
    /// Whether a labelled map is added to the sum.
    pub adds: bool,
}

impl Rules for Depthwise {
    fn method(&self) -> Method {
        Method::Kernel
    }

    fn reads(&self) -> Reads {
        Reads::Windows(self.window)
    }

    fn channels(&self) -> MadeChannels {
        MadeChannels::AsRead
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
            order: WeightOrder::RowsColumnsInput,
            kernel: self.window.kernel,
            inputs: node.input.channels,
            outputs: node.input.channels,
            positions: node.output.pixels(),
            adds: self.adds,
            reads: node.input_element,
            makes: Element::Activation,
        }]
    }
}

impl fmt::Display for Depthwise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_kernel(f, "T", None, self.window, self.activation)
    }
}
