//! The microcontrollers that a declaration's `target` may name, and what of
//! each a design has to fit.
//!
//! The AVR rows are made from the device headers of avr-libc by
//! `cargo xtask targets`; the few others are kept by hand, each with its
//! source.

mod avr;
mod cores;
mod cortex_m;
mod cortex_m_mainline;
mod risc_v;

/// A microcontroller, or a core with whatever memory a declaration says: what of it a design
/// must fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Lower case, as `-mmcu` of avr-gcc, `-C target-cpu` of rustc for AVR or
    /// the datasheet has it, without package and temperature suffixes.
    pub name: &'static str,
    /// Its instruction set.
    pub architecture: Architecture,
    /// Internal SRAM in bytes, from its first address to its last; no
    /// registers, no external memory. 0 for a core.
    pub sram_bytes: u32,
    /// Program memory in bytes, all of it: what a bootloader takes of it is
    /// not subtracted. For a part that runs from external flash, that of the
    /// board named in the table. 0 for a core.
    pub flash_bytes: u32,
    /// Whether the instruction set multiplies.
    pub multiplies: bool,
}

/// What memory a microcontroller has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// SRAM in bytes, as [`Target::sram_bytes`].
    pub sram_bytes: u32,
    /// Flash in bytes, as [`Target::flash_bytes`].
    pub flash_bytes: u32,
}

/// The instruction sets that code can be generated for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Architecture {
    /// 8-bit AVR with the full `lpm` and `movw`: avr25 and later, xmega and
    /// AVR Dx included, the reduced core of ATtiny4 to ATtiny104 not.
    Avr,
    /// ARMv6-M, Cortex-M0.
    CortexM0,
    /// ARMv6-M, Cortex-M0+.
    CortexM0Plus,
    /// ARMv7-M, Cortex-M3.
    CortexM3,
    /// ARMv7E-M, Cortex-M4, with or without floating point.
    CortexM4,
    /// ARMv7E-M, Cortex-M7.
    CortexM7,
    /// ARMv8-M Mainline, Cortex-M33.
    CortexM33,
    /// 32-bit RISC-V, RV32E or RV32I.
    RiscV32,
}

impl Architecture {
    /// Whether its registers have 32 bits, not 8.
    pub const fn has_32_bit_registers(self) -> bool {
        match self {
            Self::Avr => false,
            Self::CortexM0
            | Self::CortexM0Plus
            | Self::CortexM3
            | Self::CortexM4
            | Self::CortexM7
            | Self::CortexM33
            | Self::RiscV32 => true,
        }
    }
}

/// Each sorted by name, so that [`Target::named`] can search by halves.
const TABLES: [&[Target]; 4] = [
    avr::PARTS,
    cortex_m::PARTS,
    cortex_m_mainline::PARTS,
    risc_v::PARTS,
];

impl Target {
    /// The clock that boards of such an AVR part usually run at.
    pub fn usual_clock_megahertz(&self) -> u32 {
        match self.name {
            // The fastest that needs no crystal, and the speed grade's limit.
            name if name.starts_with("avr") => 24,
            name if name.starts_with("atxmega") => 32,
            // The internal oscillator.
            name if name.starts_with("attiny") => 8,
            _ => 16,
        }
    }

    /// A part with a Cortex-M core, all of which multiply; SRAM and flash in KiB.
    const fn cortex_m(
        name: &'static str,
        architecture: Architecture,
        sram_kib: u32,
        flash_kib: u32,
    ) -> Self {
        Self {
            name,
            architecture,
            sram_bytes: sram_kib * 1024,
            flash_bytes: flash_kib * 1024,
            multiplies: true,
        }
    }

