//! How deep the generated code's stack is.

use crate::network::{Layer, LayerKind, Network};

/// Return addresses and saved registers from the caller's `run` or `push` down
/// to a kernel: measured on the ATmega328P (`cargo xtask measure`).
const FRAMES_BYTES: u32 = 64;

/// The generated code's deepest stack, in bytes: an upper bound from what its
/// deepest function keeps there.
///
/// A layer with weights holds the unpacked values of a tap (a byte each), its
/// sums (four bytes at most) and its unpacked outputs; `run` holds the results.
pub fn deepest_bytes(network: &Network) -> u32 {
    let results = 4 * network.output().values();
    let layers = network
        .computing_layers()
        .map(layer_bytes)
        .max()
        .unwrap_or(0);
    FRAMES_BYTES + 2 * results + layers
}

fn layer_bytes(layer: &Layer) -> u32 {
    let (inputs, outputs) = (layer.input.channels, layer.output.channels);
    match layer.kind {
        LayerKind::Convolution { .. } => inputs + 5 * outputs,
        LayerKind::Separable { .. } => 6 * inputs + 5 * outputs,
        LayerKind::AveragePool { .. } | LayerKind::MaxPool { .. } => 4 * inputs,
        // One sum at a time.
        LayerKind::Dense { .. } => 8,
        LayerKind::Dropout { .. } => 0,
    }
}
