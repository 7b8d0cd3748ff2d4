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
pub struct Footprint {
    /// Bytes of flash: code, constants, and the initial values of `.data`.
    pub flash: u64,
    /// Bytes of SRAM that are taken for good: `.data`, `.bss` and `.noinit`.
    pub sram_static: u64,
}

/// A stretch of what the programmer writes to flash.
#[derive(Debug, Clone)]
pub struct Segment {
    /// The byte address of the first byte.
    pub address: u32,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A firmware, read from its ELF file.
pub struct Firmware {
    /// What it takes before it runs.
    pub footprint: Footprint,
    /// What the programmer writes to flash.
    pub segments: Vec<Segment>,
    /// The first address in data space above the static data.
    pub static_end: u16,
    /// The functions' addresses and names, by address.
    pub functions: Vec<(u64, String)>,
}

impl Firmware {
    /// Reads the ELF file at `path`.
    ///
    /// # Errors
    /// When the file cannot be read, is no AVR ELF file or holds no code.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&bytes).with_context(|| format!("cannot load {}", path.display()))
    }

    /// Reads the ELF file that `bytes` are.
    ///
    /// # Errors
    /// When they are no AVR ELF file or hold no code.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
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
                let bytes = header
                    .data(endian, bytes)
                    .ok()
                    .context("a segment lies outside the file")?
                    .to_vec();
                if !bytes.is_empty() {
                    segments.push(Segment { address, bytes });
                }
            }
        }
        ensure!(!segments.is_empty(), "the file holds no code");
        let flash = segments
            .iter()
            .map(|it: &Segment| it.bytes.len() as u64)
            .sum();

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
    #[must_use]
    pub fn place(&self, pc: u32) -> String {
        let next = self
            .functions
            .partition_point(|(address, _)| *address <= u64::from(pc));
        match next.checked_sub(1).map(|index| &self.functions[index]) {
            Some((_, name)) => format!("{pc:#06x} in {name}"),
            None => format!("{pc:#06x}"),
        }
    }
}
