//! The backend of small 32-bit cores: ARMv6-M and RV32, a weight being an instruction.
//!
//! Kernels are written once, in operations that both instruction sets have (`isa/`), and
//! every instruction's bytes and cycles are known, so that flash and stack are budgets.
//!
//! Two outputs that are neighbours in a row are computed at once, in the lanes of 16 bits
//! of a register, where the proof of 16 bits holds; else one, in 32 bits. Rows of inputs
//! are taken apart into the strip (`strip.rs`), a value that is 0 is skipped, and a
//! maximum over sums is found before they are rounded.
//!
//! What is not written here is portable code: [`Reason`] lists it.

mod assembly;
mod backend;
mod code;
mod convolution;
mod core;
mod dense;
mod design;
mod frame;
mod glue;
mod infer;
mod intake;
mod isa;
mod layer;
mod multiples;
mod outputs;
mod stream;
mod strip;
mod sums;
mod unpack;
mod whole_input;

pub use self::core::Core;
pub use code::Code;
pub use design::Reason;

use crate::network::NodeId;
use crate::program::Program;

/// Writes a program down. `is_table` says whether the declaration wants a layer's weights
/// in a table.
///
/// # Errors
/// Why there is no code for it.
pub fn emit(
    program: &Program,
    core: Core,
    is_table: impl Fn(NodeId) -> bool,
) -> Result<Code, Reason> {
    let design = design::of(program, is_table)?;
    Ok(Code::of(core, &design))
}
