//! A naive evaluator: the design's "What a network computes" written down as
//! it stands, with nothing shared with the compiler's later stages. The network
//! only says which nodes there are, what they read and what they are to compute.

use crate::kinds;
use crate::windows::Windows;
use herringbone_compiler::network::{
    Activation, Kind, LayerId, Network, Node, NodeId, Pool, PoolFunction, Shape, ValueId,
};
use herringbone_compiler::weights::{OwnParameters, Parameters, Weights};

/// The values of a map, row-major, channels last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureMap {
    pub shape: Shape,
    pub values: Vec<i64>,
}

impl FeatureMap {
    fn filled_by(shape: Shape, mut value: impl FnMut((u32, u32), u32) -> i64) -> Self {
        let mut values = Vec::new();
        for row in 0..shape.height {
            for column in 0..shape.width {
                for channel in 0..shape.channels {
                    values.push(value((row, column), channel));
                }
            }
        }
        Self { shape, values }
    }

    /// The value of a pixel's channel.
    pub fn at(&self, (row, column): (u32, u32), channel: u32) -> i64 {
        let Shape {
            width, channels, ..
        } = self.shape;
        self.values[((row * width + column) * channels + channel) as usize]
    }

    /// Of a place under a window: padding is 0.
    fn at_tap(&self, pixel: Option<(u32, u32)>, channel: u32) -> i64 {
        pixel.map_or(0, |pixel| self.at(pixel, channel))
    }
}

/// What a network computes from one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The input as every layer but an `A` takes it: bytes shifted down to
    /// activations.
    pub input: FeatureMap,
    /// What every node gives, those of training included.
    pub nodes: Vec<FeatureMap>,
    /// The node that writes each value; `None` of the input.
    makers: Vec<Option<NodeId>>,
    /// The node that writes the results.
    last: NodeId,
    /// The last node of each layer of the list.
    layers: Vec<NodeId>,
}

impl Trace {
    /// The network's results.
    pub fn results(&self) -> &[i64] {
        &self.node(self.last).values
    }

    /// The index of the first largest result.
    pub fn class(&self) -> usize {
        let largest = self.results().iter().max();
        let of_largest = self
            .results()
            .iter()
            .position(|value| Some(value) == largest);
        of_largest.expect("a network has results")
    }

    /// What that node gives.
    pub fn node(&self, id: NodeId) -> &FeatureMap {
        &self.nodes[id.index()]
    }

    /// That value.
    pub fn value(&self, id: ValueId) -> &FeatureMap {
        match self.makers[id.index()] {
            Some(maker) => self.node(maker),
            None => &self.input,
        }
    }

    /// What that layer of the list gives.
    pub fn layer(&self, id: LayerId) -> &FeatureMap {
        self.node(self.layers[id.0])
    }
}

/// Evaluates a network on the bytes of one input.
pub fn evaluate(network: &Network, weights: &Weights, input: &[u8]) -> Trace {
    let mut evaluator = Evaluator::new(network, input);
    for node in network.nodes() {
        evaluator.step(node, weights.node(node.id), weights.own(node.id));
    }
    evaluator.trace
}

/// What a network whose inputs have `input_rows` gives after all rows of `network`'s input, which
/// has more: of each cell the states go on.
pub fn evaluate_on(network: &Network, weights: &Weights, input: &[u8], input_rows: u32) -> Trace {
    let mut evaluator = Evaluator::new(network, input);
    evaluator.input_rows = input_rows;
    for node in network.nodes() {
        evaluator.step(node, weights.node(node.id), weights.own(node.id));
    }
    evaluator.trace
}

