//! What tables take in flash.

use crate::network::{Bits, Layer, LayerKind};

/// Bytes of a row of packed weights, which begins and ends at a byte.
pub fn packed_row_bytes(row_length: u32, weight_bits: u32) -> u32 {
    row_length.div_ceil(8 / weight_bits)
}

/// Bytes of the packed weights and the biases of a layer, as tables.
pub fn parameter_table_bytes(layer: &Layer, bits: Bits) -> u64 {
    let rows = |rows: u32, row_length: u32| {
        u64::from(rows) * u64::from(packed_row_bytes(row_length, bits.weights))
    };
    let inputs = layer.input.channels;
    let weights = match layer.kind {
        LayerKind::Convolution {
            outputs, kernel, ..
        } => rows(kernel.taps() * outputs, inputs),
        LayerKind::Separable {
            outputs, kernel, ..
        } => rows(kernel.taps(), inputs) + rows(outputs, inputs),
        LayerKind::Dense { outputs, .. } => rows(outputs, layer.input.values()),
        LayerKind::AveragePool { .. } | LayerKind::MaxPool { .. } | LayerKind::Dropout { .. } => 0,
    };
    weights + 2 * layer.bias_count()
}
