//! The functions of a network.

use super::assembly::Assembled;
use super::core::Core;
use super::design::Design;
use super::{infer, intake};
use crate::network::NodeId;

/// A network's functions, every byte of which is known.
#[derive(Clone, Debug)]
pub struct Code {
    pub(crate) core: Core,
    pub(crate) absorb: Assembled,
    pub(crate) infer: Assembled,
    pub(crate) stack_bytes: u32,
}

impl Code {
    /// Writes a design down.
    pub(crate) fn of(core: Core, design: &Design) -> Self {
        let isa = core.instruction_set();
        let infer_stack = isa.saved_bytes() + infer::frame_bytes(&*isa, &design.layers);
        Self {
            core,
            absorb: intake::emit(&*isa, design),
            infer: infer::emit(&*isa, design),
            stack_bytes: infer_stack.max(intake::stack_bytes(&*isa)),
        }
    }

    /// `absorb` as it is in flash, from a word's address on.
    #[must_use]
    pub fn absorb_bytes(&self) -> &[u8] {
        &self.absorb.bytes
    }

    /// The same of `infer`.
    #[must_use]
    pub fn infer_bytes(&self) -> &[u8] {
        &self.infer.bytes
    }

    /// Bytes of flash, and of what aligns it.
    #[must_use]
    pub fn flash_bytes(&self) -> u32 {
        let functions = [&self.absorb, &self.infer];
        functions
            .map(|function| function.bytes.len() as u32 + 2)
            .iter()
            .sum()
    }

    /// The deepest stack below the caller.
    #[must_use]
    pub fn stack_bytes(&self) -> u32 {
        self.stack_bytes
    }

    /// Expected cycles of an inference, half of all activations being 0.
    #[must_use]
    pub fn cycles(&self) -> f64 {
        let functions = [&self.absorb, &self.infer];
        let parts = functions.into_iter().flat_map(|function| &function.parts);
        parts.map(|part| part.cycles).sum()
    }

    /// Bytes and expected cycles of each layer.
    pub(crate) fn layers(&self) -> impl Iterator<Item = (NodeId, u32, f64)> {
        let parts = self.infer.parts.iter().skip(1);
        parts.map(|part| (NodeId::new(part.part), part.bytes, part.cycles))
    }
}
