//! What is needed of a program's ELF file.

use anyhow::{Context as _, Result, ensure};
use object::elf::PT_LOAD;
use object::read::elf::{ElfFile32, ProgramHeader as _};
use object::{Architecture, Endianness, Object as _, ObjectSymbol as _, SymbolKind};

/// A linked program.
#[derive(Debug, Clone)]
pub struct Program {
    /// What its core is.
    pub instruction_set: InstructionSet,
    /// What a programmer writes: load addresses with their bytes.
    pub segments: Vec<(u32, Vec<u8>)>,
    /// Its functions, by address.
    pub functions: Vec<Function>,
    /// Where it begins, as the file says.
    pub entry: u32,
    /// All that has a name, as it is mangled, with its address.
    pub symbols: Vec<(String, u32)>,
}

/// What a program is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstructionSet {
    /// ARMv6-M.
    Thumb,
    /// RV32E or RV32I.
    RiscV,
}

/// A function with a symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its demangled name.
    pub name: String,
    /// The address of its first byte.
    pub address: u32,
    /// Its size in bytes.
    pub bytes: u32,
}

impl Program {
    /// Reads the ELF file that `bytes` are.
    ///
    /// # Errors
    /// When they are no ELF file for 32-bit Arm or RISC-V, or hold nothing to load.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let elf = ElfFile32::<Endianness>::parse(bytes)?;
        let instruction_set = match elf.architecture() {
            Architecture::Arm => Some(InstructionSet::Thumb),
            Architecture::Riscv32 => Some(InstructionSet::RiscV),
            _ => None,
        };
        let instruction_set = instruction_set.with_context(|| {
            format!(
                "expected a program for Arm or RV32, found one for {:?}",
                elf.architecture()
            )
        })?;
        let endian = elf.endian();
        let mut segments = Vec::new();
        for header in elf.elf_program_headers() {
            if header.p_type(endian) == PT_LOAD {
                let data = header.data(endian, bytes).ok();
                let data = data.context("a segment lies outside the file")?;
                if !data.is_empty() {
                    segments.push((header.p_paddr(endian), data.to_vec()));
                }
            }
        }
        ensure!(!segments.is_empty(), "the file holds nothing to load");
        let (mut functions, mut symbols) = (Vec::new(), Vec::new());
        for symbol in elf.symbols().filter(|symbol| symbol.is_definition()) {
            let name = symbol.name()?;
            let address = u32::try_from(symbol.address())?;
            let is_function = symbol.kind() == SymbolKind::Text;
            // Bit 0 of the address of a function in Thumb code says that it is one.
            let is_thumb = is_function && instruction_set == InstructionSet::Thumb;
            let address = address & !u32::from(is_thumb);
            symbols.push((name.to_owned(), address));
            if is_function && symbol.size() > 0 {
                functions.push(Function {
                    name: format!("{:#}", rustc_demangle::demangle(name)),
                    address,
                    bytes: u32::try_from(symbol.size())?,
                });
            }
        }
        functions.sort_by_key(|function| function.address);
        let entry = elf.entry() as u32;
        Ok(Self {
            instruction_set,
            segments,
            functions,
            entry,
            symbols,
        })
    }

    /// The address of the symbol `name`, as it is mangled.
    ///
    /// # Errors
    /// When there is none.
    pub fn address(&self, name: &str) -> Result<u32> {
        let symbol = self.symbols.iter().find(|symbol| symbol.0 == name);
        Ok(symbol
            .with_context(|| format!("the program has no symbol {name}"))?
            .1)
    }

    /// The function that `address` is in.
    #[must_use]
    pub fn function_at(&self, address: u32) -> Option<&Function> {
        let after = self
            .functions
            .partition_point(|function| function.address <= address);
        let function = &self.functions[after.checked_sub(1)?];
        (address - function.address < function.bytes).then_some(function)
    }
}
