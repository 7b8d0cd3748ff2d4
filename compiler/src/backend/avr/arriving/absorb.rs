//! `absorb`: takes one byte of the raw input in.
//!
//! In front of the arena is the cursor: row, column and channel of the next byte.
//! A leading average pooling adds each byte to its window's sum; the first byte of a
//! window begins the sum, so that nothing has to be cleared.

use crate::backend::avr::arriving::{any_windows, tiles};
use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::core::Core;
use crate::backend::avr::isa::function::Function;
use crate::backend::avr::isa::function_id::FunctionId;
use crate::backend::avr::isa::registers::Registers;
use crate::backend::avr::segments::chain;
use crate::program::Program;

/// `absorb(network: r25:r24, byte: r22) -> u8: r24`, 1 when the input is
/// complete, else 0.
///
/// `changed`: registers that the code changes anywhere.
pub(crate) fn emit(program: &Program, core: Core, changed: Registers) -> Function {
    let mut asm = Assembly::streamed(core).of_code_that_changes(changed);
    if chain::is_simple(program) {
        tiles::emit(&mut asm, program);
    } else {
        any_windows::emit(&mut asm, program);
    }
    asm.finish(FunctionId::Absorb)
}
