//! `C1(n,k)`: every output from every channel under the kernel.

use super::{Activation, AfterSums, MadeChannels, Method, Reads, Rules, write_kernel};
use crate::network::node::Node;
use crate::network::sums::{SumHalf, SumShape, WeightOrder};
use crate::network::value::Element;
use crate::network::window::Window;
use std::fmt;

/// `C1(n,k)`: a convolution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Convolution {
    /// Output channels.
    pub outputs: u32,
    /// Where the kernel goes.
    pub window: Window,
    /// What follows the sum.
    pub activation: Activation,
    /// Whether a labelled map is added to the sum.
    pub adds: bool,
}

impl Rules for Convolution {
    fn method(&self) -> Method {
        Method::Kernel
    }

    fn reads(&self) -> Reads {
        Reads::Windows(self.window)
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
            order: WeightOrder::OutputRowsColumnsInput,
            kernel: self.window.kernel,
            inputs: node.input.channels,
            outputs: self.outputs,
            positions: node.output.pixels(),
            adds: self.adds,
            reads: node.input_element,
            makes: Element::Activation,
        }]
    }
}

impl fmt::Display for Convolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_kernel(f, "C1", Some(self.outputs), self.window, self.activation)
    }
}
