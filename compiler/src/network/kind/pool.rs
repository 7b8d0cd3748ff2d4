//! `A(k)`, `M(k)`: the average or the maximum of each channel over a window.

use super::{AfterSums, MadeChannels, Method, Reads, Rules};
use crate::network::node::Node;
use crate::network::shape::Kernel;
use crate::network::sums::SumShape;
use crate::network::window::{Padding, Stride, Window};
use std::fmt;

/// What a pooling makes of the values of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolFunction {
    /// `A`: `floor(sum / count)`.
    Average,
    /// `M`: the largest.
    Maximum,
}

/// The windows of a pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolWindow {
    /// Of that size, that far apart. Rows and columns in which no window fits any
    /// more are dropped.
    Sized {
        kernel: Kernel,
        /// From a window to the next one.
        stride: Stride,
    },
    /// One window over the whole map.
    All,
}

impl PoolWindow {
    /// Windows that touch one another.
    pub const fn tiles(kernel: Kernel) -> Self {
        Self::Sized {
            kernel,
            stride: Stride::of(kernel),
        }
    }
}

/// `A(k)` or `M(k)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pool {
    /// Average or maximum.
    pub function: PoolFunction,
    pub window: PoolWindow,
}

impl Pool {
    /// The window of an `A` or `M` without argument.
    pub const DEFAULT_KERNEL: Kernel = Kernel::square(2);
}

impl Rules for Pool {
    fn method(&self) -> Method {
        Method::Pooling(self.function)
    }

    fn reads(&self) -> Reads {
        match self.window {
            PoolWindow::Sized { kernel, stride } => Reads::Windows(Window {
                kernel,
                stride,
                padding: Padding::NONE,
            }),
            PoolWindow::All => Reads::WholeMap,
        }
    }

    fn channels(&self) -> MadeChannels {
        MadeChannels::AsRead
    }

    fn after_sums(&self) -> Option<AfterSums> {
        None
    }

    fn sums(&self, _: &Node) -> Vec<SumShape> {
        Vec::new()
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = match self.function {
            PoolFunction::Average => "A",
            PoolFunction::Maximum => "M",
        };
        match self.window {
            PoolWindow::All => write!(f, "{letter}(all)"),
            PoolWindow::Sized { kernel, stride } => {
                let apart = if stride == Stride::of(kernel) || f.alternate() {
                    String::new()
                } else {
                    format!(", stride: {}", stride.written())
                };
                match (kernel == Self::DEFAULT_KERNEL, apart.is_empty()) {
                    (true, true) => f.write_str(letter),
                    _ => write!(f, "{letter}({}{apart})", kernel.written()),
                }
            }
        }
    }
}