    /// The microcontroller of exactly this name, lower case.
    pub fn named(name: &str) -> Option<&'static Target> {
        TABLES.iter().find_map(|parts| {
            let index = parts.binary_search_by_key(&name, |part| part.name).ok()?;
            Some(&parts[index])
        })
    }

    /// The microcontroller or the core of exactly this name, lower case.
    pub fn named_with_cores(name: &str) -> Option<&'static Target> {
        let core = || cores::CORES.iter().find(|core| core.name == name);
        Target::named(name).or_else(core)
    }

    /// Whether it is a core, of which only a declaration says how much memory it has.
    pub fn is_core(&self) -> bool {
        cores::CORES.iter().any(|core| core.name == self.name)
    }

    /// SRAM and flash in bytes, if it is a microcontroller.
    pub fn memory(&self) -> Option<Memory> {
        (!self.is_core()).then_some(Memory {
            sram_bytes: self.sram_bytes,
            flash_bytes: self.flash_bytes,
        })
    }

    /// Every known microcontroller: AVR, then Cortex-M0 and M0+, then larger Cortex-M, then
    /// RISC-V, each sorted by name.
    pub fn all() -> impl Iterator<Item = &'static Target> {
        TABLES.into_iter().flatten()
    }

    /// For "did you mean": at most three, the nearest first: microcontrollers
    /// whose names are within three typing slips of `name`, or begin with it,
    /// or continue in it (`stm32f030f4p6`), and cores within one slip. Case is
    /// ignored; where `name` is wrong in its case alone, the one meant. May be
    /// empty.
    pub fn nearest(name: &str) -> Vec<&'static Target> {
        const MOST: usize = 3;
        const MOST_SLIPS: usize = 3;
        // Names of other cores are as short.
        const MOST_SLIPS_OF_CORES: usize = 1;
        // Fewer letters than this begin the names of half the table.
        const SHORTEST_BEGINNING: usize = 3;

        let name = name.to_lowercase();
        if let Some(target) = Target::named_with_cores(&name) {
            return vec![target];
        }
        let cores = cores::CORES
            .iter()
            .map(|core| (strsim::osa_distance(&name, core.name), core))
            .filter(|&(slips, _)| slips <= MOST_SLIPS_OF_CORES);
        let mut near: Vec<(usize, &'static Target)> = Target::all()
            .map(|target| (strsim::osa_distance(&name, target.name), target))
            .filter(|&(slips, target)| {
                slips <= MOST_SLIPS
                    || name.starts_with(target.name)
                    || name.len() >= SHORTEST_BEGINNING && target.name.starts_with(&name)
            })
            .chain(cores)
            .collect();
        near.sort_by_key(|&(slips, target)| (slips, target.name));
        near.truncate(MOST);
        near.into_iter().map(|(_, target)| target).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn avr(name: &str) -> (u32, u32, bool) {
        let target = Target::named(name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(target.architecture, Architecture::Avr);
        (target.sram_bytes, target.flash_bytes, target.multiplies)
    }

    fn nearest(name: &str) -> Vec<&'static str> {
        Target::nearest(name).iter().map(|part| part.name).collect()
    }

    #[test]
    fn every_table_is_sorted() {
        for parts in TABLES {
            assert!(parts.is_sorted_by_key(|part| part.name));
        }
    }

    #[test]
    fn no_name_stands_twice() {
        let names: HashSet<_> = Target::all().map(|part| part.name).collect();
        assert_eq!(names.len(), Target::all().count());
    }

    #[test]
    fn every_part_is_found_by_its_name() {
        for part in Target::all() {
            assert_eq!(Target::named(part.name), Some(part));
        }
    }

    #[test]
    fn names_are_lower_case_identifiers() {
        for part in Target::all() {
            let name = part.name;
            assert!(syn::parse_str::<syn::Ident>(name).is_ok(), "{name}");
            assert_eq!(name.to_lowercase(), name);
        }
    }

    #[test]
    fn every_table_holds_its_own_architectures() {
        use Architecture::*;
        assert!(avr::PARTS.iter().all(|part| part.architecture == Avr));
        assert!(
            cortex_m::PARTS
                .iter()
                .all(|part| matches!(part.architecture, CortexM0 | CortexM0Plus))
        );
        assert!(cortex_m_mainline::PARTS.iter().all(|part| matches!(
            part.architecture,
            CortexM3 | CortexM4 | CortexM7 | CortexM33
        )));
        assert!(
            risc_v::PARTS
                .iter()
                .all(|part| part.architecture == RiscV32)
        );
    }

    #[test]
    fn at_least_forty_avr_parts_are_known() {
        assert!(avr::PARTS.len() >= 40);
    }

    #[test]
    fn at_least_sixty_parts_are_small_cores_of_32_bits() {
        assert!(cortex_m::PARTS.len() + risc_v::PARTS.len() >= 60);
    }

    #[test]
    fn avr_figures_are_those_of_the_datasheets() {
        assert_eq!(avr("attiny13a"), (64, 1024, false));
        assert_eq!(avr("attiny85"), (512, 8192, false));
        assert_eq!(avr("atmega8"), (1024, 8192, true));
        assert_eq!(avr("atmega328p"), (2048, 32768, true));
        assert_eq!(avr("atmega32u4"), (2560, 32768, true));
        assert_eq!(avr("atmega16u2"), (512, 16384, false));
        assert_eq!(avr("atmega1284p"), (16384, 131_072, true));
        assert_eq!(avr("atmega2560"), (8192, 262_144, true));
        assert_eq!(avr("atmega4809"), (6144, 49152, true));
        assert_eq!(avr("attiny817"), (512, 8192, true));
        assert_eq!(avr("attiny1614"), (2048, 16384, true));
        assert_eq!(avr("avr32da28"), (4096, 32768, true));
        assert_eq!(avr("avr128db48"), (16384, 131_072, true));
        // 128 KB of application and 8 KB of boot section.
        assert_eq!(avr("atxmega128a1"), (8192, 139_264, true));
    }

    #[test]
    fn reduced_core_parts_and_parts_without_sram_are_left_out() {
        for name in ["attiny4", "attiny10", "attiny40", "attiny104", "attiny11"] {
            assert_eq!(Target::named(name), None, "{name}");
        }
    }

    #[test]
    fn only_the_ch32v003_among_the_32_bit_parts_lacks_a_multiplier() {
        let without: Vec<_> = Target::all()
            .filter(|part| part.architecture != Architecture::Avr && !part.multiplies)
            .map(|part| part.name)
            .collect();
        assert_eq!(without, ["ch32v003f4"]);
    }

    #[test]
    fn named_is_exact() {
        assert!(Target::named("atmega328p").is_some());
        assert_eq!(Target::named("ATmega328P"), None);
        assert_eq!(Target::named("atmega328p "), None);
        assert_eq!(Target::named(""), None);
    }

    #[test]
    fn another_case_is_near_the_one_part_meant() {
        assert_eq!(nearest("ATmega328P"), ["atmega328p"]);
        assert_eq!(nearest("STM32F030F4"), ["stm32f030f4"]);
    }

    #[test]
    fn a_core_is_no_part_and_has_no_memory_of_its_own() {
        for core in &cores::CORES {
            assert_eq!(Target::named(core.name), None);
            assert_eq!(Target::named_with_cores(core.name), Some(core));
            assert!(core.is_core());
            assert_eq!(core.memory(), None);
        }
        assert!(Target::all().all(|part| part.memory().is_some()));
        assert_eq!(nearest("cortexm0"), ["cortex_m0"]);
        assert_eq!(nearest("RV32IMAC"), ["rv32imc"]);
    }

    #[test]
    fn a_slip_is_near_the_part_meant() {
        assert_eq!(nearest("atmega382p")[0], "atmega328p");
        assert_eq!(nearest("atmga328p")[0], "atmega328p");
        assert_eq!(nearest("AVR128DB49")[0], "avr128db48");
    }

    #[test]
    fn a_name_with_its_package_is_near_the_part() {
        assert_eq!(nearest("stm32f030f4p6")[0], "stm32f030f4");
        assert_eq!(nearest("ch32v003f4p6_tssop20")[0], "ch32v003f4");
    }

    #[test]
    fn a_family_is_near_its_parts() {
        let parts = nearest("avr64db");
        assert_eq!(parts, ["avr64db28", "avr64db32", "avr64db48"]);
    }

    #[test]
    fn a_name_like_no_other_is_near_none() {
        for name in ["", "a", "uno", "raspberry", "cortex_a53"] {
            assert_eq!(nearest(name), [""; 0], "{name}");
        }
    }
}
