//! A network's parameters as burn's tensors, and what it computes with them.

use burn::module::{Module, Param, ParamId};
use burn::tensor::{Device, Tensor, TensorData};
use herringbone_compiler::network::{Activation, Bits, Kernel, Layer, LayerKind, Network};
use herringbone_dataset::Rng;

use crate::integers::input_exponent;
use crate::ops::{self, Maps};
use crate::quantise::{Grid, Scales, SumScales};

/// A weighted sum and its parameters.
#[derive(Module, Debug)]
pub struct WeightedSum {
    /// Which one of the network.
    #[module(skip)]
    pub shape: SumShape,
    /// Outputs, rows, columns, channels, of a dense layer too; of a depthwise half
    /// one output, and a kernel a channel.
    pub weights: Param<Tensor<4>>,
    /// One an output.
    pub bias: Param<Tensor<1>>,
}

/// The parameters of a network: those of each weighted sum, in the order of
/// computing; a `C2` has two.
#[derive(Module, Debug)]
pub struct Model {
    /// They.
    pub sums: Vec<WeightedSum>,
}

/// A weighted sum of a network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SumShape {
    /// The layer.
    pub layer: Layer,
    /// Whether each channel has sums of its own: a `C2`'s first half.
    pub is_depthwise: bool,
    /// Rows, columns of the kernel.
    pub kernel: Kernel,
    /// Channels that an output reads.
    pub inputs: u32,
    /// Sums a pixel.
    pub outputs: u32,
    /// Whether activations are negative too.
    pub is_signed: bool,
    /// Whether sums are returned as they are.
    pub is_exact: bool,
}

/// The weighted sums of a network, in the order of [`Model::sums`].
pub fn sum_shapes(network: &Network) -> Vec<SumShape> {
    let mut sums = Vec::new();
    for &layer in network.layers() {
        let is_exact = layer.id == network.last_layer().id && network.gives_logits();
        let is_signed = layer.activation() == Some(Activation::Linear);
        let channels = layer.input.channels;
        let mut sum = |is_depthwise, kernel, inputs, outputs| {
            sums.push(SumShape {
                layer,
                is_depthwise,
                kernel,
                inputs,
                outputs,
                is_signed: is_signed || is_depthwise,
                is_exact: is_exact && !is_depthwise,
            });
        };
        match layer.kind {
            LayerKind::Convolution {
                outputs, kernel, ..
            } => sum(false, kernel, channels, outputs),
            LayerKind::Separable {
                outputs, kernel, ..
            } => {
                sum(true, kernel, channels, channels);
                sum(false, Kernel::square(1), channels, outputs);
            }
            LayerKind::Dense { outputs, .. } => {
                let all = Kernel {
                    height: layer.input.height,
                    width: layer.input.width,
                };
                sum(false, all, channels, outputs);
            }
            LayerKind::AveragePool { .. }
            | LayerKind::MaxPool { .. }
            | LayerKind::Dropout { .. } => {}
        }
    }
    sums
}

impl SumShape {
    /// Of the weights' tensor.
    pub fn dims(&self) -> [usize; 4] {
        let outputs = if self.is_depthwise { 1 } else { self.outputs };
        [outputs, self.kernel.height, self.kernel.width, self.inputs].map(|it| it as usize)
    }

    /// Weights that an output has.
    fn fan_in(&self) -> u32 {
        let channels = if self.is_depthwise { 1 } else { self.inputs };
        self.kernel.taps() * channels
    }
}

impl Model {
    /// Weights drawn as He et al. 2015 have it, equation 10, and biases of 0.
    pub fn new(network: &Network, random: &mut Rng, device: &Device) -> Self {
        let numbers = sum_shapes(network).into_iter().map(|sum| {
            let gain = if sum.is_signed { 1.0 } else { 2.0 };
            let deviation = (gain / sum.fan_in() as f32).sqrt();
            let weights = (0..sum.dims().iter().product()).map(|_| random.normal() * deviation);
            (weights.collect(), vec![0.0; sum.outputs as usize])
        });
        Self::of_numbers(network, numbers, device)
    }

    /// Each weighted sum's weights and biases.
    pub fn numbers(&self) -> Vec<(Vec<f32>, Vec<f32>)> {
        let sums = self.sums.iter();
        sums.map(|sum| (floats(sum.weights.val()), floats(sum.bias.val())))
            .collect()
    }

    /// With these numbers, a weighted sum's weights and biases each.
    pub fn of_numbers(
        network: &Network,
        numbers: impl IntoIterator<Item = (Vec<f32>, Vec<f32>)>,
        device: &Device,
    ) -> Self {
        let sums = sum_shapes(network).into_iter().zip(numbers);
        let sums = (0..).zip(sums).map(|(index, (sum, (weights, bias)))| {
            let weights = TensorData::new(weights, sum.dims());
            let bias = TensorData::new(bias, [sum.outputs as usize]);
            WeightedSum {
                shape: sum,
                weights: parameter(2 * index, Tensor::from_data(weights, device)),
                bias: parameter(2 * index + 1, Tensor::from_data(bias, device)),
            }
        });
        Self {
            sums: sums.collect(),
        }
    }

    /// Takes weights back that have gone beyond the range of their integers, so that
    /// they do not have far to go when their sign changes.
    pub fn clip_weights(&mut self, bits: u32, scales: &Scales) {
        for (sum, scales) in self.sums.iter_mut().zip(&scales.sums) {
            let grid = Grid::of_bits(bits, true, scales.weight);
            // Half a step further is the same integer.
            let (least, largest) = (grid.least - 0.5, grid.largest + 0.5);
            sum.weights = sum.weights.clone().map(|weights| {
                let clipped = weights
                    .inner()
                    .clamp(least * grid.step, largest * grid.step);
                Tensor::from_inner(clipped).require_grad()
            });
        }
    }

