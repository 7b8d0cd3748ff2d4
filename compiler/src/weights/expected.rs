//! The tensors that a network's weights file has to hold.

use safetensors::Dtype;

use crate::network::{LayerId, Network, Node, SumShape, TensorDtype, TensorRole};

/// What a tensor is to its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// I8.
    Weight,
    /// I16, one an output.
    Bias,
    /// I32, one an output of a sum that reads or makes wide values.
    WideBias,
    /// U8: the shifts, as [`SumShape::shifts`](crate::network::SumShape::shifts)
    /// names them.
    Shift,
    /// One that is not of a weighted sum.
    Own(TensorRole, TensorDtype),
}

impl Role {
    /// The type of its values.
    pub fn dtype(self) -> Dtype {
        match self {
            Role::Weight => Dtype::I8,
            Role::Bias => Dtype::I16,
            Role::WideBias => Dtype::I32,
            Role::Shift => Dtype::U8,
            Role::Own(_, TensorDtype::I8) => Dtype::I8,
            Role::Own(_, TensorDtype::I16) => Dtype::I16,
            Role::Own(_, TensorDtype::I32) => Dtype::I32,
            Role::Own(_, TensorDtype::U8) => Dtype::U8,
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

/// What the biases of a sum are.
pub(super) const fn bias_role(sum: &SumShape) -> Role {
    match sum.has_wide_biases() {
        true => Role::WideBias,
        false => Role::Bias,
    }
}

/// The name of a tensor that is not of a weighted sum: `0.input.weight`, `1.mix`.
pub(super) fn own_tensor_name(node: &Node, role: TensorRole) -> String {
    format!("{}.{}{}", node.layer, node.part.prefix(), role.name())
}

/// The name of a tensor: `1.weight`, `2.depthwise.bias`, `3.first.shift`.
pub(super) fn tensor_name(node: &Node, sum: &SumShape, role: Role) -> String {
    let (layer, part, half) = (node.layer, node.part.prefix(), sum.half.prefix());
    let name = match role {
        Role::Weight => "weight",
        Role::Bias | Role::WideBias => "bias",
        Role::Shift => "shift",
        Role::Own(role, _) => role.name(),
    };
    format!("{layer}.{part}{half}{name}")
}

/// Every tensor that the file has to hold, in the order of layers.
pub fn expected_tensors(network: &Network) -> Vec<ExpectedTensor> {
    let mut tensors = Vec::new();
    for node in network.nodes() {
        for sum in node.sums() {
            let mut add = |role, axes, shape: &[u32]| {
                tensors.push(ExpectedTensor {
                    name: tensor_name(node, &sum, role),
                    layer: node.layer,
                    role,
                    shape: shape.iter().map(|&length| length as usize).collect(),
                    axes,
                });
            };
            if let Some((shape, axes)) = sum.tensor() {
                add(Role::Weight, axes, &shape);
                add(bias_role(&sum), "[out]", &[sum.outputs]);
            }
            let (shifts, axes) = sum.shifts();
            add(Role::Shift, axes, &[shifts.len() as u32]);
        }
        for tensor in node.tensors() {
            tensors.push(ExpectedTensor {
                name: own_tensor_name(node, tensor.role),
                layer: node.layer,
                role: Role::Own(tensor.role, tensor.dtype),
                shape: tensor.shape.iter().map(|&length| length as usize).collect(),
                axes: tensor.axes,
            });
        }
    }
    tensors
}
