//! The functions of a network.

use super::assembly::Assembled;
use super::core::Core;
use super::design::Design;
use super::form::Form;
use super::input_row::InputRow;
use super::layer::{Convolution, Layer, Reduction};
use super::stage::StageLayer;
use super::{infer, intake, whole_input};
use crate::network::NodeId;
use std::collections::BTreeMap;

/// The form of a layer, if it has weights.
fn of_weights(layer: &Convolution) -> Option<(NodeId, Form)> {
    match layer.reduction {
        Reduction::Weighted | Reduction::OwnWeights => Some((layer.node, layer.last().form)),
        Reduction::Maximum | Reduction::Total { .. } => None,
    }
}

/// A network's functions, every byte of which is known.
#[derive(Clone, Debug)]
pub struct Code {
    pub(crate) core: Core,
    pub(crate) absorb: Assembled,
    /// What takes a whole input in; where there is none, `absorb` does, byte by byte.
    pub(crate) absorb_input: Option<Assembled>,
    pub(crate) infer: Assembled,
    /// Bytes of a row of the input, where `absorb` takes rows in too.
    pub(crate) row_bytes: Option<u32>,
    pub(crate) stack_bytes: u32,
    pub(crate) alignment: u32,
    forms: BTreeMap<NodeId, Form>,
}

impl Code {
    /// Writes a design down.
    pub(crate) fn of(core: Core, design: &Design) -> Self {
        let isa = core.instruction_set();
        let infer_stack = isa.saved_bytes() + infer::frame_bytes(&*isa, &design.layers);
        let absorb_input = whole_input::emit(&*isa, design);
        let whole_input_stack = match absorb_input {
            Some(_) => whole_input::stack_bytes(&*isa),
            None => 0,
        };
        let of_layers = design.layers.iter().filter_map(|layer| match layer {
            Layer::Convolution(layer) => of_weights(layer),
            Layer::Dense(layer) => Some((layer.node, layer.form)),
            Layer::Results(_) | Layer::Sums(_) => None,
        });
        let of_stages = design.stages.iter().filter_map(|stage| match &stage.layer {
            StageLayer::Convolution(layer) => of_weights(layer),
            StageLayer::Dense(stage) => Some((stage.dense.node, stage.dense.form)),
        });
        Self {
            forms: of_stages.chain(of_layers).collect(),
            core,
            absorb: intake::emit(&*isa, design),
            absorb_input,
            infer: infer::emit(&*isa, design),
            row_bytes: InputRow::of(design).map(|_| {
                let input = design.intake.input;
                input.width * input.channels
            }),
            alignment: design.alignment(),
            stack_bytes: infer_stack
                .max(intake::stack_bytes(&*isa, design))
                .max(whole_input_stack),
        }
    }

    /// `absorb` as it is in flash, from a word's address on.
    #[must_use]
    pub fn absorb_bytes(&self) -> &[u8] {
        &self.absorb.bytes
    }

    /// The same of `absorb_input`, if there is one.
    #[must_use]
    pub fn absorb_input_bytes(&self) -> Option<&[u8]> {
        Some(&self.absorb_input.as_ref()?.bytes)
    }

    /// The same of `infer`.
    #[must_use]
    pub fn infer_bytes(&self) -> &[u8] {
        &self.infer.bytes
    }

    /// Bytes of a row of the input, where a third argument of `absorb` may point at one: 0 where
    /// there is a byte alone.
    #[must_use]
    pub fn row_bytes(&self) -> Option<u32> {
        self.row_bytes
    }

    /// What the network's address has to be a multiple of.
    #[must_use]
    pub fn alignment(&self) -> u32 {
        self.alignment
    }

    fn functions(&self) -> impl Iterator<Item = &Assembled> {
        [&self.absorb, &self.infer]
            .into_iter()
            .chain(&self.absorb_input)
    }

    /// Bytes of flash of all functions, and of what aligns them.
    #[must_use]
    pub fn flash_bytes(&self) -> u32 {
        let functions = self.functions();
        functions
            .map(|function| function.bytes.len() as u32 + 2)
            .sum()
    }

    /// Bytes of what takes the input in, which computes nothing else.
    pub(crate) fn intake_bytes(&self) -> u32 {
        let functions = [Some(&self.absorb), self.absorb_input.as_ref()];
        let parts = functions.into_iter().flatten();
        parts.map(|function| function.parts[0].bytes).sum()
    }

    /// What takes an input in: all at once, or row by row, where it can, for that is what `run`
    /// does.
    pub(crate) fn intake(&self) -> &Assembled {
        self.absorb_input.as_ref().unwrap_or(&self.absorb)
    }

    /// The deepest stack below the caller.
    #[must_use]
    pub fn stack_bytes(&self) -> u32 {
        self.stack_bytes
    }

    /// Expected cycles of a `run`, by [`Expectation`](crate::program::Expectation).
    #[must_use]
    pub fn cycles(&self) -> f64 {
        let functions = [self.intake(), &self.infer];
        let parts = functions.into_iter().flat_map(|function| &function.parts);
        parts.map(|part| part.cycles).sum()
    }

    /// The form of a layer that has weights.
    #[must_use]
    pub fn form_of(&self, node: NodeId) -> Option<Form> {
        self.forms.get(&node).copied()
    }

    /// Bytes and expected cycles of each layer.
    pub(crate) fn layers(&self) -> impl Iterator<Item = (NodeId, u32, f64)> {
        let parts = self.absorb.parts.iter().skip(1);
        let parts = parts.chain(self.infer.parts.iter().skip(1));
        parts.map(|part| (NodeId::new(part.part), part.bytes, part.cycles))
    }
}
