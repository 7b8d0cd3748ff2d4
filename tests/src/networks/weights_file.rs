//! The numbers of a weights file: what fills its tensors, and its bytes.

use herringbone_compiler::network::{Bits, LayerKind, Network};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

/// The parameters of one sum.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    pub(super) weights: Fill,
    pub(super) biases: Fill,
    /// Bits by which the biases are made smaller.
    pub(super) bias_shift: u32,
    pub(super) left: u8,
    pub(super) right: Right,
}

/// A shift to the right.
#[derive(Clone, Copy, Debug)]
pub(super) enum Right {
    /// By about as much as brings a sum to the bits of an activation.
    Near(i32),
    Exactly(u8),
}

/// How a tensor is filled.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fill {
    /// Any values.
    Random(u64),
    /// The least and the greatest value, in turn at random.
    Extremes(u64),
    /// Any values, most of them 0.
    Sparse(u64),
    /// The greatest value.
    Greatest,
    /// The least value.
    Least,
}

impl Fill {
    pub(super) fn values(self, low: i64, high: i64, count: u32) -> Vec<i64> {
        let mut state = match self {
            Fill::Random(seed) | Fill::Extremes(seed) | Fill::Sparse(seed) => seed,
            Fill::Greatest | Fill::Least => 0,
        };
        let mut values = Vec::new();
        for _ in 0..count {
            let random = split_mix(&mut state);
            values.push(match self {
                Fill::Sparse(_) if !(random >> 32).is_multiple_of(4) => 0,
                Fill::Random(_) | Fill::Sparse(_) => {
                    low + (random % (high - low + 1) as u64) as i64
                }
                Fill::Extremes(_) if random & 1 == 0 => low,
                Fill::Extremes(_) | Fill::Greatest => high,
                Fill::Least => low,
            });
        }
        values
    }
}

/// SplitMix64 (Steele, Lea & Flood, OOPSLA 2014).
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// A weights file in which every weight is the greatest of its bits.
pub fn greatest_weights(network: &Network) -> Vec<u8> {
    let numbers = vec![vec![Numbers::PLAIN; 2]; network.layers().len()];
    weights_file(network, &numbers)
}

/// The bytes of a weights file, from the numbers of each layer's sums.
pub(super) fn weights_file(network: &Network, numbers: &[Vec<Numbers>]) -> Vec<u8> {
    let mut tensors = Tensors {
        bits: network.bits(),
        list: Vec::new(),
    };
    for (layer, numbers) in network.layers().iter().zip(numbers) {
        let (id, inputs) = (layer.id, layer.input.channels);
        match (layer.kind, numbers.as_slice()) {
            (
                LayerKind::Convolution {
                    outputs, kernel, ..
                },
                [numbers, ..],
            ) => {
                let shape = [outputs, kernel.height, kernel.width, inputs];
                tensors.add(&format!("{id}"), &shape, outputs, numbers);
            }
            (
                LayerKind::Separable {
                    outputs, kernel, ..
                },
                [depthwise, pointwise],
            ) => {
                let shape = [kernel.height, kernel.width, inputs];
                tensors.add(&format!("{id}.depthwise"), &shape, inputs, depthwise);
                let shape = [outputs, inputs];
                tensors.add(&format!("{id}.pointwise"), &shape, outputs, pointwise);
            }
            (LayerKind::Dense { outputs, .. }, [numbers, ..]) => {
                let shape = [outputs, layer.input.values()];
                tensors.add(&format!("{id}"), &shape, outputs, numbers);
            }
            _ => {}
        }
    }
    tensors.into_file()
}

impl Numbers {
    pub(super) const PLAIN: Self = Self {
        weights: Fill::Greatest,
        biases: Fill::Random(0),
        bias_shift: 12,
        left: 0,
        right: Right::Near(0),
    };
}

/// The tensors of a weights file, as the design names them.
struct Tensors {
    bits: Bits,
    list: Vec<(String, Dtype, Vec<usize>, Vec<u8>)>,
}

impl Tensors {
    /// The weight, bias and shift of one sum.
    fn add(&mut self, prefix: &str, shape: &[u32], outputs: u32, numbers: &Numbers) {
        let range = |bits: u32| (-(1i64 << (bits - 1)), (1i64 << (bits - 1)) - 1);
        let count = shape.iter().product::<u32>();
        let (low, high) = range(self.bits.weights);
        let weight = numbers.weights.values(low, high, count);
        let (low, high) = range(self.bits.biases);
        let bias = numbers.biases.values(low, high, outputs);
        // Random weights and activations add up like the square root of their count.
        let inputs_log2 = (count / outputs).ilog2() as i32;
        let near = self.bits.weights as i32 - 2 + inputs_log2 / 2 + i32::from(numbers.left);
        let right = match numbers.right {
            Right::Near(more) => (near + more).clamp(0, 20) as u8,
            Right::Exactly(right) => right,
        };
        let mut tensor = |name: &str, dtype, shape: &[u32], bytes| {
            let shape = shape.iter().map(|&length| length as usize).collect();
            self.list
                .push((format!("{prefix}.{name}"), dtype, shape, bytes));
        };
        let weight = weight.iter().map(|&value| value as i8 as u8).collect();
        tensor("weight", Dtype::I8, shape, weight);
        let bias = bias
            .iter()
            .flat_map(|&value| ((value >> numbers.bias_shift) as i16).to_le_bytes());
        tensor("bias", Dtype::I16, &[outputs], bias.collect());
        tensor("shift", Dtype::U8, &[2], vec![numbers.left, right]);
    }

    fn into_file(self) -> Vec<u8> {
        let views = self.list.iter().map(|(name, dtype, shape, bytes)| {
            let view = TensorView::new(*dtype, shape.clone(), bytes);
            (name, view.expect("as many bytes as the shape says"))
        });
        safetensors::serialize(views, None).expect("tensors make a file")
    }
}
