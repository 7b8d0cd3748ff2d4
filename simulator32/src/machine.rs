//! A part that runs a program.

use anyhow::{Context as _, Result, ensure};

use crate::core::Core;
use crate::fault::{Cause, Fault};
use crate::memory::{Map, Memory};
use crate::profile::{Recorder, Share};
use crate::program::Program;

/// A core with its memory and a program in it.
pub struct Machine<C> {
    /// Its core.
    pub core: C,
    /// Its memory.
    pub memory: Memory,
    program: Program,
}

/// What a run took.
#[derive(Debug, Clone)]
pub struct Run {
    /// Cycles.
    pub cycles: u64,
    /// Instructions executed.
    pub instructions: u64,
    /// Bytes of the deepest stack, from the stack pointer at the beginning down.
    pub stack_bytes: u32,
    /// What each function took, that of the most cycles first.
    pub profile: Vec<Share>,
}

/// When a run from reset ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Before the instruction at this byte address.
    Address(u32),
    /// As soon as the UART has sent that number of bytes in all.
    Sent(usize),
    /// As soon as there is that number of marks in all.
    Marks(usize),
}

impl<C: Core> Machine<C> {
    /// A part with `program` in its memory.
    ///
    /// # Errors
    /// When a segment of the program lies outside the part's memory.
    pub fn new(core: C, map: Map, program: Program) -> Result<Self> {
        let mut memory = Memory::new(map);
        for (address, bytes) in &program.segments {
            memory.load(*address, bytes).ok().with_context(|| {
                format!(
                    "the part's memory does not hold the {} bytes that the program has at \
                     {address:#010x}",
                    bytes.len()
                )
            })?;
        }
        Ok(Self {
            core,
            memory,
            program,
        })
    }

    /// The program that it runs.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Calls the function `symbol` with `arguments` in registers and the stack at the end of SRAM,
    /// and gives what it took; its result is in the first argument's register.
    ///
    /// # Errors
    /// When there is no such function, there are more arguments than registers for them, or
    /// a [`Fault`].
    pub fn call(&mut self, symbol: &str, arguments: &[u32], most_cycles: u64) -> Result<Run> {
        let address = self.program.address(symbol)?;
        ensure!(
            arguments.len() <= C::ARGUMENTS.len(),
            "registers take {} arguments, and there are {}",
            C::ARGUMENTS.len(),
            arguments.len()
        );
        for (&register, &argument) in C::ARGUMENTS.iter().zip(arguments) {
            self.core.set_register(register, argument);
        }
        let map = *self.memory.map();
        // Nothing is executed there: the run ends before.
        const END: u32 = 0xFFFF_FFFE;
        // Both calling conventions want a multiple: AAPCS 8, the psABI 16.
        let stack = (map.sram_start + map.sram_bytes) & !15;
        self.core.set_register(C::STACK_POINTER, stack);
        self.core.set_register(C::LINK, C::return_address(END));
        self.core.jump(address);
        Ok(self.run(Until::Address(END), most_cycles)?)
    }

    /// Runs from reset.
    ///
    /// # Errors
    /// A [`Fault`].
    pub fn run_from_reset(&mut self, until: Until, most_cycles: u64) -> Result<Run> {
        let reset = self.core.reset(&mut self.memory, self.program.entry);
        reset.map_err(|cause| self.fault(cause, 0))?;
        Ok(self.run(until, most_cycles)?)
    }

    /// Runs on from where the core is.
    ///
    /// # Errors
    /// A [`Fault`].
    pub fn run(&mut self, until: Until, most_cycles: u64) -> Result<Run, Fault> {
        let map = *self.memory.map();
        let mut stack_start = self.core.register(C::STACK_POINTER);
        let mut lowest = stack_start;
        let (mut cycles, mut instructions) = (0, 0);
        let mut recorder = Recorder::new(&self.program);
        loop {
            let program_counter = self.core.program_counter();
            let is_done = match until {
                Until::Address(address) => program_counter == address,
                Until::Sent(bytes) => self.memory.sent.len() >= bytes,
                Until::Marks(marks) => self.memory.marks.len() >= marks,
            };
            if is_done {
                break;
            }
            let step = self.core.step(&mut self.memory);
            let step = step.map_err(|cause| self.fault(cause, program_counter))?;
            cycles += u64::from(step);
            instructions += 1;
            self.memory.cycle += u64::from(step);
            recorder.record(&self.program, program_counter, step);
            let stack_pointer = self.core.register(C::STACK_POINTER);
            let is_stack = stack_pointer.wrapping_sub(map.sram_start) <= map.sram_bytes;
            let had_stack = stack_start.wrapping_sub(map.sram_start) <= map.sram_bytes;
            if is_stack && !had_stack {
                // A core without vectors has no stack before its first instructions set one.
                (stack_start, lowest) = (stack_pointer, stack_pointer);
            } else if had_stack && !is_stack {
                // Beyond SRAM, though nothing may have been written there yet.
                let cause = Cause::Write {
                    address: stack_pointer,
                };
                return Err(self.fault(cause, program_counter));
            } else if is_stack {
                lowest = lowest.min(stack_pointer);
            }
            if cycles > most_cycles {
                let cause = Cause::CycleLimit {
                    cycles: most_cycles,
                };
                return Err(self.fault(cause, self.core.program_counter()));
            }
        }
        Ok(Run {
            cycles,
            instructions,
            stack_bytes: stack_start.saturating_sub(lowest),
            profile: recorder.finish(&self.program),
        })
    }

    fn fault(&self, cause: Cause, program_counter: u32) -> Fault {
        let function = self.program.function_at(program_counter);
        Fault {
            cause,
            program_counter,
            symbol: function.map(|it| it.name.clone()),
        }
    }
}
