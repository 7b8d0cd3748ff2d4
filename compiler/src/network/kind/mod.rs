//! What a layer computes, one file a kind: its window, its shape rule, its sums
//! and its written form.
//!
//! A new kind is a file with a struct that implements `Rules`, and a variant of
//! [`Kind`]; the compiler's errors name the rest.

mod add;
mod bonsai;
mod concat;
mod convolution;
mod dense;
mod depthwise;
mod pool;
mod projection;
mod prototypes;
mod recurrent;
mod separable;
mod tensors;
mod training;

pub use add::Add;
pub use bonsai::{Bonsai, Tree, TreeGate};
pub use concat::Concat;
pub use convolution::Convolution;
pub use dense::Dense;
pub use depthwise::Depthwise;
pub use pool::{Pool, PoolFunction, PoolWindow};
pub use projection::Projection;
pub use prototypes::{Proto, Prototypes};
pub use recurrent::{Feed, Gate, Rank, Recurrent, Sequence};
pub use separable::Separable;
pub use tensors::{ShiftNames, TensorDtype, TensorRole, TensorShape};
pub use training::{Dropout, Noise};

use super::node::Node;
use super::shape::Shape;
use super::sums::SumShape;
use super::value::Element;
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
    /// `G(h)`.
    Recurrent(Recurrent),
    /// The first node of `Bonsai` and of `Proto`.
    Projection(Projection),
    /// The second node of `Bonsai`.
    Tree(Tree),
    /// The second node of `Proto`.
    Prototypes(Prototypes),
    /// `Dr(p)`.
    Dropout(Dropout),
    /// `N(sigma)`.
    Noise(Noise),
}

/// How a layer computes: what plans and code tell kinds apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    /// Weighted sums under a kernel, which takes a stride and a padding.
    Kernel,
    /// Weighted sums over the whole map.
    Dense,
    /// The sum of two maps.
    Addition,
    /// A value a channel of each window.
    Pooling(PoolFunction),
    /// Maps beside one another.
    Concatenation,
    /// Weighted sums over the whole map, which stay wide.
    Projection,
    /// A state that follows from the one before and from the values of a step.
    Recurrent,
    /// Scores of the nodes on a path.
    Tree,
    /// Scores by the distances to prototypes.
    Prototypes,
    /// Nothing, but in training.
    TrainingOnly,
}

/// What of the running map one output pixel reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reads {
    /// The pixels under a window, which must fit the map.
    Windows(Window),
    /// All of it: there is one output pixel.
    WholeMap,
    /// The pixel of the same place.
    Pixel,
}

/// The channels that a layer makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MadeChannels {
    /// `n`, as the declaration says.
    Chosen(u32),
    /// Those of the running map.
    AsRead,
    /// Those of all maps that it reads.
    OfAllMaps,
    /// `n` for each channel of the running map.
    OfEachChannel(u32),
}

/// What follows a layer's last sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct AfterSums {
    activation: Activation,
    /// Whether a labelled map is added before it.
    adds: bool,
}

/// What every kind of layer says of itself.
trait Rules: fmt::Display {
    fn method(&self) -> Method;

    fn reads(&self) -> Reads;

    fn channels(&self) -> MadeChannels;

    /// `None` of a layer without sums, which keeps the sign of what it reads.
    fn after_sums(&self) -> Option<AfterSums>;

    /// Its weighted sums, in the order of computing.
    fn sums(&self, node: &Node) -> Vec<SumShape>;

    /// Its tensors that are not those of weighted sums.
    fn tensors(&self, _: &Node) -> Vec<TensorShape> {
        Vec::new()
    }

    /// Multiply-accumulates of an inference beside those of its sums.
    fn own_multiply_accumulates(&self, _: &Node) -> u64 {
        0
    }

    /// Rows of its output, where it makes one a step.
    fn steps(&self, _: Shape) -> Option<u32> {
        None
    }

