//! The machine: instructions, and functions made of them.

pub(super) mod assembly;
pub(super) mod instruction;
pub(super) mod listing;
pub(super) mod mnemonics;
pub(super) mod registers;
