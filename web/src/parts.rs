//! The design on other parts.

use herringbone_compiler::budget::{Design, needed_flash_bytes};
use herringbone_compiler::declaration::Declaration;
use herringbone_compiler::target::{Architecture, Target};

use crate::answer::OnPart;

/// What a design for that part takes of it.
pub(crate) fn on_part(part: &'static Target, declaration: &Declaration, design: &Design) -> OnPart {
    let needed_flash = needed_flash_bytes(declaration, design, part.flash_bytes);
    OnPart {
        name: part.name,
        family: match part.architecture {
            Architecture::Avr => "AVR",
            Architecture::CortexM0 => "Cortex-M0",
            Architecture::CortexM0Plus => "Cortex-M0+",
            Architecture::CortexM3 => "Cortex-M3",
            Architecture::CortexM4 => "Cortex-M4",
            Architecture::CortexM7 => "Cortex-M7",
            Architecture::CortexM33 => "Cortex-M33",
            Architecture::RiscV32 => "RISC-V",
        },
        sram_bytes: part.sram_bytes,
        flash_bytes: part.flash_bytes,
        plan: design.plan.strategy.name(&declaration.network.dataflow()),
        needed_sram_bytes: design.sram_bytes(),
        needed_flash_bytes: needed_flash,
        cycles: design
            .footprint
            .code
            .as_ref()
            .map(|code| code.cycles().round() as u64),
        fits: design.sram_bytes() <= part.sram_bytes && needed_flash <= part.flash_bytes.into(),
    }
}
