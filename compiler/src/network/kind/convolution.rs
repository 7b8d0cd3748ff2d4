//! `C1(n,k)`: every output from every channel under the kernel.

use super::{Activation, Rules, named_arguments};
use crate::network::node::Node;
use crate::network::shape::Shape;
use crate::network::sums::{SumHalf, SumShape, WeightOrder};
use crate::network::window::{ReceptiveField, Window};
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
    fn field(&self, input: Shape) -> ReceptiveField {
        self.window.over(input)
    }

    fn window(&self) -> Option<Window> {
        Some(self.window)
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
            order: WeightOrder::OutputRowsColumnsInput,
            kernel: self.window.kernel,
            inputs: node.input.channels,
            outputs: self.outputs,
            positions: node.output.pixels(),
            adds: self.adds,
        }]
    }

    fn adds(&self) -> bool {
        self.adds
    }

    fn outputs(&self) -> Option<u32> {
        Some(self.outputs)
    }

    fn reads_pixels(&self) -> bool {
        true
    }
}

impl fmt::Display for Convolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            outputs,
            window,
            activation,
            adds: _,
        } = *self;
        let (star, kernel) = (activation.star(), window.kernel.written());
        let named = named_arguments(window, f);
        write!(f, "C1{star}({outputs},{kernel}{named})")
    }
}
