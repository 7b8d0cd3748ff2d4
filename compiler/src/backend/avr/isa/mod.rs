//! The machine: instructions, and functions made of them.

pub(super) mod abi;
pub(super) mod assembly;
pub(super) mod clobbers;
pub(super) mod core;
pub(super) mod function;
pub(super) mod function_id;
pub(super) mod instruction;
pub(super) mod item;
pub(super) mod listing;
pub(super) mod loops;
pub(super) mod mnemonics;
pub(super) mod ports;
pub(super) mod registers;
