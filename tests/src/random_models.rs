//! Random 8-bit models: chains of the operators that most published ones are made of.

use crate::tflite_file::{
    AVERAGE_POOL_2D, CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED, Field, MAX_POOL_2D, ModelFile,
    SOFTMAX,
};
use proptest::prelude::*;

/// How a random model is made.
#[derive(Clone, Debug)]
pub struct ModelRecipe {
    /// Rows, columns, channels.
    input: [i32; 3],
    zero_point: i8,
    layers: Vec<LayerRecipe>,
    /// Outputs of a dense layer at the end.
    dense: Option<i32>,
    /// Whether shares are made of the last pixel.
    ends_with_softmax: bool,
    seed: u32,
}

#[derive(Clone, Copy, Debug)]
struct LayerRecipe {
    kind: LayerKind,
    /// Rows and columns.
    kernel: [i32; 2],
    stride: i32,
    is_same: bool,
    outputs: i32,
    /// As the file numbers it: none, ReLU, ReLU6.
    activation: u8,
    zero_point: i8,
    by_channel: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LayerKind {
    Convolution,
    Depthwise,
    Average,
    Maximum,
}

fn layers() -> impl Strategy<Value = LayerRecipe> {
    let kinds = prop_oneof![
        4 => Just(LayerKind::Convolution),
        2 => Just(LayerKind::Depthwise),
        1 => Just(LayerKind::Average),
        1 => Just(LayerKind::Maximum),
    ];
    let zero_point = prop_oneof![3 => Just(-128), 1 => any::<i8>()];
    (
        (kinds, [1..=3_i32, 1..=3_i32], 1..=2_i32, any::<bool>()),
        (
            1..=9_i32,
            prop_oneof![Just(0), Just(1), Just(3)],
            zero_point,
        ),
        any::<bool>(),
    )
        .prop_map(
            |((kind, kernel, stride, is_same), (outputs, activation, zero_point), by_channel)| {
                LayerRecipe {
                    kind,
                    kernel,
                    stride,
                    is_same,
                    outputs,
                    activation,
                    zero_point,
                    by_channel,
                }
            },
        )
}

/// Recipes of models.
pub fn models() -> impl Strategy<Value = ModelRecipe> {
    let zero_point = prop_oneof![2 => Just(-128), 1 => any::<i8>()];
    (
        [1..=9_i32, 1..=9_i32, 1..=3_i32],
        zero_point,
        prop::collection::vec(layers(), 0..=4),
        prop::option::of(1..=12_i32),
        any::<bool>(),
        any::<u32>(),
    )
        .prop_map(
            |(input, zero_point, layers, dense, ends_with_softmax, seed)| ModelRecipe {
                input,
                zero_point,
                layers,
                dense,
                ends_with_softmax,
                seed,
            },
        )
}

/// A map in the making.
struct Map {
    tensor: i32,
    shape: [i32; 3],
    scale: f32,
    zero_point: i8,
}

struct Drawn(u32);

impl Drawn {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0 >> 8
    }

    fn weights(&mut self, count: i32) -> Vec<i8> {
        (0..count).map(|_| (self.next() >> 8) as i8).collect()
    }

    fn biases(&mut self, count: i32, terms: i32) -> Vec<i32> {
        let reach = 5000 * terms;
        let biases = (0..count).map(|_| self.next() as i32 % (2 * reach) - reach);
        biases.collect()
    }
}