    /// The share of its weights that it wants to be 0.
    fn sparsity(&self) -> f64 {
        0.0
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
            Kind::Recurrent(kind) => kind,
            Kind::Projection(kind) => kind,
            Kind::Tree(kind) => kind,
            Kind::Prototypes(kind) => kind,
            Kind::Dropout(kind) => kind,
            Kind::Noise(kind) => kind,
        }
    }

    /// The share of its weights that training makes 0 at least, 0 to below 1: its argument `sparsity`.
    pub fn sparsity(&self) -> f64 {
        self.rules().sparsity()
    }

    /// What of the running map one output pixel reads.
    pub fn field(&self, input: Shape) -> ReceptiveField {
        match self.rules().reads() {
            Reads::Windows(window) => window.over(input),
            Reads::WholeMap => ReceptiveField::whole(input),
            Reads::Pixel => ReceptiveField::pixelwise(input),
        }
    }

    /// The window that must fit the map; `None` where any map does.
    pub fn window(&self) -> Option<Window> {
        match self.rules().reads() {
            Reads::Windows(window) => Some(window),
            Reads::WholeMap | Reads::Pixel => None,
        }
    }

    /// What it makes of maps of those shapes, the running one first.
    pub fn output(&self, reads: &[Shape]) -> Shape {
        let outputs = self.field(reads[0]).outputs;
        let channels = match self.rules().channels() {
            MadeChannels::Chosen(channels) => channels,
            MadeChannels::AsRead => reads[0].channels,
            MadeChannels::OfAllMaps => {
                let channels = reads.iter().map(|shape| shape.channels);
                channels.fold(0, u32::saturating_add)
            }
            MadeChannels::OfEachChannel(n) => n.saturating_mul(reads[0].channels),
        };
        let height = self.rules().steps(reads[0]).unwrap_or(outputs.height);
        Shape::new(height, outputs.width, channels)
    }

    /// `n`, of the layers that have one.
    pub fn outputs(&self) -> Option<u32> {
        match self.rules().channels() {
            MadeChannels::Chosen(n) | MadeChannels::OfEachChannel(n) => Some(n),
            MadeChannels::AsRead | MadeChannels::OfAllMaps => None,
        }
    }

    /// What follows its sum; `None` where the sign of what it reads is kept.
    pub fn activation(&self) -> Option<Activation> {
        let after = self.rules().after_sums();
        after.map(|after| after.activation)
    }

    /// Whether it adds a labelled map to its last sum.
    pub fn adds(&self) -> bool {
        let after = self.rules().after_sums();
        after.is_some_and(|after| after.adds)
    }

    pub(super) fn sums(&self, node: &Node) -> Vec<SumShape> {
        self.rules().sums(node)
    }

    pub(super) fn tensors(&self, node: &Node) -> Vec<TensorShape> {
        self.rules().tensors(node)
    }

    pub(super) fn own_multiply_accumulates(&self, node: &Node) -> u64 {
        self.rules().own_multiply_accumulates(node)
    }

    /// What its output is made of.
    pub fn makes(&self) -> Element {
        match self.rules().method() {
            Method::Projection | Method::Recurrent => Element::Wide,
            Method::Kernel
            | Method::Dense
            | Method::Addition
            | Method::Pooling(_)
            | Method::Concatenation
            | Method::Tree
            | Method::Prototypes
            | Method::TrainingOnly => Element::Activation,
        }
    }

    /// Whether it can read wide values as its running map.
    pub fn reads_wide(&self) -> bool {
        match self.rules().method() {
            Method::Dense
            | Method::Recurrent
            | Method::Tree
            | Method::Prototypes
            | Method::TrainingOnly => true,
            Method::Kernel
            | Method::Addition
            | Method::Pooling(_)
            | Method::Concatenation
            | Method::Projection => false,
        }
    }

    /// Whether it makes an output a step, and a step reads a channel alone: a pixel would complete
    /// several of them.
    pub fn splits_pixels_into_steps(&self) -> bool {
        match self {
            Kind::Recurrent(kind) => kind.splits_pixels_into_steps(),
            Kind::Pool(_)
            | Kind::Convolution(_)
            | Kind::Depthwise(_)
            | Kind::Separable(_)
            | Kind::Dense(_)
            | Kind::Add(_)
            | Kind::Concat(_)
            | Kind::Projection(_)
            | Kind::Tree(_)
            | Kind::Prototypes(_)
            | Kind::Dropout(_)
            | Kind::Noise(_) => false,
        }
    }

    /// Whether it keeps states from one step over its map to the next.
    pub fn keeps_states(&self) -> bool {
        match self {
            Kind::Recurrent(_) => true,
            Kind::Pool(_)
            | Kind::Convolution(_)
            | Kind::Depthwise(_)
            | Kind::Separable(_)
            | Kind::Dense(_)
            | Kind::Add(_)
            | Kind::Concat(_)
            | Kind::Projection(_)
            | Kind::Tree(_)
            | Kind::Prototypes(_)
            | Kind::Dropout(_)
            | Kind::Noise(_) => false,
        }
    }

    /// Whether it gives scores of classes, which nothing can read: it ends the list.
    pub fn ends_list(&self) -> bool {
        match self.rules().method() {
            Method::Tree | Method::Prototypes => true,
            Method::Kernel
            | Method::Dense
            | Method::Addition
            | Method::Pooling(_)
            | Method::Concatenation
            | Method::Projection
            | Method::Recurrent
            | Method::TrainingOnly => false,
        }
    }

    /// What it makes of the values of a window, if it is a pooling.
    pub fn pools(&self) -> Option<PoolFunction> {
        match self.rules().method() {
            Method::Pooling(function) => Some(function),
            Method::Kernel
            | Method::Dense
            | Method::Addition
            | Method::Concatenation
            | Method::Projection
            | Method::Recurrent
            | Method::Tree
            | Method::Prototypes
            | Method::TrainingOnly => None,
        }
    }

    /// Whether each output is a sum over the whole map, computed and stored one at a
    /// time: its inputs stay until the last one.
    pub fn is_dense(&self) -> bool {
        match self.rules().method() {
            Method::Dense | Method::Projection => true,
            Method::Kernel
            | Method::Addition
            | Method::Pooling(_)
            | Method::Concatenation
            | Method::Recurrent
            | Method::Tree
            | Method::Prototypes
            | Method::TrainingOnly => false,
        }
    }

    /// Whether it concatenates maps: their channels may differ, their
    /// signs may not.
    pub fn concatenates(&self) -> bool {
        match self.rules().method() {
            Method::Concatenation => true,
            Method::Kernel
            | Method::Dense
            | Method::Addition
            | Method::Pooling(_)
            | Method::Projection
            | Method::Recurrent
            | Method::Tree
            | Method::Prototypes
            | Method::TrainingOnly => false,
        }
    }

    /// Whether it only exists in training.
    pub fn is_training_only(&self) -> bool {
        match self.rules().method() {
            Method::TrainingOnly => true,
            Method::Kernel
            | Method::Dense
            | Method::Addition
            | Method::Pooling(_)
            | Method::Concatenation
            | Method::Projection
            | Method::Recurrent
            | Method::Tree
            | Method::Prototypes => false,
        }
    }

    /// Whether its code goes over a pixel's channels, of which there are
    /// [`MOST_CHANNELS`](super::MOST_CHANNELS) at most.
    pub fn reads_pixels(&self) -> bool {
        match self.rules().method() {
            Method::Kernel | Method::Concatenation => true,
            Method::Dense
            | Method::Addition
            | Method::Pooling(_)
            | Method::Projection
            | Method::Recurrent
            | Method::Tree
            | Method::Prototypes
            | Method::TrainingOnly => false,
        }
    }

    /// Its windows, if it takes a stride and a padding.
    pub fn sliding_window(&self) -> Option<Window> {
        match self.rules().method() {
            Method::Kernel => self.window(),
            Method::Dense
            | Method::Addition
            | Method::Pooling(_)
            | Method::Concatenation
            | Method::Projection
            | Method::Recurrent
            | Method::Tree
            | Method::Prototypes
            | Method::TrainingOnly => None,
        }
    }

    /// The same layer with other windows, if it takes a stride and a padding.
    pub fn with_window(mut self, window: Window) -> Self {
        match &mut self {
            Kind::Convolution(kind) => kind.window = window,
            Kind::Separable(kind) => kind.window = window,
            Kind::Depthwise(kind) => kind.window = window,
            Kind::Pool(_) | Kind::Dense(_) | Kind::Add(_) | Kind::Concat(_) => {}
            Kind::Recurrent(_) | Kind::Projection(_) | Kind::Tree(_) | Kind::Prototypes(_) => {}
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
            Kind::Recurrent(kind) => kind.hidden = n,
            Kind::Projection(kind) => kind.outputs = n,
            Kind::Tree(kind) => kind.classes = n,
            Kind::Prototypes(kind) => kind.classes = n,
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

/// A layer with a kernel: `C1*(8,3, stride: 2, padding: same)`; with `#`, without the
/// arguments that have names.
fn write_kernel(
    f: &mut fmt::Formatter<'_>,
    letter: &str,
    outputs: Option<u32>,
    window: Window,
    activation: Activation,
) -> fmt::Result {
    let Window {
        kernel,
        stride,
        padding,
    } = window;
    write!(f, "{letter}{}(", activation.star())?;
    if let Some(outputs) = outputs {
        write!(f, "{outputs},")?;
    }
    f.write_str(&kernel.written())?;
    if !f.alternate() {
        if stride != Stride::ONE {
            write!(f, ", stride: {}", stride.written())?;
        }
        match padding {
            Padding::Each(0) => {}
            Padding::Each(each) => write!(f, ", padding: {each}")?,
            Padding::Same => f.write_str(", padding: same")?,
        }
    }
    f.write_str(")")
}
