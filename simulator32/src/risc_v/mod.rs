//! RV32I and RV32E with C, and with M where the core has it (RISC-V International, "The RISC-V
//! Instruction Set Manual, Volume I: Unprivileged Architecture", 20240411).

mod compressed;
pub mod cost;
mod decode;
mod execute;
mod fetch;

pub use cost::{Cost, LineFetch};
pub use execute::{Registers, RiscV};
