//! A naive evaluator: the design's "What a network computes" written down as
//! it stands, with nothing shared with the compiler's later stages.

use herringbone_compiler::network::{Activation, Kernel, LayerKind, Network, Shape};
use herringbone_compiler::weights::{LayerParameters, Parameters, Shift, Weights};

/// The values of a map, row-major, channels last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureMap {
    /// Its shape.
    pub shape: Shape,
    /// Its values.
    pub values: Vec<i64>,
}

impl FeatureMap {
    fn filled_by(shape: Shape, mut value: impl FnMut(u32, u32, u32) -> i64) -> Self {
        let mut values = Vec::new();
        for row in 0..shape.height {
            for column in 0..shape.width {
                for channel in 0..shape.channels {
                    values.push(value(row, column, channel));
                }
            }
        }
        Self { shape, values }
    }

    fn at(&self, row: u32, column: u32, channel: u32) -> i64 {
        let Shape {
            width, channels, ..
        } = self.shape;
        self.values[((row * width + column) * channels + channel) as usize]
    }
}

/// What a network computes from one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The input as the first layer takes it: raw bytes for an `A`, shifted
    /// down to activations for every other.
    pub input: FeatureMap,
    /// Every layer's output, dropout included.
    pub layers: Vec<FeatureMap>,
}

impl Trace {
    /// The network's results.
    pub fn results(&self) -> &[i64] {
        &self.layers.last().expect("a network has layers").values
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
}

/// Evaluates a network on the bytes of one input.
pub fn evaluate(network: &Network, weights: &Weights, input: &[u8]) -> Trace {
    let shape = network.input();
    assert_eq!(input.len(), shape.values() as usize);
    let bits = network.bits().activations;
    let raw = FeatureMap {
        shape,
        values: input.iter().map(|&byte| i64::from(byte)).collect(),
    };
    let first = network
        .computing_layers()
        .next()
        .expect("a network computes")
        .id;
    let last = network.last_layer().id;
    let input = match network.layer(first).kind {
        LayerKind::AveragePool { .. } => raw,
        _ => FeatureMap {
            shape,
            values: raw.values.iter().map(|byte| byte >> (8 - bits)).collect(),
        },
    };
    let mut layers: Vec<FeatureMap> = Vec::new();
    for layer in network.layers() {
        let map = layers.last().unwrap_or(&input);
        let after = |activation| match activation {
            Activation::Relu => After::Relu,
            Activation::Linear if layer.id == last => After::Nothing,
            Activation::Linear => After::Clamp,
        };
        let output = match (layer.kind, weights.layer(layer.id)) {
            (LayerKind::AveragePool { window }, _) if layer.id == first => {
                let pixels = i64::from(window.height * window.width);
                pool(map, window, |values| {
                    (values.iter().sum::<i64>() << bits).div_euclid(256 * pixels)
                })
            }
            (LayerKind::AveragePool { window }, _) => {
                let pixels = i64::from(window.height * window.width);
                pool(map, window, |values| {
                    values.iter().sum::<i64>().div_euclid(pixels)
                })
            }
            (LayerKind::MaxPool { window }, _) => pool(map, window, |values| {
                *values.iter().max().expect("a window has pixels")
            }),
            (
                LayerKind::Convolution {
                    outputs,
                    kernel,
                    activation,
                },
                LayerParameters::Single(parameters),
            ) => convolution(map, outputs, kernel, parameters, after(activation), bits),
            (
                LayerKind::Separable {
                    outputs,
                    kernel,
                    activation,
                },
                LayerParameters::Separable {
                    depthwise: first_half,
                    pointwise,
                },
            ) => {
                let between = depthwise(map, kernel, first_half, bits);
                let one = Kernel::square(1);
                convolution(&between, outputs, one, pointwise, after(activation), bits)
            }
            (
                LayerKind::Dense {
                    outputs,
                    activation,
                },
                LayerParameters::Single(parameters),
            ) => dense(map, outputs, parameters, after(activation), bits),
            (LayerKind::Dropout { .. }, _) => map.clone(),
            (kind, parameters) => panic!("{kind:?} with {parameters:?}"),
        };
        assert_eq!(output.shape, layer.output, "layer {}", layer.id);
        layers.push(output);
    }
    Trace { input, layers }
}

/// What follows a sum.
#[derive(Clone, Copy)]
enum After {
    Relu,
    Clamp,
    Nothing,
}

/// Windows of k×k, stride k; a last row or column that fills none is dropped.
fn pool(map: &FeatureMap, window: Kernel, value: impl Fn(&[i64]) -> i64) -> FeatureMap {
    let shape = Shape::new(
        map.shape.height / window.height,
        map.shape.width / window.width,
        map.shape.channels,
    );
    FeatureMap::filled_by(shape, |row, column, channel| {
        let mut values = Vec::new();
        for y in 0..window.height {
            for x in 0..window.width {
                values.push(map.at(row * window.height + y, column * window.width + x, channel));
            }
        }
        value(&values)
    })
}

fn valid(map: &FeatureMap, kernel: Kernel, channels: u32) -> Shape {
    Shape::new(
        map.shape.height - kernel.height + 1,
        map.shape.width - kernel.width + 1,
        channels,
    )
}

fn convolution(
    map: &FeatureMap,
    outputs: u32,
    kernel: Kernel,
    parameters: &Parameters,
    after: After,
    bits: u32,
) -> FeatureMap {
    let inputs = map.shape.channels;
    FeatureMap::filled_by(valid(map, kernel, outputs), |row, column, output| {
        let mut sum = 0;
        for y in 0..kernel.height {
            for x in 0..kernel.width {
                for input in 0..inputs {
                    let index = ((output * kernel.height + y) * kernel.width + x) * inputs + input;
                    let weight = i64::from(parameters.weight[index as usize]);
                    sum += weight * map.at(row + y, column + x, input);
                }
            }
        }
        finish(sum, parameters, output, after, bits)
    })
}

fn depthwise(map: &FeatureMap, kernel: Kernel, parameters: &Parameters, bits: u32) -> FeatureMap {
    let channels = map.shape.channels;
    FeatureMap::filled_by(valid(map, kernel, channels), |row, column, channel| {
        let mut sum = 0;
        for y in 0..kernel.height {
            for x in 0..kernel.width {
                let index = (y * kernel.width + x) * channels + channel;
                let weight = i64::from(parameters.weight[index as usize]);
                sum += weight * map.at(row + y, column + x, channel);
            }
        }
        finish(sum, parameters, channel, After::Clamp, bits)
    })
}

fn dense(
    map: &FeatureMap,
    outputs: u32,
    parameters: &Parameters,
    after: After,
    bits: u32,
) -> FeatureMap {
    let inputs = map.values.len();
    FeatureMap::filled_by(Shape::new(1, 1, outputs), |_, _, output| {
        let mut sum = 0;
        for input in 0..inputs {
            let weight = i64::from(parameters.weight[output as usize * inputs + input]);
            sum += weight * map.values[input];
        }
        finish(sum, parameters, output, after, bits)
    })
}

/// `t = (Σ w·x << left) + bias`, and what follows it.
fn finish(sum: i64, parameters: &Parameters, output: u32, after: After, bits: u32) -> i64 {
    let Shift { left, right } = parameters.shift;
    let t = (sum << left) + i64::from(parameters.bias[output as usize]);
    match after {
        After::Relu => round_half_even(t.max(0), right).min((1 << bits) - 1),
        After::Clamp => round_half_even(t, right).clamp(-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
        After::Nothing => t,
    }
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
