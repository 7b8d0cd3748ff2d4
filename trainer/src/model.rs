//! A network's parameters as burn's tensors, and what it computes with them.

use burn::module::{Module, Param, ParamId};
use burn::tensor::{Device, Tensor, TensorData};
use herringbone_compiler::network::{
    Bits, Element, Kind, Network, Node, NodeId, PoolFunction, ReceptiveField, SumHalf, SumShape,
    ValueId,
};
use herringbone_dataset::Rng;

use crate::arithmetic::Arithmetic;
use crate::disturb::disturb;
use crate::intake::Intake;
use crate::integers::input_exponent;
use crate::ops::{self, Deviation, Maps};
use crate::own::{Own, OwnArithmetic, WIDE_BIAS_BITS, is_prototypes, own_places};
use crate::quantise::{Grid, SumScales};
use crate::values::Values;

/// A weighted sum and its parameters.
#[derive(Module, Debug)]
pub struct WeightedSum {
    /// Which one of the network.
    #[module(skip)]
    pub place: SumPlace,
    /// What is trained; nothing of a sum of ones.
    pub parameters: Option<SumParameters>,
    /// While scales are learned, what the powers of two of weights and activations are
    /// rounded from.
    pub exponents: Option<Param<Tensor<1>>>,
}

/// What is trained of a weighted sum.
#[derive(Module, Debug)]
pub struct SumParameters {
    /// Outputs, rows, columns, channels, of a dense layer too; of a depthwise sum one
    /// output, and a kernel a channel.
    pub weights: Param<Tensor<4>>,
    /// One an output.
    pub bias: Param<Tensor<1>>,
}

/// The parameters of a network, in the order of computing.
#[derive(Module, Debug)]
pub struct Model {
    pub sums: Vec<WeightedSum>,
    /// Those of nodes that have parameters of their own.
    pub own: Vec<Own>,
    /// How sharply the branches of trees part, while they are trained softly.
    #[module(skip)]
    pub sharpness: Option<f32>,
}

/// A weighted sum of a network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SumPlace {
    /// The node that computes it.
    pub node: NodeId,
    pub shape: SumShape,
    /// What of the map that it reads an output reads.
    pub field: ReceptiveField,
    /// Whether activations are negative too.
    pub is_signed: bool,
    /// Whether sums are returned as they are.
    pub is_exact: bool,
    /// Whether a training in floating point may normalise sums over the batch: where
    /// another layer with weights follows, which makes up for the scale that is lost.
    pub is_normalised: bool,
    /// The deviation that they are normalised to.
    pub deviation: f32,
}

/// The weighted sums of a network, in the order of [`Model::sums`].
pub fn sum_places(network: &Network) -> Vec<SumPlace> {
    let nodes = network.computing_nodes();
    let sums = nodes.flat_map(|node| {
        node.sums().map(move |shape| {
            let has_weights = shape.tensor().is_some();
            let (field, is_last) = match shape.half {
                SumHalf::Only => (node.field(), true),
                SumHalf::Depthwise => (node.field(), false),
                SumHalf::Pointwise => (ReceptiveField::pixelwise(node.output), true),
            };
            SumPlace {
                node: node.id,
                shape,
                field,
                // Nothing follows a first half.
                is_signed: node.signed_output || !is_last,
                is_exact: network.is_exact(node.id) && is_last,
                is_normalised: has_weights && !(is_last && makes_results(network, node)),
                deviation: deviation(network, node),
            }
        })
    });
    sums.collect()
}

/// Whether the node makes the network's results.
fn makes_results(network: &Network, node: &Node) -> bool {
    node.writes == network.output_value()
}

/// What sums are normalised to: for prototypes, to distances d of each other of which
/// `exp(−d²)` tells something: 2.5 of the median (Gupta et al. 2017, section 4, have that of
/// their γ), for normal numbers.
fn deviation(network: &Network, node: &Node) -> f32 {
    let mut readers = network.value(node.writes).readers.iter();
    match readers.any(|&reader| is_prototypes(network.node(reader))) {
        true => 2.5 / (2.0 * node.output.values() as f32).sqrt(),
        false => 1.0,
    }
}

impl SumPlace {
    /// Of the weights' tensor; `None` of a sum of ones.
    pub fn dims(&self) -> Option<[usize; 4]> {
        self.shape.tensor()?;
        let SumShape {
            kernel,
            inputs,
            outputs,
            ..
        } = self.shape;
        let outputs = if self.shape.is_depthwise() {
            1
        } else {
            outputs
        };
        Some([outputs, kernel.height, kernel.width, inputs].map(|it| it as usize))
    }

