//! The tensors that a network's weights file has to hold.

use safetensors::Dtype;

use crate::network::{LayerId, LayerKind, Network};

/// What a tensor is to its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// I8.
    Weight,
    /// I16, one an output.
    Bias,
    /// U8, `[left, right]`.
    Shift,
}

impl Role {
    /// The type of its values.
    pub fn dtype(self) -> Dtype {
        match self {
            Role::Weight => Dtype::I8,
            Role::Bias => Dtype::I16,
            Role::Shift => Dtype::U8,
        }
    }
}

/// One tensor of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedTensor {
    /// `1.weight`, `2.depthwise.bias`, …
    pub name: String,
    /// The layer that it belongs to.
    pub layer: LayerId,
    /// What it is to that layer.
    pub role: Role,
    /// Values along each axis.
    pub shape: Vec<usize>,
    /// What the axes are: `[out, rows, columns, in]`.
    pub axes: &'static str,
}

/// Every tensor that the file has to hold, in the order of layers.
pub fn expected_tensors(network: &Network) -> Vec<ExpectedTensor> {
    let mut tensors = Vec::new();
    for layer in network.layers() {
        let inputs = layer.input.channels;
        let mut sum = |half: &str, axes, weight: &[u32], outputs: u32| {
            for (role, name, axes, shape) in [
                (Role::Weight, "weight", axes, weight),
                (Role::Bias, "bias", "[out]", &[outputs][..]),
                (Role::Shift, "shift", "[left, right]", &[2]),
            ] {
                tensors.push(ExpectedTensor {
                    name: format!("{}.{half}{name}", layer.id),
                    layer: layer.id,
                    role,
                    shape: shape.iter().map(|&length| length as usize).collect(),
                    axes,
                });
            }
        };
        match layer.kind {
            LayerKind::Convolution {
                outputs, kernel, ..
            } => {
                let weight = [outputs, kernel.height, kernel.width, inputs];
                sum("", "[out, rows, columns, in]", &weight, outputs);
            }
            LayerKind::Separable {
                outputs, kernel, ..
            } => {
                let depthwise = [kernel.height, kernel.width, inputs];
                sum("depthwise.", "[rows, columns, in]", &depthwise, inputs);
                sum("pointwise.", "[out, in]", &[outputs, inputs], outputs);
            }
            LayerKind::Dense { outputs, .. } => {
                sum("", "[out, in]", &[outputs, layer.input.values()], outputs);
            }
            LayerKind::AveragePool { .. }
            | LayerKind::MaxPool { .. }
            | LayerKind::Dropout { .. } => {}
        }
    }
    tensors
}
