//! The AVR backend: a program written down as assembly, one function a layer.
//!
//! Every instruction is ours, so bytes, cycles and stack are known before
//! anything is assembled; [`choose`] weighs real kernels against each other.
//!
//! A weight is an instruction where its layer is unrolled: the activation's
//! multiples are made once and added to each output's register pair, two
//! cycles a weight (`unrolled`). Where flash is dear, weights are read from a
//! table, an activation's row for all outputs (`table`). Either way an
//! activation that is 0 is skipped: after ReLU most are.
//!
//! What registers are for is in `isa/registers.rs`. Functions of layers are called by
//! `infer` and `absorb` alone, which save what the C ABI wants saved.
//!
//! Of the folders below, each imports those before it alone: `isa`, `arithmetic`,
//! `memory`, then `round` and `segments`; `kernels` and `arriving`; `layer`. `worst_case`
//! reads what they wrote.

mod arithmetic;
mod arriving;
mod backend;
mod choice;
mod code;
mod form;
mod glue;
mod infer;
mod isa;
mod kernels;
mod layer;
mod memory;
mod models;
mod round;
mod segments;
mod wide;
mod worst_case;

pub(crate) use backend::{GLUE_FLASH_BYTES, GLUE_STACK_BYTES};
pub use choice::{Choice, Mix, NoMixFits, choose};
pub use code::{Code, emit, emit_smallest};
pub use form::CodeForm;
pub use isa::core::Core;
pub use isa::function::Function;
pub use isa::function_id::FunctionId;
pub use models::{ModelProgram, NoCode, high, of_model};
pub use wide::without_code;
