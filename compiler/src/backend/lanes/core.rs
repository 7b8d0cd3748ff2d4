//! The cores that code is written for.

use super::isa::{InstructionSet, Rv32, Thumb};
use crate::target::{Architecture, Target};

/// A core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Core {
    /// ARMv6-M.
    CortexM0,
    /// ARMv6-M with a shorter pipeline.
    CortexM0Plus,
    /// RV32EC without a multiplier, as in the CH32V003.
    Rv32ec,
    /// RV32IMC.
    Rv32imc,
}

impl Core {
    /// The core of a part, if code is written for it.
    #[must_use]
    pub fn written_for(target: &Target) -> Option<Self> {
        match target.architecture {
            Architecture::CortexM0 => Some(Self::CortexM0),
            Architecture::CortexM0Plus => Some(Self::CortexM0Plus),
            // The one part without a multiplier has 16 registers, and the others all 32.
            Architecture::RiscV32 if target.multiplies => Some(Self::Rv32imc),
            Architecture::RiscV32 => Some(Self::Rv32ec),
            Architecture::Avr
            | Architecture::CortexM3
            | Architecture::CortexM4
            | Architecture::CortexM7
            | Architecture::CortexM33 => None,
        }
    }

    pub(crate) fn instruction_set(self) -> Box<dyn InstructionSet> {
        match self {
            Self::CortexM0 => Box::new(Thumb::CORTEX_M0),
            Self::CortexM0Plus => Box::new(Thumb::CORTEX_M0_PLUS),
            Self::Rv32ec => Box::new(Rv32::QINGKE_V2),
            Self::Rv32imc => Box::new(Rv32::GENERIC),
        }
    }
}
