//! A network as the later stages see it: layers with shapes and bits, known
//! to be consistent, without a trace of the source text.

use std::fmt;

/// A layer's position in the declaration's list, counted from 0 over every
/// letter (`A`, `M` and `Dr` too), as the weights file names its tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerId(pub usize);

impl fmt::Display for LayerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The shape of a feature map: rows, columns and channels, stored channels last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
    /// Values a pixel.
    pub channels: u32,
}

impl Shape {
    /// A shape of `height` × `width` × `channels`.
    pub const fn new(height: u32, width: u32, channels: u32) -> Self {
        Self {
            height,
            width,
            channels,
        }
    }

    /// Positions of the map: height × width.
    pub const fn pixels(self) -> u32 {
        self.height * self.width
    }

    /// Values of the map: height × width × channels.
    pub const fn values(self) -> u32 {
        self.pixels() * self.channels
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}×{}", self.height, self.width, self.channels)
    }
}

/// The size of a kernel or of a pooling window, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
}

impl Kernel {
    /// A kernel of `side` × `side` pixels.
    pub const fn square(side: u32) -> Self {
        Self {
            height: side,
            width: side,
        }
    }

    /// As the declaration writes it: `3`, or rows and columns, `1x5`.
    pub fn written(self) -> String {
        let Self { height, width } = self;
        if height == width {
            height.to_string()
        } else {
            format!("{height}x{width}")
        }
    }

    /// Pixels of the kernel.
    pub const fn taps(self) -> u32 {
        self.height * self.width
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.height, self.width)
    }
}

/// What follows the sum of a layer with weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Negative sums become 0; outputs are unsigned.
    Relu,
    /// None (a star in the declaration); outputs are signed.
    Linear,
}

/// What a layer computes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LayerKind {
    /// `A(k)`: average over windows of k×k pixels, or of r×c for `A(rxc)`; the
    /// window is the stride too; rounded down.
    AveragePool {
        /// The window.
        window: Kernel,
    },
    /// `M(k)`: maximum over windows, as of `A(k)`.
    MaxPool {
        /// The window.
        window: Kernel,
    },
    /// `C1(n,k)`: convolution, stride 1, valid.
    Convolution {
        /// Output channels.
        outputs: u32,
        /// The kernel.
        kernel: Kernel,
        /// What follows the sum.
        activation: Activation,
    },
    /// `C2(n,k)`: depthwise without activation, then pointwise to n.
    Separable {
        /// Output channels of the pointwise half.
        outputs: u32,
        /// The kernel of the depthwise half.
        kernel: Kernel,
        /// What follows the sum of the pointwise half.
        activation: Activation,
    },
    /// `D(n)`: every output from every input.
    Dense {
        /// Outputs.
        outputs: u32,
        /// What follows the sum.
        activation: Activation,
    },
    /// `Dr(p)`: of meaning in training alone.
    Dropout {
        /// The share of values dropped in training, 0 ≤ p < 1.
        probability: f64,
    },
}

impl LayerKind {
    /// `n`, of the layers that have one.
    pub fn outputs(self) -> Option<u32> {
        match self {
            LayerKind::Convolution { outputs, .. }
            | LayerKind::Separable { outputs, .. }
            | LayerKind::Dense { outputs, .. } => Some(outputs),
            LayerKind::AveragePool { .. }
            | LayerKind::MaxPool { .. }
            | LayerKind::Dropout { .. } => None,
        }
    }

    /// The same layer with another `n`, if it has one.
    pub(crate) fn with_outputs(mut self, n: u32) -> Self {
        if let LayerKind::Convolution { outputs, .. }
        | LayerKind::Separable { outputs, .. }
        | LayerKind::Dense { outputs, .. } = &mut self
        {
            *outputs = n;
        }
        self
    }
}

/// The widths of a network's integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits {
    /// Of a weight: 2, 4 or 8, two's complement.
    pub weights: u32,
    /// Of a bias: 8 or 16, two's complement.
    pub biases: u32,
    /// Of an activation: 4 or 8; signed where its layer has no activation.
    pub activations: u32,
}

impl Default for Bits {
    fn default() -> Self {
        Self {
            weights: 4,
            biases: 16,
            activations: 4,
        }
    }
}

