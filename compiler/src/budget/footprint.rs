//! What the code of a plan takes of stack and flash.

use super::expected::has_zeros;
use super::over::demands_unrolled;
use super::packed_weights_bytes;
use crate::backend::avr::CodeForm;
use crate::backend::{self, MachineCode};
use crate::declaration::{Declaration, WeightsSource};
use crate::network::{Network, NodeId};
use crate::plan::{MemoryPlan, SumBytes};
use crate::program::{self, Accumulator, Accumulators, Program};
use crate::weights::Weights;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What is known of a network's sums.
#[derive(Clone, Copy, Debug)]
pub struct Sums<'a> {
    /// The widest, where it decides about the stack.
    pub widest: Accumulator,
    /// The weights, and what they prove.
    pub constants: Option<(&'a Weights, &'a Accumulators)>,
}

impl Sums<'_> {
    /// How wide the sums are that a plan keeps in the arena.
    pub(crate) fn kept_bytes(&self, network: &Network) -> SumBytes {
        match self.constants {
            Some((_, accumulators)) => accumulators.sum_bytes(),
            None => Accumulators::at_run_time(network).sum_bytes(),
        }
    }

    /// Bytes of all results, as they are stored.
    pub(crate) fn results_bytes(&self, network: &Network) -> u32 {
        let at_run_time;
        let accumulators = match self.constants {
            Some((_, accumulators)) => accumulators,
            None => {
                at_run_time = Accumulators::at_run_time(network);
                &at_run_time
            }
        };
        let accumulator = program::results_accumulator(network, accumulators);
        network.output().values() * accumulator.bytes()
    }
}

/// What the code of a plan takes.
#[derive(Clone, Debug)]
pub struct Footprint {
    /// Its deepest stack, `run` and `push` included.
    pub stack_bytes: u32,
    /// Its code and tables; where only tables are counted, those.
    pub flash_bytes: u64,
    /// Where the code is known, each layer that has some of its own.
    pub layers: BTreeMap<NodeId, LayerFootprint>,
    /// The code, where every byte of it is known. Of a design to size: as if its
    /// weights were loaded at run time.
    pub code: Option<Rc<dyn MachineCode>>,
    /// The layer that takes most of the flash.
    pub largest: NodeId,
    /// Where the code is not known, what plans are compared by: accesses to pixels,
    /// besides the multiply-accumulates that all plans share.
    pub effort: f64,
    /// Why the code of a part that has a backend of its own is the portable one.
    pub portable_because: Option<String>,
}

/// What the code of a layer takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerFootprint {
    /// How its weights are read; `None` where it has none.
    pub form: Option<CodeForm>,
    /// Its code and tables.
    pub flash_bytes: u64,
    /// Expected cycles, by [`Expectation`](crate::program::Expectation).
    pub cycles: f64,
}

/// Bytes of flash kept for the rest of a firmware: what the declaration says, or else
/// the backend.
pub(crate) fn reserved_flash_bytes(declaration: &Declaration, flash_bytes: u32) -> u32 {
    let default_bytes = || backend::of(declaration).default_flash_reserve_bytes(flash_bytes);
    declaration
        .reserve
        .flash_bytes
        .unwrap_or_else(default_bytes)
}

/// Flash below which no design to size stays: its tables, unless weights are to be 0. Trained ones
/// may take less, for unrolled code has nothing for those that are.
pub(super) fn least_flash_bytes(declaration: &Declaration, network: &Network) -> u64 {
    match declaration.weights {
        WeightsSource::Nowhere if !demands_unrolled(declaration) && !has_zeros(declaration) => {
            packed_weights_bytes(network)
        }
        _ => 0,
    }
}

/// The program of a plan; where weights are not known, as if they came at run
/// time.
pub(crate) fn lower(declaration: &Declaration, sums: &Sums<'_>, plan: &MemoryPlan) -> Program {
    match sums.constants {
        Some((weights, accumulators)) => program::lower(declaration, weights, accumulators, plan),
        None => program::lower_runtime(declaration, plan),
    }
}
