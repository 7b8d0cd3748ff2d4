//! How deep the generated code's stack is.

use crate::declaration::{CodeChoice, Declaration};
use crate::network::{Layer, LayerKind};
use crate::plan::MemoryPlan;
use crate::program::Accumulator;

/// Return addresses and saved registers from the caller's `run` or `push` down
/// to a kernel, and what `infer` and a layer keep beside arrays: measured on
/// the ATmega328P, where each of four functions saves 18 registers at most.
const FRAMES_BYTES: u32 = 96;

/// The deepest stack of that plan's generated code, in bytes: an upper bound for
/// sums of that width.
///
/// The results are there up to three times: where they are computed, and twice
/// in the caller. A layer with weights holds the unpacked values of a tap, its
/// sums twice, and its unpacked outputs.
pub fn deepest_bytes(declaration: &Declaration, plan: &MemoryPlan, widest: Accumulator) -> u32 {
    let network = &declaration.network;
    let results = widest.bytes() * network.output().values();
    let steps = plan.steps.iter().map(|step| {
        let code = declaration.code_of(step.layer);
        layer_bytes(network.layer(step.layer), code, widest)
    });
    let stages = plan.stages.iter().map(|stage| {
        let code = declaration.code_of(stage.layer);
        stage_bytes(network.layer(stage.layer), code, widest)
    });
    FRAMES_BYTES + 3 * results + steps.chain(stages).max().unwrap_or(0)
}

/// Of a layer that computes while its input arrives. One is called behind the
/// other, as the layers of a complete input are.
fn stage_bytes(layer: &Layer, code: CodeChoice, widest: Accumulator) -> u32 {
    match layer.kind {
        // A pixel; the sums stay in the arena.
        LayerKind::Dense { .. } => layer.input.channels,
        // A pooling's window may take the outputs in: they are there once more,
        // and so is what it holds.
        _ => layer_bytes(layer, code, widest) + 2 * layer.output.channels,
    }
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
