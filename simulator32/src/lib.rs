//! Runs programs for ARMv6-M and 32-bit RISC-V cores in this process, instruction by instruction,
//! and counts cycles, instructions, the deepest stack and the cycles of each function.
//!
//! What an instruction does (`execute.rs` of each instruction set) knows nothing of how long it
//! takes (`cost.rs`). Interrupts, privilege levels and peripherals are not simulated, apart from
//! the stubs of [`memory`].

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod core;
pub mod fault;
pub mod machine;
pub mod memory;
pub mod profile;
pub mod program;
pub mod risc_v;
pub mod thumb;