    /// Logits of a batch: examples, classes. `maps`: what the network reads behind a
    /// leading `A`, from 0 to below 1. With `dropout`, values are dropped by it. The
    /// numbers computed with are as wide as those of the maps.
    pub fn forward(
        &self,
        network: &Network,
        scales: Option<&Scales>,
        maps: Maps,
        dropout: Option<&mut Rng>,
    ) -> Tensor<2> {
        let maps = self.run(network, scales, maps, dropout, &mut |_, _| {});
        // Results are rows, columns, channels, as a dense layer flattens them.
        let [blocks, height, width, channels, examples] = maps.dims();
        let results = maps.permute([0, 4, 1, 2, 3]);
        results.reshape([blocks * examples, height * width * channels])
    }

    /// The same, as maps. `watch` is shown the activations of each weighted sum.
    pub(crate) fn run(
        &self,
        network: &Network,
        scales: Option<&Scales>,
        mut maps: Maps,
        mut dropout: Option<&mut Rng>,
        watch: &mut dyn FnMut(usize, &Maps),
    ) -> Maps {
        let bits = network.bits();
        // Of activations; the raw input has as many bits as they have.
        let mut exponent = input_exponent(network);
        let mut sums = self.sums.iter().enumerate().peekable();
        let first = network.computing_layers().next().map(|layer| layer.id);
        for layer in network.layers() {
            let step = scales.map_or(0.0, |_| (exponent as f32).exp2());
            match layer.kind {
                // As the input is taken in.
                LayerKind::AveragePool { .. } if Some(layer.id) == first => {}
                LayerKind::AveragePool { window } => {
                    maps = ops::average(maps, extent(window), step);
                }
                LayerKind::MaxPool { window } => maps = ops::maximum(maps, extent(window)),
                LayerKind::Dropout { probability } => {
                    if let Some(random) = dropout.as_deref_mut() {
                        maps = drop_values(maps, probability, random);
                    }
                }
                LayerKind::Convolution { .. }
                | LayerKind::Separable { .. }
                | LayerKind::Dense { .. } => {
                    while let Some((index, sum)) =
                        sums.next_if(|(_, sum)| sum.shape.layer.id == layer.id)
                    {
                        let scales = scales.map(|scales| scales.sums[index]);
                        maps = sum.run(scales, bits, maps, exponent);
                        watch(index, &maps);
                        exponent = scales.map_or(exponent, |scales| scales.activation);
                    }
                }
            }
        }
        maps
    }
}

impl WeightedSum {
    /// Its activations. `exponent`: the power of two of those that it reads.
    fn run(&self, scales: Option<SumScales>, bits: Bits, maps: Maps, exponent: i32) -> Maps {
        let (shape, mut weights, mut bias) = (self.shape, self.weights.val(), self.bias.val());
        let mut grid = Grid::none(shape.is_signed);
        if let Some(scales) = scales {
            weights = ops::quantise(weights, Grid::of_bits(bits.weights, true, scales.weight));
            let sum = scales.sum_exponent(exponent);
            bias = ops::quantise(bias, Grid::of_bits(bits.biases, true, sum));
            if !shape.is_exact {
                grid = Grid::of_bits(bits.activations, shape.is_signed, scales.activation);
            }
        }
        let (weights, bias) = (weights.cast(maps.dtype()), bias.cast(maps.dtype()));
        let sums = if shape.is_depthwise {
            let [_, height, width, channels] = shape.dims();
            ops::depthwise(maps, weights.reshape([height, width, channels]))
        } else {
            ops::convolve(maps, weights)
        };
        ops::activate(sums, bias, grid)
    }
}

/// A parameter whose identity is its place in the network: an optimizer's record finds
/// it in another process too.
fn parameter<const D: usize>(place: u64, tensor: Tensor<D>) -> Param<Tensor<D>> {
    let (_, tensor, mapper) = Param::from_tensor(tensor).consume();
    Param::from_mapped_value(ParamId::from(place), tensor, mapper)
}

/// Sets a share of values to 0, and makes up for it (Srivastava et al. 2014).
fn drop_values(maps: Maps, probability: f64, random: &mut Rng) -> Maps {
    let bound = (2.0 * probability - 1.0) as f32;
    let scale = (1.0 / (1.0 - probability)) as f32;
    let shape = maps.shape();
    let kept = (0..shape.num_elements()).map(|_| {
        let is_dropped = random.signed_unit() < bound;
        if is_dropped { 0.0 } else { scale }
    });
    let kept = TensorData::new(kept.collect::<Vec<f32>>(), shape);
    let device = maps.device();
    maps * Maps::from_data(kept, &device)
}

/// A tensor's numbers.
pub(crate) fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    let data = tensor.into_data().convert::<f32>();
    data.try_into_vec().expect("the numbers are f32")
}

fn extent(kernel: Kernel) -> [usize; 2] {
    [kernel.height as usize, kernel.width as usize]
}

/// A network as a declaration writes it: `[28, 28, 1] => < A, C1(5,3), D*(10) >`.
pub(crate) fn as_written(network: &Network) -> String {
    let input = network.input();
    let layers = network.layers().iter().map(|layer| match layer.kind {
        LayerKind::Dropout { probability } => format!("Dr({probability})"),
        _ => layer.to_string(),
    });
    format!(
        "[{}, {}, {}] => < {} >",
        input.height,
        input.width,
        input.channels,
        layers.collect::<Vec<_>>().join(", ")
    )
}
