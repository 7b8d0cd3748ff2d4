//! What the simulator needs of a firmware's ELF file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use object::elf::PT_LOAD;
use object::read::elf::{ElfFile32, ProgramHeader as _};
use object::{Endianness, Object as _, ObjectSection as _, ObjectSymbol as _, SymbolKind};
use serde::Serialize;

use crate::profile::{self, Function, Legend};

/// avr-gcc's linker tells the address spaces apart by these offsets: flash from 0, SRAM from
/// 0x80_0000, EEPROM from 0x81_0000 (binutils, `ld/scripttempl/avr.sc`).
const SRAM: u64 = 0x80_0000;
const EEPROM: u64 = 0x81_0000;

/// What a firmware takes of its microcontroller before it runs.
#[derive(Debug, Clone, Serialize)]
pub struct Footprint {
    /// Bytes of flash: code, constants, and the initial values of `.data`.
    pub flash: u64,
    /// Bytes of SRAM that are taken for good: `.data`, `.bss` and `.noinit`.
    pub sram_static: u64,
    /// Bytes of flash of the network's functions and tables, by name.
    pub parts: BTreeMap<String, u64>,
}

/// A stretch of what the programmer writes to flash.
#[derive(Debug, Clone)]
pub struct Segment {
    /// The byte address of the first byte.
    pub address: u32,
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
    /// All functions and tables, by address.
    pub symbols: Vec<Symbol>,
    /// What is known of the words of flash.
    pub legend: Legend,
}

/// A function, or a table in flash.
#[derive(Debug, Clone)]
pub struct Symbol {
    /// The byte address of its beginning.
    pub address: u64,
    /// How many bytes of flash it takes.
    pub bytes: u64,
    pub path: String,
}

impl Symbol {
    /// What the network's code calls it, where it is part of that: generated code lies in a
    /// module of that name within the nameless constant that a declaration becomes.
    fn part(&self) -> Option<&str> {
        let (_, within) = self.path.split_once("::_::herringbone_code::")?;
        within.split("::").next()
    }
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

        let symbols = symbols(&elf);
        let mut parts = BTreeMap::new();
        for symbol in &symbols {
            if let Some(part) = symbol.part() {
                *parts.entry(part.to_owned()).or_default() += symbol.bytes;
            }
        }

        let timed: Vec<_> = symbols
            .iter()
            .filter_map(|symbol| {
                let name = symbol.part().filter(|part| is_timed(part))?.to_owned();
                let start = u32::try_from(symbol.address).ok()?;
                let end = u32::try_from(symbol.address + symbol.bytes).ok()?;
                Some(Function { name, start, end })
            })
            .collect();
        let ends: Vec<_> = symbols
            .iter()
            .filter_map(|symbol| u32::try_from(symbol.address + symbol.bytes).ok())
            .collect();
        let records = match elf.section_by_name(profile::SECTION) {
            Some(section) => section.data()?,
            None => &[],
        };

        Ok(Self {
            footprint: Footprint {
                flash,
                sram_static,
                parts,
            },
            segments,
            static_end: u16::try_from(static_end).context("the static data end past 64 KiB")?,
            symbols,
            legend: Legend::new(&timed, &ends, records)?,
        })
    }

    /// Where in the program the byte address `pc` is, in words.
    #[must_use]
    pub fn place(&self, pc: u32) -> String {
        let next = self
            .symbols
            .partition_point(|symbol| symbol.address <= u64::from(pc));
        match next.checked_sub(1).map(|index| &self.symbols[index]) {
            Some(symbol) => format!("{pc:#06x} in {}", symbol.path),
            None => format!("{pc:#06x}"),
        }
    }
}

/// The functions and tables in flash, by address.
fn symbols(elf: &ElfFile32<Endianness>) -> Vec<Symbol> {
    let mut symbols: Vec<_> = elf
        .symbols()
        .filter(|symbol| {
            // Labels within functions are neither.
            matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Data)
                && symbol.address() < SRAM
                && symbol.is_definition()
        })
        .filter_map(|symbol| {
            Some(Symbol {
                address: symbol.address(),
                bytes: symbol.size(),
                path: format!("{:#}", rustc_demangle::demangle(symbol.name().ok()?)),
            })
        })
        .collect();
    symbols.sort_by(|one, other| (one.address, &one.path).cmp(&(other.address, &other.path)));
    symbols
}

/// Whether the function of the network that is called `part` is timed by itself: a layer, what
/// takes the input in, and what calls the layers. The time of others is their caller's.
fn is_timed(part: &str) -> bool {
    let position = part.strip_prefix("layer_");
    position.is_some_and(|position| position.parse::<u16>().is_ok())
        || part == "absorb"
        || part == "infer"
}