/// An evaluation, node by node.
pub(crate) struct Evaluator<'a> {
    network: &'a Network,
    /// Rows of an input.
    input_rows: u32,
    raw: FeatureMap,
    trace: Trace,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(network: &'a Network, input: &[u8]) -> Self {
        let shape = network.input();
        assert_eq!(input.len(), shape.values() as usize);
        let bits = network.bits().activations;
        let raw = FeatureMap {
            shape,
            values: input.iter().map(|&byte| i64::from(byte)).collect(),
        };
        let shortened = raw.values.iter().map(|byte| byte >> (8 - bits));
        let trace = Trace {
            input: FeatureMap {
                shape,
                values: shortened.collect(),
            },
            nodes: Vec::new(),
            makers: vec![None; network.values().len()],
            last: NodeId::new(0),
            layers: Vec::new(),
        };
        Self {
            network,
            input_rows: shape.height,
            raw,
            trace,
        }
    }

    /// Evaluates the next node.
    pub(crate) fn step(&mut self, node: &Node, parameters: &[Parameters], own: &OwnParameters) {
        // The only value that nobody reads.
        let is_last = node.writes == self.network.output_value();
        let output = match own {
            OwnParameters::None => self.compute(node, parameters, is_last),
            own => self.compute_own(node, own),
        };
        assert_eq!(output.shape, node.output, "node {}", node.id);
        let trace = &mut self.trace;
        trace.nodes.push(output);
        if !node.is_training_only() {
            trace.makers[node.writes.index()] = Some(node.id);
            trace.last = node.id;
        }
        trace.layers.truncate(node.layer.0);
        trace.layers.push(node.id);
    }

    /// What a recurrent cell, a tree or prototypes make of the values before them.
    fn compute_own(&self, node: &Node, own: &OwnParameters) -> FeatureMap {
        let map = self.trace.value(node.reads[0]);
        let scores = |values| FeatureMap {
            shape: node.output,
            values,
        };
        match (own, node.kind) {
            (OwnParameters::Recurrent(cells), Kind::Recurrent(kind)) => {
                kinds::recurrent(map, &kind, cells, self.input_rows)
            }
            (OwnParameters::Tree(own), Kind::Tree(tree)) => {
                scores(kinds::tree(&map.values, &tree, own))
            }
            (OwnParameters::Prototypes(own), Kind::Prototypes(kind)) => {
                scores(kinds::prototypes(&map.values, kind.classes, own))
            }
            (own, kind) => unreachable!("{own:?} of {kind}"),
        }
    }

    /// What a node makes of the values before it; where it is `exact` and has no
    /// activation, its sums.
    pub(crate) fn compute(
        &self,
        node: &Node,
        parameters: &[Parameters],
        exact: bool,
    ) -> FeatureMap {
        let bits = self.network.bits().activations;
        let map = self.trace.value(node.reads[0]);
        let windows = Windows::of(&node.kind, map.shape);
        let finish = |activation, adds: bool| Finish {
            after: match activation {
                Activation::Relu => After::Relu,
                Activation::Linear if exact => After::Nothing,
                Activation::Linear => After::Clamp,
            },
            added: adds.then(|| self.trace.value(node.reads[1])),
            bits,
        };
        match node.kind {
            Kind::Pool(Pool { function, .. }) => match function {
                PoolFunction::Average if node.reads[0] == self.network.input_value() => {
                    pool(&self.raw, &windows, |values| {
                        let sum: i64 = values.iter().sum();
                        (sum << bits).div_euclid(256 * values.len() as i64)
                    })
                }
                PoolFunction::Average => pool(map, &windows, |values| {
                    let sum: i64 = values.iter().sum();
                    sum.div_euclid(values.len() as i64)
                }),
                PoolFunction::Maximum => pool(map, &windows, |values| {
                    *values.iter().max().expect("a window has pixels")
                }),
            },
            Kind::Convolution(kind) => {
                let finish = finish(kind.activation, kind.adds);
                convolution(map, &windows, kind.outputs, &parameters[0], finish)
            }
            Kind::Depthwise(kind) => {
                let finish = finish(kind.activation, kind.adds);
                depthwise(map, &windows, &parameters[0], finish)
            }
            Kind::Separable(kind) => {
                let between = Finish {
                    after: After::Clamp,
                    added: None,
                    bits,
                };
                let between = depthwise(map, &windows, &parameters[0], between);
                let finish = finish(kind.activation, kind.adds);
                pointwise(&between, kind.outputs, &parameters[1], finish)
            }
            Kind::Dense(kind) => {
                let finish = finish(kind.activation, kind.adds);
                dense(map, kind.outputs, &parameters[0], finish)
            }
            Kind::Add(kind) => {
                let finish = finish(kind.activation, true);
                FeatureMap::filled_by(map.shape, |pixel, channel| {
                    let x = map.at(pixel, channel);
                    finish.activation(x, 0, &parameters[0], pixel, channel)
                })
            }
            Kind::Concat(_) => {
                let mut values = Vec::new();
                for pixel in 0..map.shape.pixels() as usize {
                    for &read in &node.reads {
                        let FeatureMap {
                            shape,
                            values: part,
                        } = self.trace.value(read);
                        let channels = shape.channels as usize;
                        values.extend(&part[pixel * channels..][..channels]);
                    }
                }
                FeatureMap {
                    shape: node.output,
                    values,
                }
            }
            Kind::Projection(_) => FeatureMap {
                shape: node.output,
                values: kinds::projection(map, &parameters[0]),
            },
            Kind::Recurrent(_) | Kind::Tree(_) | Kind::Prototypes(_) => {
                unreachable!("{node} has parameters of its own")
            }
            Kind::Dropout(_) | Kind::Noise(_) => map.clone(),
        }
    }
}

/// What follows a sum.
#[derive(Clone, Copy)]
enum After {
    Relu,
    Clamp,
    Nothing,
}

/// What becomes of `Σ w·x`.
#[derive(Clone, Copy)]
struct Finish<'a> {
    after: After,
    /// The labelled map that is added.
    added: Option<&'a FeatureMap>,
    bits: u32,
}