/// One layer, with the shapes on both of its sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layer {
    /// Its position in the declaration.
    pub id: LayerId,
    /// What it computes.
    pub kind: LayerKind,
    /// The shape it reads.
    pub input: Shape,
    /// The shape it writes; `[1, 1, n]` for a dense layer.
    pub output: Shape,
    /// Whether the values that it reads may be negative.
    pub signed_input: bool,
    /// Whether the values that it writes may be negative.
    pub signed_output: bool,
}

impl Layer {
    /// Multiply-accumulates of one inference.
    pub fn multiply_accumulates(&self) -> u64 {
        let pixels = u64::from(self.output.pixels());
        let inputs = u64::from(self.input.channels);
        match self.kind {
            LayerKind::Convolution {
                outputs, kernel, ..
            } => pixels * u64::from(kernel.taps()) * inputs * u64::from(outputs),
            LayerKind::Separable {
                outputs, kernel, ..
            } => pixels * inputs * (u64::from(kernel.taps()) + u64::from(outputs)),
            LayerKind::Dense { outputs, .. } => u64::from(self.input.values()) * u64::from(outputs),
            _ => 0,
        }
    }

    /// Weights of the layer, without biases.
    pub fn weight_count(&self) -> u64 {
        let inputs = u64::from(self.input.channels);
        match self.kind {
            LayerKind::Convolution {
                outputs, kernel, ..
            } => u64::from(kernel.taps()) * inputs * u64::from(outputs),
            LayerKind::Separable {
                outputs, kernel, ..
            } => inputs * (u64::from(kernel.taps()) + u64::from(outputs)),
            LayerKind::Dense { outputs, .. } => u64::from(self.input.values()) * u64::from(outputs),
            _ => 0,
        }
    }

    /// Biases of the layer: one a sum.
    pub fn bias_count(&self) -> u64 {
        let depthwise = match self.kind {
            LayerKind::Separable { .. } => self.input.channels,
            _ => 0,
        };
        u64::from(depthwise + self.kind.outputs().unwrap_or(0))
    }

    /// Whether the layer only exists in training.
    pub fn is_dropout(&self) -> bool {
        matches!(self.kind, LayerKind::Dropout { .. })
    }

    /// What follows the layer's sum; `None` for layers without weights.
    pub fn activation(&self) -> Option<Activation> {
        match self.kind {
            LayerKind::Convolution { activation, .. }
            | LayerKind::Separable { activation, .. }
            | LayerKind::Dense { activation, .. } => Some(activation),
            _ => None,
        }
    }
}

impl fmt::Display for Layer {
    /// The layer as the declaration writes it: `C1(8,3)`, `D*(10)`, `A`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn star(activation: Activation) -> &'static str {
            match activation {
                Activation::Relu => "",
                Activation::Linear => "*",
            }
        }
        fn pool(f: &mut fmt::Formatter<'_>, letter: &str, window: Kernel) -> fmt::Result {
            match window {
                Kernel {
                    height: 2,
                    width: 2,
                } => f.write_str(letter),
                _ => write!(f, "{letter}({})", window.written()),
            }
        }
        match self.kind {
            LayerKind::AveragePool { window } => pool(f, "A", window),
            LayerKind::MaxPool { window } => pool(f, "M", window),
            LayerKind::Convolution {
                outputs,
                kernel,
                activation,
            } => {
                write!(f, "C1{}({outputs},{})", star(activation), kernel.written())
            }
            LayerKind::Separable {
                outputs,
                kernel,
                activation,
            } => {
                write!(f, "C2{}({outputs},{})", star(activation), kernel.written())
            }
            LayerKind::Dense {
                outputs,
                activation,
            } => {
                write!(f, "D{}({outputs})", star(activation))
            }
            LayerKind::Dropout { .. } => f.write_str("Dr"),
        }
    }
}

/// A consistent network: every layer fits the map that it reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    input: Shape,
    bits: Bits,
    layers: Vec<Layer>,
}

/// Why the layers do not make a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShapeError {
    /// A kernel or window is larger than the map that it reads.
    KernelLargerThanMap {
        /// The layer.
        layer: LayerId,
        /// Its kernel or window.
        kernel: Kernel,
        /// The map that it reads.
        map: Shape,
    },
    /// A separable layer reads more channels than any map of pixels has.
    TooManyChannels {
        /// The layer.
        layer: LayerId,
        /// The channels that it reads.
        channels: u32,
    },
    /// No layer computes anything.
    NothingToCompute,
}

/// The most channels of an input or a convolution, and so the most that a
/// separable layer may read; a dense layer may have made more.
pub const MOST_CHANNELS: u32 = 255;

