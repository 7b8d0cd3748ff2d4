//! The backend of small 32-bit cores: ARMv6-M and RV32. A layer's weights are instructions,
//! or, where the flash does not hold these, a table.
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

mod arriving;
mod arriving_rows;
mod assembly;
mod backend;
mod choice;
mod code;
mod convolution;
mod convolution_table;
mod convolution_unrolled;
mod core;
mod dense;
mod dense_rows;
mod dense_table;
mod design;
mod emission;
mod exact_outputs;
mod form;
mod frame;
mod glue;
mod grid_rows;
mod indexed_rows;
mod infer;
mod input;
mod input_row;
mod intake;
mod isa;
mod joined;
mod large_windows;
mod layer;
mod loaded;
mod models;
mod multiples;
mod outputs;
mod paired_outputs;
mod paired_windows;
mod pairs;
mod pass;
mod pooled_rows;
mod pooling;
mod product;
mod quotient;
mod reason;
mod reduction;
mod ring;
mod row;
mod row_end;
mod sources;
mod stacked;
mod stage;
mod stage_frame;
mod stream;
mod strip;
mod strip_rows;
mod sums;
mod table;
mod unpack;
mod waiting_windows;
mod weighted;
mod whole_input;
mod window_side;
mod window_sums;

pub use self::core::Core;
pub use choice::choose;
pub use code::Code;
pub use form::Form;
pub use models::{Kernel, Kernels, KnownScales, LayerSums, PixelSums, Reach, stack_bytes};
pub use reason::Reason;

use crate::network::NodeId;
use crate::program::Program;

/// Writes a program down, each layer's code in the form that `form_of` says.
///
/// # Errors
/// Why there is no code for it.
pub fn emit(
    program: &Program,
    core: Core,
    form_of: impl Fn(NodeId) -> Form,
) -> Result<Code, Reason> {
    let roles = core.instruction_set().roles();
    let design = design::of(program, form_of, roles.low.len() + roles.high.len())?;
    Ok(Code::of(core, &design))
}
