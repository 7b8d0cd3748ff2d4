//! What the cores have in common.

use crate::fault::Cause;
use crate::memory::Memory;

/// A processor core without its memory.
pub trait Core {
    /// Registers that take the first arguments of a function, in order.
    const ARGUMENTS: &'static [usize];
    /// The stack pointer's number.
    const STACK_POINTER: usize;
    /// The number of the register with the address that a function returns to.
    const LINK: usize;

    /// A register by its number.
    fn register(&self, number: usize) -> u32;
    /// Sets a register.
    fn set_register(&mut self, number: usize, value: u32);
    /// The byte address of the instruction that is executed next.
    fn program_counter(&self) -> u32;
    /// Goes on at `address`, with nothing fetched.
    fn jump(&mut self, address: u32);
    /// `address` as a function that returns there finds it in its link register.
    fn return_address(address: u32) -> u32;
    /// Takes the stack pointer and the first instruction as the part does at reset. `entry` is
    /// what the ELF file says.
    ///
    /// # Errors
    /// When the vectors are outside the memory.
    fn reset(&mut self, memory: &mut Memory, entry: u32) -> Result<(), Cause>;
    /// Executes an instruction, and says how many cycles it took.
    ///
    /// # Errors
    /// What the core refuses to do; the core is then of no more use.
    fn step(&mut self, memory: &mut Memory) -> Result<u32, Cause>;
}
