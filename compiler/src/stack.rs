//! How deep the generated code's stack is.

use crate::declaration::{CodeChoice, Declaration};
use crate::network::{Layer, LayerKind};
use crate::program::Accumulator;

/// Return addresses and saved registers from the caller's `run` or `push` down
/// to a kernel, and what `infer` and a layer keep beside arrays: measured on
/// the ATmega328P, where each of four functions saves 18 registers at most.
const FRAMES_BYTES: u32 = 96;

/// The generated code's deepest stack, in bytes: an upper bound for sums of
/// that width.
///
/// The results are there up to three times: where they are computed, and twice
/// in the caller. A layer with weights holds the unpacked values of a tap, its
/// sums twice, and its unpacked outputs.
pub fn deepest_bytes(declaration: &Declaration, widest: Accumulator) -> u32 {
    let network = &declaration.network;
    let results = widest.bytes() * network.output().values();
    let layers = network
        .computing_layers()
        .map(|layer| layer_bytes(layer, declaration.code_of(layer.id), widest));
    FRAMES_BYTES + 3 * results + layers.max().unwrap_or(0)
}

fn layer_bytes(layer: &Layer, code: CodeChoice, widest: Accumulator) -> u32 {
    let (inputs, outputs) = (layer.input.channels, layer.output.channels);
    let sum = 2 * widest.bytes() + 1;
    match layer.kind {
        LayerKind::Convolution { .. } => inputs + sum * outputs,
        // The depthwise sums, and the values that the pointwise half reads.
        LayerKind::Separable { .. } => (2 + sum) * inputs + sum * outputs,
        // Sums of 16 bits, a tap and the output; or maxima, a tap and the output.
        LayerKind::AveragePool { .. } => 4 * inputs,
        LayerKind::MaxPool { .. } => 3 * inputs,
        // All sums at once as straight-line code, eight at a time as a loop.
        LayerKind::Dense { .. } if code == CodeChoice::Unrolled => inputs + sum * outputs,
        LayerKind::Dense { .. } => sum * outputs.min(8),
        LayerKind::Dropout { .. } => 0,
    }
}
