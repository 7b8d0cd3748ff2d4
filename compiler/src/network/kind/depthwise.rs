//! `T(k)`: each output from its own channel under the kernel.

use super::{Activation, Rules, named_arguments};
use crate::network::node::Node;
use crate::network::shape::Shape;
use crate::network::sums::{SumHalf, SumShape, WeightOrder};
use crate::network::window::{ReceptiveField, Window};
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
    fn field(&self, input: Shape) -> ReceptiveField {
        self.window.over(input)
    }

    fn window(&self) -> Option<Window> {
        Some(self.window)
    }

    fn channels(&self, reads: &[Shape]) -> u32 {
        reads[0].channels
    }

    fn activation(&self) -> Option<Activation> {
        Some(self.activation)
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
        }]
    }

    fn adds(&self) -> bool {
        self.adds
    }

    fn outputs(&self) -> Option<u32> {
        None
    }

    fn reads_pixels(&self) -> bool {
        true
    }
}

impl fmt::Display for Depthwise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            window,
            activation,
            adds: _,
        } = *self;
        let (star, kernel) = (activation.star(), window.kernel.written());
        let named = named_arguments(window, f);
        write!(f, "T{star}({kernel}{named})")
    }
}
