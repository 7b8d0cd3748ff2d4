//! Pieces of code alone: registers in, registers out.

use anyhow::{Context, Result, ensure};

use crate::call::{Caller, MOST_CYCLES, Returned};
use crate::machine::Machine;
use crate::stack::StackWatch;

/// A piece of code that is run alone, register for register.
pub struct Snippet {
    caller: Caller,
}

impl Snippet {
    const NAME: &str = "herringbone.snippet";

    /// Assembles `text`, which ends by `ret` or at its end.
    ///
    /// # Errors
    /// When the text cannot be assembled for the part.
    pub fn new(mcu: &str, text: &str) -> Result<Self> {
        const BASE_BYTES: u32 = 0x100;
        let text = format!("{}:\n{text}\n\t.p2align 1\n\tbreak\n", Self::NAME);
        Ok(Self {
            caller: Caller::new(mcu, BASE_BYTES, &text, 0)?,
        })
    }

    /// The microcontroller, to set and read its SRAM.
    pub fn machine_mut(&mut self) -> &mut Machine {
        self.caller.machine_mut()
    }

    /// Runs the snippet on `registers`, to its `ret`, which counts, or to a `break` or its end,
    /// which do not.
    ///
    /// # Errors
    /// When the snippet crashes or never ends.
    pub fn run(&mut self, registers: &[u8; 32]) -> Result<Returned> {
        const BREAK: Option<u16> = Some(0x9598);
        let caller = &mut self.caller;
        let arguments: Vec<(u8, u8)> = (0..).zip(registers.iter().copied()).collect();
        caller.enter(Self::NAME, &arguments)?;
        let start = caller.machine().cycle();
        let mut stack = StackWatch::new(caller.machine().stack_pointer());
        while caller.machine().opcode(caller.machine().program_counter()) != BREAK {
            caller.step(&mut stack)?;
            let cycles = caller.machine().cycle() - start;
            ensure!(cycles <= MOST_CYCLES, "the snippet does not end");
        }
        Ok(Returned {
            registers: std::array::from_fn(|register| caller.machine().register(register as u8)),
            status: caller.machine().status(),
            cycles: caller.machine().cycle() - start,
            stack_bytes: caller.machine().ram_end() - stack.lowest(),
        })
    }
}

/// Runs the snippet `text` once: see [`Snippet`], which is assembled once and run often.
///
/// # Errors
/// When the snippet cannot be assembled, crashes or never ends.
pub fn run_snippet(mcu: &str, text: &str, registers: &[u8; 32]) -> Result<Returned> {
    Snippet::new(mcu, text)?
        .run(registers)
        .context("in a snippet")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_ends_at_its_end_its_break_and_its_return() {
        let mut registers = [0; 32];
        (registers[3], registers[4]) = (200, 100);
        for (text, cycles) in [
            ("add r3, r4", 1),
            ("add r3, r4\nbreak\nclr r3", 1),
            ("add r3, r4\nret", 5),
        ] {
            let returned = run_snippet("attiny85", text, &registers).unwrap();
            assert_eq!(
                (returned.registers[3], returned.status & 1),
                (44, 1),
                "{text}"
            );
            assert_eq!(returned.cycles, cycles, "{text}");
        }
    }
}