    /// Bits of a bias that are made use of.
    pub(crate) fn bias_bits(&self, bits: Bits) -> u32 {
        match self.shape.has_wide_biases() {
            true => WIDE_BIAS_BITS,
            false => bits.biases,
        }
    }

    /// Weights in all, and biases.
    pub fn counts(&self) -> [usize; 2] {
        [self.shape.weights(), self.shape.biases()].map(|count| count as usize)
    }
}

impl Model {
    /// Weights drawn as He et al. 2015 have it, equation 10, and biases of 0.
    pub fn new(network: &Network, random: &mut Rng, device: &Device) -> Self {
        let numbers = sum_places(network).into_iter().map(|place| {
            let gain = if place.is_signed { 1.0 } else { 2.0 };
            // A row is what an output has one weight for.
            let deviation = (gain / place.shape.rows() as f32).sqrt();
            let [weights, biases] = place.counts();
            let weights = (0..weights).map(|_| random.normal() * deviation);
            (weights.collect(), vec![0.0; biases])
        });
        let mut numbers: Vec<(Vec<f32>, Vec<f32>)> = numbers.collect();
        let own = own_places(network).into_iter();
        numbers.extend(own.map(|place| (place.begin(random), Vec::new())));
        Self::of_numbers(network, numbers, device)
    }

    /// Each weighted sum's weights and biases, none of a sum of ones; then the parameters of
    /// each node that has its own, and nothing.
    pub fn numbers(&self) -> Vec<(Vec<f32>, Vec<f32>)> {
        let own = self.own.iter();
        let own = own.map(|own| (floats(own.numbers.val()), Vec::new()));
        let sums = self.sums.iter().map(|sum| sum.parameters.as_ref());
        sums.map(|parameters| {
            let parameters = parameters.map(|it| (floats(it.weights.val()), floats(it.bias.val())));
            parameters.unwrap_or_default()
        })
        .chain(own)
        .collect()
    }

    /// With these numbers, as [`Self::numbers`] has them.
    pub fn of_numbers(
        network: &Network,
        numbers: impl IntoIterator<Item = (Vec<f32>, Vec<f32>)>,
        device: &Device,
    ) -> Self {
        let mut numbers = numbers.into_iter();
        let places = sum_places(network);
        let first_of_own = 3 * places.len() as u64;
        let sums = places.into_iter().zip(numbers.by_ref());
        let sums = (0..).zip(sums).map(|(index, (place, (weights, bias)))| {
            let parameters = place.dims().map(|dims| {
                let weights = TensorData::new(weights, dims);
                let bias = TensorData::new(bias, [place.shape.outputs as usize]);
                SumParameters {
                    weights: parameter(3 * index, Tensor::from_data(weights, device)),
                    bias: parameter(3 * index + 1, Tensor::from_data(bias, device)),
                }
            });
            WeightedSum {
                place,
                parameters,
                exponents: None,
            }
        });
        let sums = sums.collect();
        let own = own_places(network).into_iter().zip(numbers);
        let own = (first_of_own..).zip(own);
        let own = own.map(|(index, (place, (numbers, _)))| {
            let count = numbers.len();
            let numbers = TensorData::new(numbers, [count]);
            Own {
                place,
                numbers: parameter(index, Tensor::from_data(numbers, device)),
            }
        });
        Self {
            sums,
            own: own.collect(),
            sharpness: None,
        }
    }

    /// With the exponents of the steps of weights and activations, a pair a sum, which are
    /// learned from now on; without, scales stay.
    pub fn set_exponents(&mut self, exponents: Option<&[[f32; 2]]>, device: &Device) {
        for ((index, sum), at) in (0..).zip(&mut self.sums).zip(0..) {
            sum.exponents = exponents.map(|all| {
                let pair = TensorData::new(all[at].to_vec(), [2]);
                parameter(3 * index + 2, Tensor::from_data(pair, device))
            });
        }
    }

    /// The exponents that are learned, a pair a sum; `None` where none are.
    pub fn exponents(&self) -> Option<Vec<[f32; 2]>> {
        let pairs = self.sums.iter().map(|sum| {
            let pair = floats(sum.exponents.as_ref()?.val());
            Some([pair[0], pair[1]])
        });
        pairs.collect()
    }

