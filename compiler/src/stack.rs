//! How deep the generated code's stack is.

use crate::declaration::{CodeChoice, Declaration};
use crate::network::{Kind, Network, Node, Pool, PoolFunction, Stride};
use crate::plan::{Arrival, JobPlan, MemoryPlan, SegmentPlan, StagePlan};
use crate::program::Accumulator;

/// Return addresses and saved registers from the caller's `run` or `push` down
/// to a kernel, and what `infer` and a layer keep besides arrays.
///
/// On AVR, measured on the ATmega328P: each of four functions saves 18 registers
/// at most. Where registers have 32 bits, eleven networks were measured on a Cortex-M0
/// at the opt-levels 1, 2, 3 and s (see the tests below): of eight registers saved by
/// each function, of addresses that are spilled, and of frames that begin at 8 bytes,
/// they take up to 320 bytes besides their arrays.
fn frames_bytes(declaration: &Declaration) -> u32 {
    match declaration.budget.has_32_bit_registers() {
        false => 96,
        true => 384,
    }
}

/// The same of one function more.
fn frame_bytes(declaration: &Declaration) -> u32 {
    frames_bytes(declaration) / 4
}

/// What a layer keeps to walk over a map that is joined, or over the places of its
/// outputs: three words of 32 bits at most.
const WALK_BYTES: u32 = 12;

/// What the loops of a cell, a tree or prototypes have of counters, sums and addresses.
const OWN_BYTES: u32 = 48;

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
            | Kind::Recurrent(_)
            | Kind::Projection(_)
            | Kind::Tree(_)
            | Kind::Prototypes(_)
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
        // What the first factors make, the state of a unit, and all states as an output.
        Kind::Recurrent(kind) => {
            let between = kind.rank.map_or(0, |rank| 2 * (rank.input + rank.state));
            OWN_BYTES + between + 2 * outputs
        }
        // The scores, and what they are made of.
        Kind::Tree(_) | Kind::Prototypes(_) => OWN_BYTES + 4 * outputs,
        Kind::Projection(_) => sum * outputs.min(8),
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
    use crate::budget::{Sums, choose};
    use crate::program::Accumulators;
    use crate::syntax;

    /// Networks with the most bytes of stack that `push`, `run` and `classify` took on
    /// a Cortex-M0 (qemu, nightly of 2026-11, a painted stack) at any of the opt-levels
    /// 1, 2, 3 and s, with weights that are loaded at run time.
    const MEASURED: [(&str, u32); 11] = [
        (
            "[28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr, D*(10) >",
            400,
        ),
        (
            "[28, 28, 1] => < A, C1(9,3), C1(13,3), C1(11,3), M, D*(10) >, plan: herringbone",
            452,
        ),
        ("[16, 16, 1] => < C1(4,3), M, D*(3) >", 316),
        (
            "[16, 16, 1] => < C1(32,3), M, C1(40,3), D*(10) >, plan: row_major",
            612,
        ),
        (
            "[12, 12, 3] => < C2(16,3), M, C2(24,3), D*(5) >, plan: streamed",
            512,
        ),
        (
            "[12, 12, 3] => < T(3), C1(8,1), M, D(20), D*(5) >, \
             bits: { weights: 8, biases: 16, activations: 8 }",
            396,
        ),
        (
            "[16, 16, 1] => < C1(6,3, padding: same, stride: 2), R(3), R(3), A(all), D*(4) >",
            376,
        ),
        (
            "[16, 16, 1] => < 'a: C1(6,3, padding: same), 'b: C1(4,1), 'input, C1(5,1), \
             Cat('a,'b), C1(9,3), M(3), D*(4) >",
            428,
        ),
        (
            "[1, 64, 3] => < C1(8,1x5), M(1x2), C1(12,1x3), M(1x4), D*(6) >, plan: segments",
            380,
        ),
        ("[10, 10, 1] => < D(64), D*(100) >", 616),
        (
            "[14, 14, 2] => < A(3, stride: 2), C1(7,3), A(3), D*(3) >, plan: streamed",
            476,
        ),
    ];

    #[test]
    fn portable_code_has_the_stack_that_was_measured_on_a_cortex_m0() {
        for (list, measured_bytes) in MEASURED {
            // That of a part with a Cortex-M0 would be machine code.
            let text = format!("N: {list}, target: stm32f407vg, weights: runtime");
            let declaration = syntax::parse(text.parse().unwrap()).declaration.unwrap();
            let sums = Sums {
                widest: Accumulators::at_run_time(&declaration.network).widest(),
                constants: None,
            };
            let stack_bytes = choose(&declaration, &sums).footprint.stack_bytes;
            assert!(stack_bytes >= measured_bytes, "{list}: {stack_bytes}");
            assert!(stack_bytes <= 3 * measured_bytes, "{list}: {stack_bytes}");
        }
    }
}