impl ModelRecipe {
    /// The model's file. Layers that the map has no room for are left out.
    pub fn file(&self) -> Vec<u8> {
        let mut file = ModelFile::default();
        let mut drawn = Drawn(self.seed);
        let [height, width, channels] = self.input;
        let scale = 1.0 / 64.0;
        let tensor = file.scaled(&[1, height, width, channels], (scale, self.zero_point));
        let mut map = Map {
            tensor,
            shape: self.input,
            scale,
            zero_point: self.zero_point,
        };
        file.inputs = vec![tensor];
        for layer in &self.layers {
            map = layer.add(&mut file, map, &mut drawn);
        }
        let values = map.shape.iter().product::<i32>();
        if let Some(outputs) = self.dense {
            let weights = drawn.weights(values * outputs);
            let weights = file.weights(&[outputs, values], &weights);
            let biases = drawn.biases(outputs, values);
            let biases = file.ints(&[outputs], &biases);
            let scale = spread(map.scale, values);
            let scores = file.scaled(&[1, outputs], (scale, 5));
            let reads = [map.tensor, weights, biases];
            file.operator(FULLY_CONNECTED, &reads, &[scores], Vec::new());
            map = Map {
                tensor: scores,
                shape: [1, 1, outputs],
                scale,
                zero_point: 5,
            };
        }
        if self.ends_with_softmax && self.dense.is_some() {
            let shares = file.scaled(&[1, map.shape[2]], (1.0 / 256.0, -128));
            let options = vec![(0, Field::Float(1.0))];
            file.operator(SOFTMAX, &[map.tensor], &[shares], options);
            map.tensor = shares;
        }
        file.outputs = vec![map.tensor];
        file.bytes()
    }
}

/// The scale of sums of that many products that spreads them over all bytes: weights are of 1/64.
fn spread(scale: f32, terms: i32) -> f32 {
    scale / 64.0 * 100.0 * (terms as f32).sqrt()
}

impl LayerRecipe {
    fn add(&self, file: &mut ModelFile, map: Map, drawn: &mut Drawn) -> Map {
        let [height, width, channels] = map.shape;
        let [rows, columns] = [self.kernel[0].min(height), self.kernel[1].min(width)];
        let pools = match self.kind {
            LayerKind::Average | LayerKind::Maximum => true,
            LayerKind::Convolution | LayerKind::Depthwise => false,
        };
        let is_same = self.is_same && !pools;
        let side = |side: i32, kernel: i32| match is_same {
            true => (side + self.stride - 1) / self.stride,
            false => (side - kernel) / self.stride + 1,
        };
        let (below, across) = (side(height, rows), side(width, columns));
        let mut options = vec![
            (0, Field::Byte(u8::from(!is_same))),
            (1, Field::Int(self.stride)),
            (2, Field::Int(self.stride)),
        ];
        let shape = |channels: i32| [1, below, across, channels];
        if pools {
            options.extend([(3, Field::Int(columns)), (4, Field::Int(rows))]);
            let tensor = file.scaled(&shape(channels), (map.scale, map.zero_point));
            let code = match self.kind {
                LayerKind::Average => AVERAGE_POOL_2D,
                LayerKind::Convolution | LayerKind::Depthwise | LayerKind::Maximum => MAX_POOL_2D,
            };
            file.operator(code, &[map.tensor], &[tensor], options);
            return Map {
                tensor,
                shape: [below, across, channels],
                ..map
            };
        }
        let is_depthwise = self.kind == LayerKind::Depthwise;
        let (outputs, terms) = match is_depthwise {
            true if channels == 1 => (self.outputs, rows * columns),
            true => (channels, rows * columns),
            false => (self.outputs, rows * columns * channels),
        };
        let (weights_shape, axis, code) = match is_depthwise {
            true => ([1, rows, columns, outputs], 3, DEPTHWISE_CONV_2D),
            false => ([outputs, rows, columns, channels], 0, CONV_2D),
        };
        let weights = drawn.weights(weights_shape.iter().product());
        let scales = (0..outputs).map(|output| (1.0 + output as f32 / 7.0) / 64.0);
        let weights = match self.by_channel {
            true => file.weights_by_channel(&weights_shape, &weights, (scales.collect(), axis)),
            false => file.weights(&weights_shape, &weights),
        };
        let biases = drawn.biases(outputs, terms);
        let biases = file.ints(&[outputs], &biases);
        if is_depthwise {
            options.push((3, Field::Int(outputs / channels)));
        }
        let field = if is_depthwise { 4 } else { 3 };
        options.push((field, Field::Byte(self.activation)));
        let scale = spread(map.scale, terms);
        let tensor = file.scaled(&shape(outputs), (scale, self.zero_point));
        file.operator(code, &[map.tensor, weights, biases], &[tensor], options);
        Map {
            tensor,
            shape: [below, across, outputs],
            scale,
            zero_point: self.zero_point,
        }
    }
}
