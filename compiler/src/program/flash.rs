//! What tables take in flash.

use super::{
    CellLayout, PrototypeLayout, PrototypeScores, TreeLayout, TreeScores, packed_row_bytes,
    tangents,
};
use crate::network::{Bits, Kind, Node, SumShape, TreeGate};

/// Bytes of the packed weights and the biases of a node, as tables, and of its other tables.
pub fn parameter_table_bytes(node: &Node, bits: Bits) -> u64 {
    let weights = node
        .sums()
        .map(|sum| packed_weight_bytes(&sum, bits.weights));
    let biases = node.sums().map(|sum| {
        let each = if sum.has_wide_biases() { 4 } else { 2 };
        each * sum.biases()
    });
    weights.sum::<u64>()
        + biases.sum::<u64>()
        + own_parameter_bytes(node, bits)
        + fixed_table_bytes(node)
}

/// Bytes of the tables of a node that are the same whatever its parameters are.
pub fn fixed_table_bytes(node: &Node) -> u64 {
    match node.kind {
        Kind::Tree(tree) => match tree.gate {
            TreeGate::Tanh => TreeScores::tanh_table().len() as u64,
            TreeGate::Hard => 0,
        },
        Kind::Prototypes(_) => {
            let (whole, rest) = (
                PrototypeScores::whole_table(),
                PrototypeScores::rest_table(),
            );
            (2 * whole.len() + rest.len()) as u64
        }
        Kind::Recurrent(kind) if kind.gate.has_table() => 2 * tangents().len() as u64,
        Kind::Recurrent(_) => 0,
        Kind::Pool(_)
        | Kind::Convolution(_)
        | Kind::Depthwise(_)
        | Kind::Separable(_)
        | Kind::Dense(_)
        | Kind::Add(_)
        | Kind::Concat(_)
        | Kind::Projection(_)
        | Kind::Dropout(_)
        | Kind::Noise(_) => 0,
    }
}

/// Bytes of the parameters of a node that are not those of sums.
pub(super) fn own_parameter_bytes(node: &Node, bits: Bits) -> u64 {
    let bytes = match node.kind {
        Kind::Recurrent(kind) => {
            let cell = CellLayout::new(&kind, node.input, bits.weights);
            return u64::from(cell.bytes) * u64::from(kind.cells(node.input));
        }
        Kind::Tree(kind) => {
            let sizes = (kind.depth, kind.classes, node.input.values());
            TreeLayout::new(sizes, bits.weights).bytes
        }
        Kind::Prototypes(kind) => {
            let sizes = (kind.count, kind.classes, node.input.values());
            PrototypeLayout::new(sizes, bits.weights).bytes
        }
        Kind::Pool(_)
        | Kind::Convolution(_)
        | Kind::Depthwise(_)
        | Kind::Separable(_)
        | Kind::Dense(_)
        | Kind::Add(_)
        | Kind::Concat(_)
        | Kind::Projection(_)
        | Kind::Dropout(_)
        | Kind::Noise(_) => 0,
    };
    bytes.into()
}

/// Bytes of the packed weights of a sum.
pub(super) fn packed_weight_bytes(sum: &SumShape, weight_bits: u32) -> u64 {
    if sum.tensor().is_none() {
        return 0;
    }
    u64::from(sum.rows()) * u64::from(packed_row_bytes(sum.outputs, weight_bits))
}
