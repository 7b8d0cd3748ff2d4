//! A simulated part that runs a firmware.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use herringbone_simulator32::machine::{Machine, Run, Until};
use herringbone_simulator32::memory::{Mark, Memory};
use herringbone_simulator32::program::Program;
use herringbone_simulator32::risc_v::{self, Registers, RiscV};
use herringbone_simulator32::thumb::{self, Thumb};

use super::{Bare, Core};
use crate::classifier::{CLASSES, Verdict};

/// Many times as long as portable code takes.
const MOST_CYCLES: u64 = 200_000_000;

/// The logits of 16 bits, and the class.
const ANSWER_BYTES: usize = 2 * CLASSES + 1;

/// A part with a firmware in its flash.
#[derive(Debug)]
pub struct Board {
    bare: &'static Bare,
    program: Program,
}

/// What an image took.
#[derive(Debug, Clone)]
pub struct Cost {
    /// Cycles of computing.
    pub cycles: u64,
    /// Bytes of the deepest stack since reset.
    pub stack_bytes: u32,
}

impl Board {
    /// A part with the firmware `elf`.
    ///
    /// # Errors
    /// When that is no program for it.
    pub fn new(bare: &'static Bare, elf: &Path) -> Result<Self> {
        let mut program = Program::parse(&fs::read(elf)?)?;
        // What runs before the flash is where the map says.
        program
            .segments
            .retain(|(address, _)| *address >= bare.map.flash_start);
        Ok(Self { bare, program })
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Runs the firmware from reset until it has answered to `images`, one after the other; gives
    /// the last answer and what that image took.
    ///
    /// # Errors
    /// When it does what the part cannot do, or does not answer.
    pub fn classify(&self, images: &[&[u8]]) -> Result<(Verdict, Cost)> {
        let (memory, run) = self.run(images)?;
        ensure!(!images.is_empty(), "there is no image");
        let before = (images.len() - 1) * ANSWER_BYTES;
        let verdict = Verdict::parse(&memory.sent[before..])?;
        // As many marks an image, in pairs: before something is computed, and after.
        let of_image = memory.marks.len() / images.len() / 2 * 2;
        ensure!(of_image > 0, "the firmware does not mark that it computes");
        let marks = &memory.marks[memory.marks.len() - of_image..];
        let cost = Cost {
            cycles: computing(marks),
            stack_bytes: run.stack_bytes,
        };
        Ok((verdict, cost))
    }

    fn run(&self, images: &[&[u8]]) -> Result<(Memory, Run)> {
        let registers = |count: u8, multiplies: bool| Registers { count, multiplies };
        match self.bare.core {
            Core::CortexM0 => self.run_on(Thumb::new(thumb::Cost::CORTEX_M0), images),
            Core::CortexM0Plus => self.run_on(Thumb::new(thumb::Cost::CORTEX_M0_PLUS), images),
            Core::QingkeV2 => {
                let cost = risc_v::Cost::QINGKE_V2_ONE_WAIT_STATE;
                self.run_on(RiscV::new(registers(16, false), cost), images)
            }
            Core::Rv32imc => {
                let cost = risc_v::Cost::GENERIC;
                self.run_on(RiscV::new(registers(32, true), cost), images)
            }
        }
    }

    fn run_on<C: herringbone_simulator32::core::Core>(
        &self,
        core: C,
        images: &[&[u8]],
    ) -> Result<(Memory, Run)> {
        let mut machine = Machine::new(core, self.bare.map, self.program.clone())?;
        machine
            .memory
            .received
            .extend(images.iter().flat_map(|image| image.iter()));
        let until = Until::Sent(images.len() * ANSWER_BYTES);
        let run = machine.run_from_reset(until, images.len() as u64 * MOST_CYCLES)?;
        Ok((machine.memory, run))
    }
}

/// Cycles between marks that are not 0 and the next ones.
fn computing(marks: &[Mark]) -> u64 {
    let mut cycles = 0;
    for pair in marks.windows(2) {
        if pair[0].value != 0 && pair[1].value == 0 {
            cycles += pair[1].cycle - pair[0].cycle;
        }
    }
    cycles
}
