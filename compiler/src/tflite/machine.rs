//! The machine code of a model, on a target that there is a backend for.

use super::{Model, Plan, lower};
use crate::backend::MachineCode;
use crate::backend::avr::{self, GLUE_FLASH_BYTES, GLUE_STACK_BYTES, NoCode};
use crate::declaration::ModelDeclaration;
use crate::network::NodeId;
use crate::program::{Pixelwise, Program};
use herringbone_tflite::Graph;
use std::rc::Rc;

/// Bytes of flash of what makes shares of the last pixel, its table not counted.
///
/// Measured of 10 shares for an ATmega328P at `opt-level = 2`.
const SHARES_FLASH_BYTES: u32 = 2200;
/// Bytes of stack that it takes, beside two copies of the results.
const SHARES_STACK_BYTES: u32 = 96;
/// Bytes of a number of a caller that has real ones.
const MOST_NUMBER_BYTES: u32 = 4;

/// A model's machine code.
#[derive(Clone, Debug)]
pub struct ModelCode {
    /// The code of all that the machine computes.
    pub machine: Rc<dyn MachineCode>,
    /// The node that makes shares of the last pixel, where that is left to the caller.
    pub shares: Option<NodeId>,
    /// Bytes of flash, tables and the way into the code included.
    pub flash_bytes: u32,
    /// The deepest stack below the caller.
    pub stack_bytes: u32,
}

impl ModelCode {
    /// The code of that plan; `None` of a target without a backend for models.
    ///
    /// # Errors
    /// Where the backend lacks an operator of the model.
    pub(super) fn of(
        (graph, model): (&Graph, &Model),
        declaration: &ModelDeclaration,
        plan: &Plan,
    ) -> Option<Result<Self, NoCode>> {
        let core = declaration.budget.target.and_then(avr::Core::written_for)?;
        let program = lower(graph, model, &plan.memory);
        let split = match avr::of_model(&program, core) {
            Ok(split) => split,
            Err(reason) => return Some(Err(reason)),
        };
        let (shares_flash_bytes, shares_stack_bytes) = match split.shares {
            Some(node) => (
                SHARES_FLASH_BYTES + shares_table_bytes(&program, node),
                SHARES_STACK_BYTES,
            ),
            None => (0, 0),
        };
        let around_bytes = GLUE_FLASH_BYTES + shares_flash_bytes;
        let reserved_bytes = declaration.reserve.flash_bytes.unwrap_or(0);
        let room_bytes = match declaration.budget.flash_bytes {
            Some(bytes) => bytes.saturating_sub(reserved_bytes + around_bytes),
            None => u32::MAX,
        };
        let choice_of = |_| declaration.code;
        let chosen = avr::choose(&split.program, core, choice_of, room_bytes);
        let avr::Choice { mix: _, code } = chosen.unwrap_or_else(|over| *over.smallest);
        let mut code = code;
        if split.shares.is_some() {
            code.functions.push(avr::high(core));
        }
        let results_bytes = program.results.count * (1 + MOST_NUMBER_BYTES);
        Some(Ok(Self {
            flash_bytes: code.flash_bytes() + around_bytes,
            stack_bytes: code.stack_bytes().max(shares_stack_bytes)
                + results_bytes
                + GLUE_STACK_BYTES,
            machine: Rc::new(code),
            shares: split.shares,
        }))
    }
}

/// Bytes of the table of a node that makes shares.
fn shares_table_bytes(program: &Program, node: NodeId) -> u32 {
    let step = program.steps().find(|step| step.node == node);
    let quantised = step.and_then(|step| step.operation.quantised());
    let followers = quantised.map_or(&[][..], |it| &it.followers);
    let tables = followers.iter().map(|follower| match follower {
        Pixelwise::Softmax(it) => 4 * it.powers.len() as u32,
        Pixelwise::ByteMap(_) | Pixelwise::Addition(..) | Pixelwise::Multiplication(..) => 0,
    });
    tables.sum()
}
