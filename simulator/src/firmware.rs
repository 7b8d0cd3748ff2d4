//! What the simulator needs of a firmware's ELF file.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use object::elf::PT_LOAD;
use object::read::elf::{ElfFile32, ProgramHeader as _};
use object::{Endianness, Object as _, ObjectSection as _, ObjectSymbol as _, SymbolKind};
use serde::Serialize;

/// avr-gcc's linker tells the address spaces apart by these offsets: flash from 0, SRAM from
/// 0x80_0000, EEPROM from 0x81_0000 (binutils, `ld/scripttempl/avr.sc`).
const SRAM: u64 = 0x80_0000;
const EEPROM: u64 = 0x81_0000;

/// What a firmware takes of its microcontroller before it runs.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Footprint {
    /// Bytes of flash: code, constants, and the initial values of `.data`.
    pub(crate) flash: u64,
    /// Bytes of SRAM that are taken for good: `.data`, `.bss` and `.noinit`.
    pub(crate) sram_static: u64,
}

/// A firmware, read from its ELF file.
pub(crate) struct Firmware {
    pub(crate) footprint: Footprint,
    /// What the programmer writes to flash: addresses and bytes.
    pub(crate) segments: Vec<(u32, Vec<u8>)>,
    /// The first address in data space above the static data.
    pub(crate) static_end: u16,
    /// The functions' addresses and names, by address.
    pub(crate) functions: Vec<(u64, String)>,
}

impl Firmware {
    /// Reads the ELF file at `path`.
    ///
    /// # Errors
    /// When the file cannot be read, is no AVR ELF file or holds no code.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&bytes).with_context(|| format!("cannot load {}", path.display()))
    }

    fn parse(bytes: &[u8]) -> Result<Self> {
        let elf = ElfFile32::<Endianness>::parse(bytes)?;
        ensure!(
            elf.architecture() == object::Architecture::Avr,
            "expected a program for AVR, found one for {:?}",
            elf.architecture()
        );

        let endian = elf.endian();
        let mut segments = Vec::new();
        for header in elf.elf_program_headers() {
            let address = header.p_paddr(endian);
            if header.p_type(endian) == PT_LOAD && u64::from(address) < SRAM {
                let data = header
                    .data(endian, bytes)
                    .ok()
                    .context("a segment lies outside the file")?;
                if !data.is_empty() {
                    segments.push((address, data.to_vec()));
                }
            }
        }
        ensure!(!segments.is_empty(), "the file holds no code");
        let flash = segments.iter().map(|(_, data)| data.len() as u64).sum();

        let mut sram_static = 0;
        let mut static_end = 0;
        for section in elf.sections() {
            if (SRAM..EEPROM).contains(&section.address()) && section.size() > 0 {
                sram_static += section.size();
                static_end = static_end.max(section.address() + section.size() - SRAM);
            }
        }

        let mut functions: Vec<_> = elf
            .symbols()
            .filter(|symbol| symbol.kind() == SymbolKind::Text)
            .filter_map(|symbol| {
                let name = rustc_demangle::demangle(symbol.name().ok()?);
                Some((symbol.address(), format!("{name:#}")))
            })
            .collect();
        functions.sort();

        Ok(Self {
            footprint: Footprint { flash, sram_static },
            segments,
            static_end: u16::try_from(static_end).context("the static data end past 64 KiB")?,
            functions,
        })
    }

    /// Where in the program the byte address `pc` is, in words.
    pub(crate) fn place(&self, pc: u32) -> String {
        let next = self
            .functions
            .partition_point(|(address, _)| *address <= u64::from(pc));
        match next.checked_sub(1).map(|index| &self.functions[index]) {
            Some((_, name)) => format!("{pc:#06x} in {name}"),
            None => format!("{pc:#06x}"),
        }
    }
}
