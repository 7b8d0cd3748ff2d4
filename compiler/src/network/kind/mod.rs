//! What a layer computes, one file a kind: its window, its shape rule, its sums
//! and its written form.
//!
//! A new kind is a file with a struct that implements `Rules`, and a variant of
//! [`Kind`]; the compiler's errors name the rest.

mod add;
mod concat;
mod convolution;
mod dense;
mod depthwise;
mod pool;
mod separable;
mod training;

pub use add::Add;
pub use concat::Concat;
pub use convolution::Convolution;
pub use dense::Dense;
pub use depthwise::Depthwise;
pub use pool::{Pool, PoolFunction, PoolWindow};
pub use separable::Separable;
pub use training::{Dropout, Noise};

use super::node::Node;
use super::shape::Shape;
use super::sums::SumShape;
use super::window::{Padding, ReceptiveField, Stride, Window};
use std::fmt;

/// What follows the sum of a layer with weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Negative sums become 0; outputs are unsigned.
    Relu,
    /// None (a star in the declaration); outputs are signed.
    Linear,
}

impl Activation {
    /// What follows the letter in the declaration.
    const fn star(self) -> &'static str {
        match self {
            Activation::Relu => "",
            Activation::Linear => "*",
        }
    }
}

/// What a layer computes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// `A(k)` and `M(k)`.
    Pool(Pool),
    /// `C1(n,k)`.
    Convolution(Convolution),
    /// `T(k)`.
    Depthwise(Depthwise),
    /// `C2(n,k)`.
    Separable(Separable),
    /// `D(n)`.
    Dense(Dense),
    /// `Add('name)`.
    Add(Add),
    /// `Cat('name, …)`.
    Concat(Concat),
    /// `Dr(p)`.
    Dropout(Dropout),
    /// `N(sigma)`.
    Noise(Noise),
}

/// What every kind of layer says of itself.
pub(super) trait Rules: fmt::Display {
    /// What of the running map one output pixel reads.
    fn field(&self, input: Shape) -> ReceptiveField;

    /// The window that must fit the map; `None` where any map does.
    fn window(&self) -> Option<Window>;

    /// The channels that it makes of maps of those shapes, the running one first.
    fn channels(&self, reads: &[Shape]) -> u32;

    /// What follows its sum; `None` where the sign of what it reads is kept.
    fn activation(&self) -> Option<Activation>;

    /// Its weighted sums, in the order of computing.
    fn sums(&self, node: &Node) -> Vec<SumShape>;

    /// Whether it adds a labelled map to its last sum.
    fn adds(&self) -> bool;

    /// `n`, of the layers that have one.
    fn outputs(&self) -> Option<u32>;

    /// Whether it only exists in training.
    fn is_training_only(&self) -> bool {
        false
    }

    /// Whether it reads a map of pixels, of at most
    /// [`MOST_CHANNELS`](super::MOST_CHANNELS) channels.
    fn reads_pixels(&self) -> bool {
        false
    }
}

impl Kind {
    fn rules(&self) -> &dyn Rules {
        match self {
            Kind::Pool(kind) => kind,
            Kind::Convolution(kind) => kind,
            Kind::Depthwise(kind) => kind,
            Kind::Separable(kind) => kind,
            Kind::Dense(kind) => kind,
            Kind::Add(kind) => kind,
            Kind::Concat(kind) => kind,
            Kind::Dropout(kind) => kind,
            Kind::Noise(kind) => kind,
        }
    }

    /// What of the running map one output pixel reads.
    pub fn field(&self, input: Shape) -> ReceptiveField {
        self.rules().field(input)
    }

    /// The window that must fit the map; `None` where any map does.
    pub fn window(&self) -> Option<Window> {
        self.rules().window()
    }

    /// What it makes of maps of those shapes, the running one first.
    pub fn output(&self, reads: &[Shape]) -> Shape {
        let outputs = self.field(reads[0]).outputs;
        Shape::new(outputs.height, outputs.width, self.rules().channels(reads))
    }

    /// What follows its sum; `None` where the sign of what it reads is kept.
    pub fn activation(&self) -> Option<Activation> {
        self.rules().activation()
    }

