//! `C2(n,k)`: a depthwise kernel without activation, then 1×1 to n.

use super::{Activation, Rules, named_arguments};
use crate::network::node::Node;
use crate::network::shape::{Kernel, Shape};
use crate::network::sums::{SumHalf, SumShape, WeightOrder};
use crate::network::window::{ReceptiveField, Window};
use std::fmt;

/// `C2(n,k)`: depthwise without activation, then pointwise to n.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Separable {
    /// Output channels of the pointwise half.
    pub outputs: u32,
    /// Where the kernel of the depthwise half goes.
    pub window: Window,
    /// What follows the sum of the pointwise half.
    pub activation: Activation,
    /// Whether a labelled map is added to the sum of the pointwise half.
    pub adds: bool,
}

impl Rules for Separable {
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
        let (inputs, positions) = (node.input.channels, node.output.pixels());
        vec![
            SumShape {
                half: SumHalf::Depthwise,
                order: WeightOrder::RowsColumnsInput,
                kernel: self.window.kernel,
                inputs,
                outputs: inputs,
                positions,
                adds: false,
            },
            SumShape {
                half: SumHalf::Pointwise,
                order: WeightOrder::OutputInput,
                kernel: Kernel::square(1),
                inputs,
                outputs: self.outputs,
                positions,
                adds: self.adds,
            },
        ]
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

impl fmt::Display for Separable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            outputs,
            window,
            activation,
            adds: _,
        } = *self;
        let (star, kernel) = (activation.star(), window.kernel.written());
        let named = named_arguments(window, f);
        write!(f, "C2{star}({outputs},{kernel}{named})")
    }
}
