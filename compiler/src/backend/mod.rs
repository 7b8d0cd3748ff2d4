//! Backends: what writes a program down for a kind of machine, and says what the
//! code takes.
//!
//! A machine is a folder with an implementation of `Backend` and one of
//! [`MachineCode`], and a line in `of`. Every generated type has the portable code
//! too, for whatever else it is built for. The interpreter is no backend: it is what
//! they are judged by.

pub mod avr;
pub(crate) mod glue;
pub mod interpreter;
pub mod lanes;
mod mix;
mod pixel;
pub(crate) mod portable;

use crate::budget::{Footprint, LayerFootprint, Sums};
use crate::declaration::{CodeChoice, Declaration, SlidingWindow, WeightsSource};
use crate::plan::{MemoryPlan, Rings};
use crate::target::Target;
pub use pixel::PixelValues;
pub(crate) use pixel::{PixelCall, PixelFunctions};
use portable::Portable;
use proc_macro2::{Ident, Literal, TokenStream};
use std::any::Any;
use std::fmt;

/// Says what code takes, before there is a compiler.
pub(crate) trait Backend {
    /// What the code of that plan takes of stack and flash, and that code where every
    /// byte of it is known. Chooses the form of each layer that has several, as the
    /// declaration and its budget allow.
    fn footprint(&self, declaration: &Declaration, sums: &Sums<'_>, plan: &MemoryPlan)
    -> Footprint;

    /// What the code of a declaration wants of rings.
    fn rings(&self, _: &Declaration) -> Rings {
        Rings::Pixels
    }

    /// Whether weights can be instructions.
    fn unrolls_weights(&self) -> bool;

    /// Whether flash is always counted with the code, not as tables alone; if not, it is
    /// where a plan's footprint has the code.
    fn counts_code(&self) -> bool;

    /// Bytes of a flash of that many that are kept for the rest of a firmware, where
    /// the declaration does not say: enough for start-up code, vectors, a serial line
    /// and a small `main`. None where code is not counted.
    fn default_flash_reserve_bytes(&self, flash_bytes: u32) -> u32;
}

/// Whether a weight that is 0 can cost nothing: weights can be instructions, and may.
pub fn zeros_can_be_free(declaration: &Declaration) -> bool {
    let may = match declaration.code {
        CodeChoice::Fastest | CodeChoice::Unrolled => true,
        CodeChoice::Table => false,
    };
    of(declaration).unrolls_weights() && may && declaration.weights != WeightsSource::Runtime
}

/// Whether code for that part is machine code, whose expected cycles are known.
pub fn knows_cycles(target: &Target) -> bool {
    avr::Core::written_for(target).is_some() || lanes::Core::written_for(target).is_some()
}

/// The backend of the declaration's target.
pub(crate) fn of(declaration: &Declaration) -> Box<dyn Backend> {
    let target = declaration.budget.target;
    if let Some(core) = target.and_then(avr::Core::written_for) {
        return Box::new(core);
    }
    match target.and_then(lanes::Core::written_for) {
        Some(core) => Box::new(core),
        None => Box::new(Portable),
    }
}

/// A network's code for one kind of machine, every byte of which is known.
pub trait MachineCode: fmt::Debug {
    /// Bytes of flash, tables included.
    fn flash_bytes(&self) -> u32;

    /// The deepest stack below the caller, return addresses included.
    fn stack_bytes(&self) -> u32;

    /// Expected cycles of an inference, by [`Expectation`](crate::program::Expectation).
    fn cycles(&self) -> f64;

    /// The most that an inference and a `push` can take, whatever the input; `None` if
    /// finding it takes more than that many steps, a step being an instruction.
    fn worst_case(&self, steps: u64) -> Option<WorstCase>;

    /// What the network's address has to be a multiple of.
    fn alignment(&self) -> u32 {
        1
    }

    /// What takes the input in.
    fn intake(&self) -> LayerFootprint;

    /// The machines that it is for, as a predicate of `cfg`.
    fn condition(&self) -> TokenStream;

    /// `absorb`, `absorb_input`, `infer` and `infer_and_keep` of the generated type, each under
    /// [`Self::condition`], and what they call in a module `herringbone_code`.
    fn items(&self, glue: &Glue<'_>) -> TokenStream;

    /// Of a network's first layers, whose input goes on without end: `absorb_sample` of the
    /// generated type, under [`Self::condition`], and what it calls.
    fn leading_items(&self) -> TokenStream;

    /// A compile error where a type of that name is built for a machine of that kind
    /// which has other instructions than its target.
    fn refusal(&self, name: &Ident, target: &Target) -> TokenStream;

    /// The code, for those who know the machine.
    fn as_any(&self) -> &dyn Any;
}

/// The most cycles that a network's code takes, whatever the input. What the caller's
/// own code takes around it, some tens of cycles a `push`, is not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorstCase {
    /// Of an inference: all of its `push`es.
    pub cycles: u64,
    /// Of the longest `push`.
    pub push_cycles: u64,
}

impl WorstCase {
    /// Cycles of the longest `push`; of a network whose inputs are cut from a stream, that
    /// is the one that computes a whole inference.
    pub fn longest_push(self, window: Option<SlidingWindow>) -> u64 {
        match window {
            Some(_) => self.cycles,
            None => self.push_cycles,
        }
    }
}

/// The generated type, as its code is to see it.
#[derive(Clone, Copy)]
pub struct Glue<'a> {
    pub name: &'a Ident,
    /// The type of the results as they are stored.
    pub stored: &'a TokenStream,
    /// As the caller has them.
    pub output: &'a TokenStream,
    /// From `these_results`, as they are stored, to those of the caller.
    pub by_value: &'a TokenStream,
    /// The field that results are kept in, and the byte of it from which on they are; where
    /// there is one.
    pub kept: Option<(&'a TokenStream, &'a Literal)>,
    /// Values of a pixel of the input.
    pub input_channels: u32,
    /// Whether `run` gives the network a whole input; if not, inputs are cut from a stream.
    pub takes_whole_inputs: bool,
}
