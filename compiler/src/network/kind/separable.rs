//! `C2(n,k)`: a depthwise kernel without activation, then 1×1 to n.

use super::{Activation, AfterSums, MadeChannels, Method, Reads, Rules, write_kernel};
use crate::network::node::Node;
use crate::network::shape::Kernel;
use crate::network::sums::{SumHalf, SumShape, WeightOrder};
use crate::network::value::Element;
use crate::network::window::Window;
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
                reads: Element::Activation,
                makes: Element::Activation,
            },
            SumShape {
                half: SumHalf::Pointwise,
                order: WeightOrder::OutputInput,
                kernel: Kernel::square(1),
                inputs,
                outputs: self.outputs,
                positions,
                adds: self.adds,
                reads: Element::Activation,
                makes: Element::Activation,
            },
        ]
    }
}

impl fmt::Display for Separable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_kernel(f, "C2", Some(self.outputs), self.window, self.activation)
    }
}
