//! What tables take in flash.

use super::packed_row_bytes;
use crate::network::{Bits, Node, SumShape};

/// Bytes of the packed weights and the biases of a node, as tables.
pub fn parameter_table_bytes(node: &Node, bits: Bits) -> u64 {
    let weights = node
        .sums()
        .map(|sum| packed_weight_bytes(&sum, bits.weights));
    weights.sum::<u64>() + 2 * node.bias_count()
}

/// Bytes of the packed weights of a sum.
pub(super) fn packed_weight_bytes(sum: &SumShape, weight_bits: u32) -> u64 {
    if sum.tensor().is_none() {
        return 0;
    }
    u64::from(sum.rows()) * u64::from(packed_row_bytes(sum.outputs, weight_bits))
}
