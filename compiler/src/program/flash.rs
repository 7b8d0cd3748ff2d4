//! What tables take in flash.

use super::packed_row_bytes;
use crate::network::{Bits, Layer, LayerKind};

/// Bytes of the packed weights and the biases of a layer, as tables.
pub fn parameter_table_bytes(layer: &Layer, bits: Bits) -> u64 {
    packed_weight_bytes(layer, bits.weights) + 2 * layer.bias_count()
}

/// Bytes of the packed weights of a layer.
pub(super) fn packed_weight_bytes(layer: &Layer, weight_bits: u32) -> u64 {
    let rows = |rows: u32, row_length: u32| {
        u64::from(rows) * u64::from(packed_row_bytes(row_length, weight_bits))
    };
    let inputs = layer.input.channels;
    match layer.kind {
        LayerKind::Convolution {
            outputs, kernel, ..
        } => rows(kernel.taps() * inputs, outputs),
        LayerKind::Separable {
            outputs, kernel, ..
        } => rows(kernel.taps(), inputs) + rows(inputs, outputs),
        LayerKind::Dense { outputs, .. } => rows(layer.input.values(), outputs),
        LayerKind::AveragePool { .. } | LayerKind::MaxPool { .. } | LayerKind::Dropout { .. } => 0,
    }
}