impl Finish<'_> {
    /// `t = (Σ w·x << left) + bias + (s << skip)`, and what follows it.
    fn activation(
        &self,
        sum: i64,
        bias: i64,
        parameters: &Parameters,
        pixel: (u32, u32),
        output: u32,
    ) -> i64 {
        let shift = parameters.shift;
        let skipped = self
            .added
            .map_or(0, |map| map.at(pixel, output) << shift.skip);
        let t = (sum << shift.left) + bias + skipped;
        let (bits, right) = (self.bits, shift.right);
        match self.after {
            After::Relu => round_half_even(t.max(0), right).min((1 << bits) - 1),
            After::Clamp => {
                round_half_even(t, right).clamp(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
            }
            After::Nothing => t,
        }
    }

    fn sum(&self, sum: i64, parameters: &Parameters, pixel: (u32, u32), output: u32) -> i64 {
        let bias = i64::from(parameters.bias[output as usize]);
        self.activation(sum, bias, parameters, pixel, output)
    }
}

/// A value of each window and channel.
fn pool(map: &FeatureMap, windows: &Windows, value: impl Fn(&[i64]) -> i64) -> FeatureMap {
    let (height, width) = windows.outputs();
    let shape = Shape::new(height, width, map.shape.channels);
    FeatureMap::filled_by(shape, |pixel, channel| {
        let pixels = windows.pixels(pixel).into_iter();
        let values: Vec<i64> = pixels.map(|pixel| map.at(pixel, channel)).collect();
        value(&values)
    })
}

/// Weights `[out, rows, columns, in]`.
fn convolution(
    map: &FeatureMap,
    windows: &Windows,
    outputs: u32,
    parameters: &Parameters,
    finish: Finish<'_>,
) -> FeatureMap {
    let (height, width) = windows.outputs();
    let inputs = map.shape.channels;
    FeatureMap::filled_by(Shape::new(height, width, outputs), |pixel, output| {
        let taps = windows.taps(pixel);
        let first = output as usize * taps.len() * inputs as usize;
        let weights = &parameters.weight[first..][..taps.len() * inputs as usize];
        let mut sum = 0;
        for (tap, weights) in taps.iter().zip(weights.chunks(inputs as usize)) {
            for (input, &weight) in (0..).zip(weights) {
                sum += i64::from(weight) * map.at_tap(tap.pixel, input);
            }
        }
        finish.sum(sum, parameters, pixel, output)
    })
}

/// Weights `[rows, columns, in]`.
fn depthwise(
    map: &FeatureMap,
    windows: &Windows,
    parameters: &Parameters,
    finish: Finish<'_>,
) -> FeatureMap {
    let (height, width) = windows.outputs();
    let channels = map.shape.channels;
    FeatureMap::filled_by(Shape::new(height, width, channels), |pixel, channel| {
        let taps = windows.taps(pixel);
        let weights = parameters.weight.chunks(channels as usize);
        assert_eq!(weights.len(), taps.len());
        let products = taps.iter().zip(weights).map(|(tap, weights)| {
            i64::from(weights[channel as usize]) * map.at_tap(tap.pixel, channel)
        });
        finish.sum(products.sum(), parameters, pixel, channel)
    })
}

/// Weights `[out, in]`, the same for each pixel.
fn pointwise(
    map: &FeatureMap,
    outputs: u32,
    parameters: &Parameters,
    finish: Finish<'_>,
) -> FeatureMap {
    let Shape {
        height,
        width,
        channels,
    } = map.shape;
    FeatureMap::filled_by(Shape::new(height, width, outputs), |pixel, output| {
        let weights = &parameters.weight[(output * channels) as usize..];
        let products =
            (0..channels).map(|input| i64::from(weights[input as usize]) * map.at(pixel, input));
        finish.sum(products.sum(), parameters, pixel, output)
    })
}

/// Weights `[out, in]`, inputs in flattening order.
fn dense(
    map: &FeatureMap,
    outputs: u32,
    parameters: &Parameters,
    finish: Finish<'_>,
) -> FeatureMap {
    let inputs = map.values.len();
    FeatureMap::filled_by(Shape::new(1, 1, outputs), |pixel, output| {
        let weights = &parameters.weight[output as usize * inputs..][..inputs];
        let products = weights.iter().zip(&map.values);
        let sum = products.map(|(&weight, x)| i64::from(weight) * x).sum();
        finish.sum(sum, parameters, pixel, output)
    })
}

/// `t / 2^right`, rounded to nearest, halves to even.
fn round_half_even(t: i64, right: u8) -> i64 {
    let divisor = 1i64 << right;
    // ⌊t / divisor + 1/2⌋ is the nearest, and the upper one of a tie.
    let nearest = (2 * t + divisor).div_euclid(2 * divisor);
    let tie = (2 * t + divisor).rem_euclid(2 * divisor) == 0;
    if tie && nearest % 2 != 0 {
        nearest - 1
    } else {
        nearest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_that_of_ieee_754() {
        for right in 0..=8 {
            for t in -1100..1100 {
                let exact = (t as f64 / f64::from(1 << right)).round_ties_even();
                assert_eq!(round_half_even(t, right) as f64, exact, "{t} / 2^{right}");
            }
        }
    }
}
