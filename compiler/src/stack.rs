//! How deep the generated code's stack is.

use crate::declaration::{CodeChoice, Declaration};
use crate::network::{Kind, Network, Node, Pool, PoolFunction, Stride};
use crate::plan::{Arrival, JobPlan, MemoryPlan, SegmentPlan, StagePlan};
use crate::program::Accumulator;
use crate::target::Architecture;

/// Return addresses and saved registers from the caller's `run` or `push` down
/// to a kernel, and what `infer` and a layer keep besides arrays.
///
/// On AVR, measured on the ATmega328P: each of four functions saves 18 registers
/// at most. Where registers have 32 bits, a network of five layers was measured on
/// a Cortex-M0 at `opt-level = 2` to take 229 bytes besides its arrays: of eight
/// registers saved by each function, of addresses that are spilled, and of frames
/// that begin at 8 bytes. Two thirds more are for builds that inline less, and for
/// arrays that are aligned.
fn frames_bytes(declaration: &Declaration) -> u32 {
    match declaration.budget.target.map(|target| target.architecture) {
        Some(Architecture::Avr) | None => 96,
        Some(Architecture::CortexM0 | Architecture::CortexM0Plus | Architecture::RiscV32) => 384,
    }
}

/// The same of one function more.
fn frame_bytes(declaration: &Declaration) -> u32 {
    frames_bytes(declaration) / 4
}

/// What a layer keeps to walk over a map that is joined, or over the places of its
/// outputs: three words of 32 bits at most.
const WALK_BYTES: u32 = 12;

/// The deepest stack of that plan's generated code, in bytes: an upper bound for
/// sums of that width.
///
/// The results are there up to three times: where they are computed, and twice
/// in the caller. A layer with weights holds the unpacked values of a tap, its
/// sums twice, and its unpacked outputs. Jobs run one after the other, and so do
/// the layers of a segment.
pub fn deepest_bytes(declaration: &Declaration, plan: &MemoryPlan, widest: Accumulator) -> u32 {
    let network = &declaration.network;
    let results = widest.bytes() * network.output().values();
    let code_of = |node: &Node| declaration.code_of(node.layer);
    let jobs = plan.jobs.iter().map(|job| match job {
        JobPlan::Layer(step) => {
            let node = network.node(step.node);
            layer_bytes(node, code_of(node), widest)
        }
        JobPlan::Segment(segment) => {
            let stages = segment.stages.iter().map(|stage| {
                let node = network.node(stage.node);
                stage_bytes(node, code_of(node), widest)
            });
            points_bytes(declaration, plan, segment) + stages.max().unwrap_or(0)
        }
    });
    frames_bytes(declaration) + 3 * results + jobs.max().unwrap_or(0)
}

/// Of the functions between `absorb` or `infer` and a layer of a segment: one that
/// runs the points, and has a cursor of its own where the input is complete, and one
/// that calls the layers of a point.
fn points_bytes(declaration: &Declaration, plan: &MemoryPlan, segment: &SegmentPlan) -> u32 {
    match segment.arriving {
        false => 2 * frame_bytes(declaration) + plan.cursor_bytes(),
        true if is_surely_a_chain(&declaration.network, segment) => 0,
        true => 2 * frame_bytes(declaration),
    }
}

/// Whether the layers of an arriving segment are called one after the other, without
/// points: as of chains in which a pixel completes one pixel at most of each layer.
fn is_surely_a_chain(network: &Network, segment: &SegmentPlan) -> bool {
    let is_plain = |stage: &StagePlan| {
        let node = network.node(stage.node);
        let field = node.field();
        let (height, width) = (field.kernel.height, field.kernel.width);
        match node.kind {
            Kind::Convolution(_) | Kind::Separable(_) => {
                field.stride == Stride::ONE && !field.is_padded()
            }
            Kind::Dense(_) => true,
            // Other averages have sums of other sizes.
            Kind::Pool(_) => {
                (2..=16).contains(&(height * width))
                    && height.is_power_of_two()
                    && width.is_power_of_two()
                    && stage.takes
            }
            Kind::Depthwise(_)
            | Kind::Add(_)
            | Kind::Concat(_)
            | Kind::Dropout(_)
            | Kind::Noise(_) => false,
        }
    };
    let computes = |stage: &&StagePlan| stage.arrival != Arrival::Bytes;
    network.is_chain() && segment.stages.iter().filter(computes).all(is_plain)
}

/// Of a layer of a segment.
fn stage_bytes(layer: &Node, code: CodeChoice, widest: Accumulator) -> u32 {
    if layer.kind.is_dense() {
        // A pixel; the sums stay in the arena.
        layer.input.channels
    } else {
        // A pooling's window may take the outputs in: they are there once more,
        // and so is what it holds.
        layer_bytes(layer, code, widest) + 2 * layer.output.channels
    }
}

fn layer_bytes(layer: &Node, code: CodeChoice, widest: Accumulator) -> u32 {
    let (inputs, outputs) = (layer.input.channels, layer.output.channels);
    let sum = 2 * widest.bytes() + 1;
    let own = match layer.kind {
        Kind::Convolution(_) => inputs + sum * outputs,
        // The depthwise sums, and the values that the pointwise half reads.
        Kind::Separable(_) => (2 + sum) * inputs + sum * outputs,
        Kind::Depthwise(_) | Kind::Add(_) => inputs + sum * outputs,
        // The channels of one map, and the output.
        Kind::Concat(_) => 2 * outputs,
        Kind::Pool(Pool {
            function,
            window: _,
        }) => match function {
            // Sums of 16 bits, or of 32 where the divisor is no power of two; a tap
            // and the output.
            PoolFunction::Average if layer.field().kernel.taps().is_power_of_two() => 4 * inputs,
            PoolFunction::Average => 6 * inputs,
            // Maxima, a tap and the output.
            PoolFunction::Maximum => 3 * inputs,
        },
        // All sums at once as straight-line code, eight at a time as a loop.
        Kind::Dense(_) => match code {
            CodeChoice::Unrolled => inputs + sum * outputs,
            CodeChoice::Table | CodeChoice::Fastest => sum * outputs.min(8),
        },
        Kind::Dropout(_) | Kind::Noise(_) => 0,
    };
    // The values of the map that is added, and the sums once more.
    let added = match (layer.added(), layer.kind.is_dense(), code) {
        (None, _, _) => 0,
        // A loop adds them one by one.
        (Some(_), true, CodeChoice::Table | CodeChoice::Fastest) => 0,
        (Some(_), true, CodeChoice::Unrolled) | (Some(_), false, _) => {
            (1 + widest.bytes()) * outputs
        }
    };
    let joined = WALK_BYTES * (layer.reads.len() as u32 - 1);
    let padded = if layer.field().is_padded() {
        WALK_BYTES
    } else {
        0
    };
    own + added + joined + padded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Strategy, plan};
    use crate::program::Accumulators;
    use crate::syntax;

    #[test]
    fn a_cortex_m0_has_the_stack_that_was_measured_there() {
        let text = "N: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr, D*(10) >, \
                    target: lpc810, plan: herringbone";
        let declaration = syntax::parse(text.parse().unwrap()).declaration.unwrap();
        let network = &declaration.network;
        let sum_bytes = Accumulators::at_run_time(network).sum_bytes();
        let plan = plan(network, &sum_bytes, Strategy::HERRINGBONE);
        // Measured: 352 by `push`, 320 by `run`.
        assert!(deepest_bytes(&declaration, &plan, Accumulator::I16) >= 352);
    }
}