impl Network {
    /// Infers the shape of every feature map.
    ///
    /// # Errors
    /// All layers that can't read the map before them; inference goes on
    /// behind such a layer as if its map were just large enough.
    pub fn new(input: Shape, bits: Bits, kinds: &[LayerKind]) -> Result<Self, Vec<ShapeError>> {
        let mut errors = Vec::new();
        let mut layers = Vec::with_capacity(kinds.len());
        let (mut shape, mut signed) = (input, false);
        for (index, &kind) in kinds.iter().enumerate() {
            let id = LayerId(index);
            let mut fits = |kernel: Kernel| {
                if kernel.height > shape.height || kernel.width > shape.width {
                    errors.push(ShapeError::KernelLargerThanMap {
                        layer: id,
                        kernel,
                        map: shape,
                    });
                }
            };
            let output = match kind {
                LayerKind::AveragePool { window } | LayerKind::MaxPool { window } => {
                    fits(window);
                    Shape {
                        height: (shape.height / window.height).max(1),
                        width: (shape.width / window.width).max(1),
                        channels: shape.channels,
                    }
                }
                LayerKind::Convolution {
                    outputs, kernel, ..
                }
                | LayerKind::Separable {
                    outputs, kernel, ..
                } => {
                    fits(kernel);
                    Shape {
                        height: (shape.height + 1).saturating_sub(kernel.height).max(1),
                        width: (shape.width + 1).saturating_sub(kernel.width).max(1),
                        channels: outputs,
                    }
                }
                LayerKind::Dense { outputs, .. } => Shape::new(1, 1, outputs),
                LayerKind::Dropout { .. } => shape,
            };
            if matches!(kind, LayerKind::Separable { .. }) && shape.channels > MOST_CHANNELS {
                errors.push(ShapeError::TooManyChannels {
                    layer: id,
                    channels: shape.channels,
                });
            }
            let mut layer = Layer {
                id,
                kind,
                input: shape,
                output,
                signed_input: signed,
                signed_output: signed,
            };
            if let Some(activation) = layer.activation() {
                layer.signed_output = activation == Activation::Linear;
            }
            (shape, signed) = (layer.output, layer.signed_output);
            layers.push(layer);
        }
        if layers.iter().all(Layer::is_dropout) {
            errors.push(ShapeError::NothingToCompute);
        }
        if errors.is_empty() {
            Ok(Self {
                input,
                bits,
                layers,
            })
        } else {
            Err(errors)
        }
    }

    /// The same network with one layer of another kind and the same kernel.
    pub(crate) fn with_layer(&self, id: LayerId, kind: LayerKind) -> Self {
        let kinds = self
            .layers
            .iter()
            .map(|l| if l.id == id { kind } else { l.kind });
        Self::new(self.input, self.bits, &kinds.collect::<Vec<_>>())
            .expect("the number of outputs leaves every map's height and width as it is")
    }

    /// The same network with other integers.
    pub(crate) fn with_bits(&self, bits: Bits) -> Self {
        Self {
            bits,
            ..self.clone()
        }
    }

    /// The shape of the raw input, a byte a value.
    pub fn input(&self) -> Shape {
        self.input
    }

    /// The widths of the network's integers.
    pub fn bits(&self) -> Bits {
        self.bits
    }

    /// Every layer of the declaration, dropout included.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The layer of that position.
    pub fn layer(&self, id: LayerId) -> &Layer {
        &self.layers[id.0]
    }

    /// The layers that compute something on the device: all but dropout.
    pub fn computing_layers(&self) -> impl DoubleEndedIterator<Item = &Layer> {
        self.layers.iter().filter(|layer| !layer.is_dropout())
    }

    /// The shape of the last layer's output.
    pub fn output(&self) -> Shape {
        self.layers.last().map_or(self.input, |layer| layer.output)
    }

    /// The last computing layer.
    pub fn last_layer(&self) -> &Layer {
        self.computing_layers()
            .next_back()
            .expect("Network::new refuses an empty network")
    }

    /// Whether the results are exact sums instead of activations: the last
    /// layer has weights and no activation.
    pub fn gives_logits(&self) -> bool {
        self.last_layer().activation() == Some(Activation::Linear)
    }

    /// Multiply-accumulates of one inference.
    pub fn multiply_accumulates(&self) -> u64 {
        self.layers.iter().map(Layer::multiply_accumulates).sum()
    }
}
