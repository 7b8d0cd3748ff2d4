//! What has a function of its own.

use crate::network::NodeId;
use crate::program::Job;
use crate::program::Operation;
use crate::program::Program;
use crate::program::Segment;
use crate::program::Stage;
use crate::program::Step;

/// A layer that has a function of its own with a form to choose, or a pooling of
/// a map that is stored whole.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LayerPart<'a> {
    /// A stage that has weights.
    Stage(&'a Segment, &'a Stage),
    /// A step.
    Step(&'a Step),
}

/// Those of a program, in the order of running.
pub(crate) fn parts(program: &Program) -> Vec<LayerPart<'_>> {
    let mut parts = Vec::new();
    for job in &program.jobs {
        match job {
            Job::Segment(segment) => parts.extend(
                segment
                    .stages
                    .iter()
                    .filter(|stage| stage.plan.windows().is_none())
                    .map(|stage| LayerPart::Stage(segment, stage)),
            ),
            Job::Layer(step) => parts.push(LayerPart::Step(step)),
        }
    }
    parts
}

impl<'a> LayerPart<'a> {
    pub(crate) fn node(self) -> NodeId {
        match self {
            LayerPart::Stage(_, stage) => stage.plan.node,
            LayerPart::Step(step) => step.node,
        }
    }

    /// What it does.
    pub(crate) fn operation(self) -> &'a Operation {
        match self {
            LayerPart::Stage(_, stage) => &stage.operation,
            LayerPart::Step(step) => &step.operation,
        }
    }

    /// Whether its weights can be instructions. Those of a dense layer to which
    /// the pixels of its input add one by one are found by the pixel's number, a
    /// byte. Of what reads or makes wide values, only such a projection of bytes has them.
    pub(crate) fn can_be_unrolled(self, program: &Program) -> bool {
        let operation = self.operation();
        match self {
            LayerPart::Step(_) => !operation.is_wide(),
            LayerPart::Stage(_, stage) => {
                let pixels = stage.plan.input.pixels();
                match operation.is_wide() {
                    true => {
                        let reads_bytes = program.activation_bits == 8;
                        operation.is_projection() && reads_bytes && pixels <= 0x100
                    }
                    false => !operation.is_dense() || pixels < 0x100,
                }
            }
        }
    }
}
