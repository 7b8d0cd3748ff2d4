//! The sums of a plan's layers.

use super::frame;
use super::pixel::PixelSums;
use crate::backend::lanes::Core;
use crate::network::NodeId;
use crate::program::{ByteScales, Program, RescaledSum, ResultPlace};
use std::collections::BTreeMap;

/// How sums become bytes, by layer: the same whatever the plan, and long to find.
#[derive(Clone, Debug, Default)]
pub struct KnownScales(BTreeMap<NodeId, Option<ByteScales>>);

impl KnownScales {
    /// Those of a layer, if there is code for them.
    pub(super) fn of(&mut self, node: NodeId, sum: &RescaledSum) -> Option<ByteScales> {
        let found = self.0.entry(node).or_insert_with(|| {
            let scales = ByteScales::of_sum(sum, ResultPlace::Bit)?;
            let mut lasts = scales.scales.iter().map(|scale| scale.last);
            lasts
                .all(|last| i32::try_from(last).is_ok())
                .then_some(scales)
        });
        found.clone()
    }
}

/// The sums of all layers that can have a function, each with how many pixels it is called for.
#[derive(Clone, Debug)]
pub struct LayerSums(pub(super) Vec<(PixelSums, u32)>);

impl LayerSums {
    /// Those of a model's program.
    #[must_use]
    pub fn of(program: &Program, known: &mut KnownScales) -> Self {
        let steps = program.steps().map(|step| {
            let in_one_piece = !program.map(step.input).wraps();
            (step.node, &step.operation, in_one_piece, step.output)
        });
        let stages = program.all_stages();
        let stages = stages.map(|stage| {
            let node = stage.plan.node;
            (node, &stage.operation, false, stage.plan.output)
        });
        let layers = steps.chain(stages);
        let layers = layers.filter_map(|(node, operation, in_one_piece, output)| {
            let sums = PixelSums::of((node, operation), in_one_piece, known)?;
            Some((sums, output.pixels()))
        });
        Self(layers.collect())
    }

    /// Those of a layer.
    #[must_use]
    pub fn of_layer(&self, node: NodeId) -> Option<&PixelSums> {
        let mut sums = self.0.iter().map(|(sums, _)| sums);
        sums.find(|sums| sums.node == node)
    }
}

/// The deepest stack of a function below its caller, whatever it computes.
#[must_use]
pub fn stack_bytes(core: Core) -> u32 {
    let isa = core.instruction_set();
    isa.saved_bytes() + frame::bytes(&*isa)
}
