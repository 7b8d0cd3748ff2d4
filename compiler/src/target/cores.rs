//! Cores by their own names, for parts that are in no table here: a declaration says how much
//! memory is around them.

use super::{Architecture, Target};

const fn core(name: &'static str, architecture: Architecture, multiplies: bool) -> Target {
    Target {
        name,
        architecture,
        sram_bytes: 0,
        flash_bytes: 0,
        multiplies,
    }
}

/// All that machine code is written for, other than AVR.
pub(super) static CORES: [Target; 4] = [
    core("cortex_m0", Architecture::CortexM0, true),
    core("cortex_m0plus", Architecture::CortexM0Plus, true),
    // Without a multiplier, as QingKe V2A.
    core("rv32ec", Architecture::RiscV32, false),
    core("rv32imc", Architecture::RiscV32, true),
];