    /// Logits of a batch: examples, classes. `maps`: what [`Intake`] makes of the inputs,
    /// from 0 to below 1. With `noise`, values are dropped and blurred by it. The numbers
    /// computed with are as wide as those of the maps.
    pub fn forward(
        &self,
        network: &Network,
        arithmetic: Arithmetic,
        maps: Maps,
        noise: Option<&mut Rng>,
    ) -> Tensor<2> {
        let maps = self.run(network, arithmetic, maps, noise, &mut ());
        // Results are rows, columns, channels, as a dense layer flattens them.
        let [blocks, height, width, channels, examples] = maps.dims();
        let results = maps.permute([0, 4, 1, 2, 3]);
        results.reshape([blocks * examples, height * width * channels])
    }

    /// The same, as maps. `watch` is shown what is computed on the way.
    pub(crate) fn run(
        &self,
        network: &Network,
        arithmetic: Arithmetic,
        maps: Maps,
        mut noise: Option<&mut Rng>,
        watch: &mut dyn Watch,
    ) -> Maps {
        let (scales, share) = (arithmetic.scales(), arithmetic.share());
        let taken_in = Intake::of(network).value();
        watch.value(taken_in, &maps);
        let mut values = Values::new(network, taken_in, maps);
        let exponents = scales.map(|scales| scales.exponents(network));
        let mut sums = self.sums.iter().enumerate();
        let mut own = self.own.iter().enumerate();
        for node in network.nodes() {
            if node.is_training_only() {
                if let Some(random) = noise.as_deref_mut() {
                    // What averages the raw input has done so before.
                    let value = node.writes.max(taken_in);
                    values.change(value, |maps| disturb(&node.kind, maps, random));
                }
                continue;
            }
            if node.writes == taken_in {
                continue;
            }
            let exponent = exponents.as_ref().map(|exponents| exponents[node.reads[0]]);
            let mut maps = values.read(node, node.reads[0]);
            if let Some(standards) = arithmetic.standards() {
                maps = standards.apply(node.id, maps);
            }
            match node.kind {
                Kind::Pool(pool) => {
                    let step = exponent.map_or(0.0, |exponent| (exponent as f32).exp2());
                    maps = match pool.function {
                        PoolFunction::Average if share < 1.0 => {
                            let mean = ops::average(maps.clone(), node.field(), 0.0);
                            let floor = ops::average(maps, node.field(), step);
                            mean.clone() + (floor - mean) * share
                        }
                        PoolFunction::Average => ops::average(maps, node.field(), step),
                        PoolFunction::Maximum => ops::maximum(maps, node.field()),
                    };
                }
                Kind::Concat(_) => {
                    let others = node.reads[1..].iter();
                    let others = others.map(|&value| values.read(node, value));
                    maps = ops::concatenate([maps].into_iter().chain(others).collect());
                }
                Kind::Convolution(_)
                | Kind::Depthwise(_)
                | Kind::Separable(_)
                | Kind::Dense(_)
                | Kind::Projection(_)
                | Kind::Add(_) => {
                    let added = node.added().map(|value| values.read(node, value));
                    // Of the map that the next of the sums reads.
                    let mut exponent = exponent.unwrap_or(input_exponent(network));
                    for (index, sum) in sums.by_ref().take(node.sums().count()) {
                        let scales = scales.map(|scales| (scales.sums[index], exponent));
                        let added = added.clone().filter(|_| sum.place.shape.adds);
                        maps = sum.sums(scales, share, network.bits(), maps);
                        if arithmetic.standards().is_some() && sum.place.is_normalised {
                            watch.unnormalised(index, &maps);
                            maps = ops::normalise(maps, Deviation::for_bits(network.bits()));
                            if sum.place.deviation != 1.0 {
                                maps = maps * sum.place.deviation;
                            }
                        }
                        maps = sum.activations(scales, share, network.bits(), maps, added);
                        watch.sum(index, &maps);
                        exponent = scales.map_or(exponent, |(scales, _)| scales.activation);
                    }
                }
                Kind::Recurrent(_) | Kind::Tree(_) | Kind::Prototypes(_) => {
                    let (index, own) = own.next().expect("such a node has its own parameters");
                    let scales = scales.map(|scales| &scales.own[index]);
                    let arithmetic = OwnArithmetic {
                        scales: scales.map(|it| (it, exponent.unwrap_or(input_exponent(network)))),
                        share,
                        sharpness: self.sharpness,
                    };
                    maps = own.forward(network.bits(), arithmetic, maps);
                }
                Kind::Dropout(_) | Kind::Noise(_) => unreachable!("they compute nothing"),
            }
            watch.value(node.writes, &maps);
            values.write(node.writes, maps);
        }
        values.end(network.output_value())
    }
}

