//! A function that is written down.

use crate::backend::avr::isa::function_id::FunctionId;
use crate::backend::avr::isa::instruction::{Instruction, One};
use crate::backend::avr::isa::listing::Listing;
use crate::backend::avr::isa::registers::Registers;

/// A function, to be the text of a naked one.
#[derive(Clone, Debug)]
pub struct Function {
    /// What it is for.
    pub id: FunctionId,
    /// Whether it runs while the input arrives.
    pub streamed: bool,
    pub(crate) listing: Listing,
    /// Whether the part's jumps span it; without `jmp`, they span 4 KB.
    pub spans: bool,
    /// Bytes of flash, tables included.
    pub flash_bytes: u32,
    /// Bytes of tables apart from the function, in the first 64 KB.
    pub near_table_bytes: u32,
    /// Cycles that [`Expectation`](crate::program::Expectation) lets expect.
    pub cycles: f64,
    /// The deepest that it pushes, and calls its own subroutines, its own return
    /// address not counted.
    pub stack_bytes: u32,
    /// The other functions that it calls, with the bytes on its stack then.
    pub(crate) calls: Vec<(FunctionId, u32)>,
}

impl Function {
    /// Instructions and tables, a line each; calls of other functions stand as
    /// their names in braces. Marks for the section `.debug_herringbone` stand
    /// between them: from that address on, instructions are of that purpose.
    pub fn text(&self) -> String {
        self.listing.text(self.id)
    }

    /// Registers that its own instructions change, whether it gives them back or not.
    pub(crate) fn changes(&self) -> Registers {
        let gives_back_what_it_pops = match self.id {
            FunctionId::Absorb | FunctionId::Infer => true,
            FunctionId::High
            | FunctionId::Take(_)
            | FunctionId::Layer(_)
            | FunctionId::Segment(_) => false,
        };
        let changes = self
            .listing
            .instructions()
            .map(|instruction| match instruction {
                Instruction::CallFunction { .. } => Registers::default(),
                Instruction::One(One::Pop, _) if gives_back_what_it_pops => Registers::default(),
                other => other.changes(),
            });
        changes.fold(Registers::default(), Registers::union)
    }

    /// Bytes of flash, those of tables apart from it included.
    pub fn all_flash_bytes(&self) -> u32 {
        self.flash_bytes + self.near_table_bytes
    }
}
