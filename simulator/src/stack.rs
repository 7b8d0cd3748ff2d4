//! How deep a stack becomes.

use crate::machine::Machine;

/// The stack pointer after the last instruction, and the lowest that was seen after any.
#[derive(Debug)]
pub struct StackWatch {
    current: u16,
    lowest: u16,
    /// One half of the stack pointer is written, the other is yet to be.
    is_torn: bool,
}

impl StackWatch {
    /// Nothing is seen below `stack_pointer` yet.
    #[must_use]
    pub fn new(stack_pointer: u16) -> Self {
        Self {
            current: stack_pointer,
            lowest: stack_pointer,
            is_torn: false,
        }
    }

    /// Notes the stack pointer after the instruction `opcode`; whether it has never been lower.
    pub fn observe(&mut self, opcode: Option<u16>, machine: &Machine) -> bool {
        // Code writes the stack pointer by two instructions, `out SPH` and `out SPL`; what it
        // holds between the two is neither the old nor the new one.
        match opcode.map(|opcode| opcode & 0xFE0F) {
            Some(0xBE0E) => self.is_torn = true,
            Some(0xBE0D) => self.is_torn = false,
            _ => {}
        }
        if self.is_torn {
            return false;
        }
        self.current = machine.stack_pointer();
        let is_lower = self.current < self.lowest;
        if is_lower {
            self.lowest = self.current;
        }
        is_lower
    }

    /// The stack pointer when it was last whole.
    #[must_use]
    pub fn current(&self) -> u16 {
        self.current
    }

    /// The lowest stack pointer, which is the address of the next free byte.
    #[must_use]
    pub fn lowest(&self) -> u16 {
        self.lowest
    }
}