/// Is shown what a network computes.
pub(crate) trait Watch {
    /// The activations of a weighted sum, of that place among [`Model::sums`].
    fn sum(&mut self, index: usize, maps: &Maps) {
        let _ = (index, maps);
    }

    /// The sums of a weighted sum, before they are normalised.
    fn unnormalised(&mut self, index: usize, maps: &Maps) {
        let _ = (index, maps);
    }

    /// What a node that computes on the device writes, or what is taken in.
    fn value(&mut self, value: ValueId, maps: &Maps) {
        let _ = (value, maps);
    }
}

/// Watches nothing.
impl Watch for () {}

impl WeightedSum {
    /// Its sums, with its scales and the power of two of what it reads, but for the bias and
    /// the map that is added.
    fn sums(&self, scales: Option<(SumScales, i32)>, share: f32, bits: Bits, maps: Maps) -> Maps {
        let Some(parameters) = &self.parameters else {
            return scales
                .iter()
                .fold(maps, |maps, (scales, _)| times_power(maps, scales.weight));
        };
        let mut weights = parameters.weights.val();
        if let Some((scales, _)) = scales {
            let grid = Grid::of_bits(bits.weights, true, scales.weight).with_share(share);
            weights = ops::quantise(weights, grid, self.exponent(0));
        }
        let weights = weights.cast(maps.dtype());
        if self.place.shape.is_depthwise() {
            let [_, height, width, channels] = weights.dims();
            let weights = weights.reshape([height, width, channels]);
            ops::depthwise(maps, weights, self.place.field)
        } else {
            ops::convolve(maps, weights, self.place.field)
        }
    }

    /// The activations of its sums. `added`: the map that is added to them.
    fn activations(
        &self,
        scales: Option<(SumScales, i32)>,
        share: f32,
        bits: Bits,
        mut maps: Maps,
        mut added: Option<Maps>,
    ) -> Maps {
        let place = self.place;
        let (mut grid, mut exponent) = (Grid::none(place.is_signed), None);
        if let Some((scales, _)) = scales {
            if !place.is_exact {
                grid = match place.shape.makes {
                    Element::Activation => {
                        exponent = self.exponent(1);
                        Grid::of_bits(bits.activations, place.is_signed, scales.activation)
                    }
                    Element::Wide => Grid::wide(scales.activation),
                };
                grid = grid.with_share(share);
            }
            added = added.map(|maps| times_power(maps, scales.added));
        }
        let bias = match &self.parameters {
            Some(parameters) => {
                let mut bias = parameters.bias.val();
                if let Some((scales, input)) = scales {
                    let bits = place.bias_bits(bits);
                    let grid = Grid::of_bits(bits, true, scales.sum_exponent(input));
                    bias = ops::quantise(bias, grid.with_share(share), None);
                }
                bias.cast(maps.dtype())
            }
            None => {
                let options = (&maps.device(), maps.dtype());
                Tensor::zeros([place.shape.outputs as usize], options)
            }
        };
        if let Some(added) = added {
            maps = maps + added;
        }
        ops::activate(maps, bias, grid, exponent)
    }

    /// One of the exponents, where they are learned.
    fn exponent(&self, which: usize) -> Option<Tensor<1>> {
        let exponents = self.exponents.as_ref()?;
        Some(exponents.val().narrow(0, which, 1))
    }
}

/// Times 2 to that power, exactly.
fn times_power(maps: Maps, exponent: i32) -> Maps {
    if exponent == 0 {
        maps
    } else {
        maps * (exponent as f32).exp2()
    }
}

/// A parameter whose identity is its place in the network: an optimizer's record finds
/// it in another process too.
fn parameter<const D: usize>(place: u64, tensor: Tensor<D>) -> Param<Tensor<D>> {
    let (_, tensor, mapper) = Param::from_tensor(tensor).consume();
    Param::from_mapped_value(ParamId::from(place), tensor, mapper)
}

/// A tensor's numbers.
pub(crate) fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    let data = tensor.into_data().convert::<f32>();
    data.try_into_vec().expect("the numbers are f32")
}

/// A network as a declaration writes it: `[28, 28, 1] => < A, C1(5,3), D*(10) >`.
pub(crate) fn as_written(network: &Network) -> String {
    let input = network.input();
    let items = network.items().iter().map(ToString::to_string);
    format!(
        "[{}, {}, {}] => < {} >",
        input.height,
        input.width,
        input.channels,
        items.collect::<Vec<_>>().join(", ")
    )
}