    pub(super) fn sums(&self, node: &Node) -> Vec<SumShape> {
        self.rules().sums(node)
    }

    /// Whether it adds a labelled map to its last sum.
    pub fn adds(&self) -> bool {
        self.rules().adds()
    }

    /// Whether it only exists in training.
    pub fn is_training_only(&self) -> bool {
        self.rules().is_training_only()
    }

    /// Whether it reads a map of pixels, of at most
    /// [`MOST_CHANNELS`](super::MOST_CHANNELS) channels.
    pub fn reads_pixels(&self) -> bool {
        self.rules().reads_pixels()
    }

    /// `n`, of the layers that have one.
    pub fn outputs(&self) -> Option<u32> {
        self.rules().outputs()
    }

    /// Whether it averages windows: of the raw input it sums whole bytes.
    pub(super) fn averages(&self) -> bool {
        match self {
            Kind::Pool(Pool {
                function,
                window: _,
            }) => match function {
                PoolFunction::Average => true,
                PoolFunction::Maximum => false,
            },
            Kind::Convolution(_)
            | Kind::Depthwise(_)
            | Kind::Separable(_)
            | Kind::Dense(_)
            | Kind::Add(_)
            | Kind::Concat(_)
            | Kind::Dropout(_)
            | Kind::Noise(_) => false,
        }
    }

    /// Whether it concatenates maps: their channels may differ, their
    /// signs may not.
    pub(super) fn concatenates(&self) -> bool {
        match self {
            Kind::Concat(_) => true,
            Kind::Pool(_)
            | Kind::Convolution(_)
            | Kind::Depthwise(_)
            | Kind::Separable(_)
            | Kind::Dense(_)
            | Kind::Add(_)
            | Kind::Dropout(_)
            | Kind::Noise(_) => false,
        }
    }

    /// Its windows, if it takes a stride and a padding.
    pub fn sliding_window(&self) -> Option<Window> {
        match self {
            Kind::Convolution(kind) => Some(kind.window),
            Kind::Separable(kind) => Some(kind.window),
            Kind::Depthwise(kind) => Some(kind.window),
            Kind::Pool(_)
            | Kind::Dense(_)
            | Kind::Add(_)
            | Kind::Concat(_)
            | Kind::Dropout(_)
            | Kind::Noise(_) => None,
        }
    }

    /// The same layer with other windows, if it takes a stride and a padding.
    pub fn with_window(mut self, window: Window) -> Self {
        match &mut self {
            Kind::Convolution(kind) => kind.window = window,
            Kind::Separable(kind) => kind.window = window,
            Kind::Depthwise(kind) => kind.window = window,
            Kind::Pool(_) | Kind::Dense(_) | Kind::Add(_) | Kind::Concat(_) => {}
            Kind::Dropout(_) | Kind::Noise(_) => {}
        }
        self
    }

    /// The same layer with another `n`, if it has one.
    pub fn with_outputs(mut self, n: u32) -> Self {
        match &mut self {
            Kind::Convolution(kind) => kind.outputs = n,
            Kind::Separable(kind) => kind.outputs = n,
            Kind::Dense(kind) => kind.outputs = n,
            Kind::Pool(_)
            | Kind::Depthwise(_)
            | Kind::Add(_)
            | Kind::Concat(_)
            | Kind::Dropout(_)
            | Kind::Noise(_) => {}
        }
        self
    }
}

impl fmt::Display for Kind {
    /// The layer as the declaration writes it, without labels: `C1(8,3)`, `D*(10)`;
    /// with `#`, without any arguments that have names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rules().fmt(f)
    }
}

/// `, stride: 2, padding: same`, as far as a window is not at every pixel of the
/// map; nothing with `#`.
fn named_arguments(window: Window, f: &fmt::Formatter<'_>) -> String {
    let Window {
        kernel: _,
        stride,
        padding,
    } = window;
    let mut written = String::new();
    if f.alternate() {
        return written;
    }
    if stride != Stride::ONE {
        written += &format!(", stride: {}", stride.written());
    }
    match padding {
        Padding::Each(0) => {}
        Padding::Each(each) => written += &format!(", padding: {each}"),
        Padding::Same => written += ", padding: same",
    }
    written
}
