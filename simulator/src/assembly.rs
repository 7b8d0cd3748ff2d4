//! Assembling a program from text, by binutils: what tests of machine code load into a
//! [`Machine`](crate::machine::Machine).

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{fs, process};

use anyhow::{Context, Result, anyhow};
use object::read::elf::{ElfFile32, FileHeader as _};
use object::{Endianness, Object as _, ObjectSymbol as _};

use crate::firmware::{Firmware, Segment};

/// The section of code that is at address 0.
pub(crate) const FIRST: &str = ".herringbone.first";

/// Tables for `lpm` as low as can be, `.text` at `base_bytes` or after them; how much flash the
/// part has is checked by who programs it.
fn linker_script(base_bytes: u32) -> String {
    format!(
        "SECTIONS {{
    .text 0 : {{
        *({FIRST})
        {TABLES} = .;
        *(.progmem .progmem.*)
        {TABLES_END} = .;
        . = MAX(., {base_bytes:#x});
        *(.text .text.*)
    }}
    .debug_herringbone 0 : {{ *(.debug_herringbone) }}
}}
"
    )
}

/// Labels around the tables in sections of their own.
const TABLES: &str = "herringbone_tables";
const TABLES_END: &str = "herringbone_tables_end";

/// A linked program.
#[derive(Debug)]
pub struct Assembly {
    /// What the programmer writes to flash.
    pub segments: Vec<Segment>,
    symbols: Vec<Symbol>,
}

/// A label that stays known.
#[derive(Debug)]
struct Symbol {
    name: String,
    byte_address: u32,
    bytes: u32,
}

impl Assembly {
    /// Assembles and links `text` for `mcu`, as `-mmcu` calls it; its `.text` begins at
    /// `base_bytes` of flash, its `.progmem` as low as can be.
    ///
    /// # Errors
    /// When binutils for AVR are not installed, or refuse the text: each of their messages comes
    /// with the line that it is about.
    pub fn new(mcu: &str, base_bytes: u32, text: &str) -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a folder for the program")?;
        let path = |name: &str| folder.path().join(name);
        fs::write(path("linker.ld"), linker_script(base_bytes))?;

        let mut assembler = Command::new("avr-as");
        assembler
            .arg(format!("-mmcu={mcu}"))
            .arg("-o")
            .arg(path("program.o"));
        run(&mut assembler, text).map_err(|error| match error {
            Refusal::Start(error) => error,
            Refusal::Message(message) => anyhow!("{}", with_lines(&message, text)),
        })?;

        let mut linker = Command::new("avr-ld");
        linker
            .arg(format!("-mavr{}", architecture(&path("program.o"))?))
            .arg("-T")
            .arg(path("linker.ld"))
            .arg("-o")
            .arg(path("program.elf"))
            .arg(path("program.o"));
        run(&mut linker, "").map_err(|error| match error {
            Refusal::Start(error) => error,
            Refusal::Message(message) => anyhow!("cannot link: {message}"),
        })?;

        let elf = fs::read(path("program.elf"))?;
        Ok(Self {
            segments: Firmware::parse(&elf)?.segments,
            symbols: symbols(&elf)?,
        })
    }

    /// The byte address of the label `name`.
    ///
    /// # Errors
    /// When there is none.
    pub fn address(&self, name: &str) -> Result<u32> {
        Ok(self.symbol(name)?.byte_address)
    }

    /// The size of what is labelled `name`, as its `.size` says.
    ///
    /// # Errors
    /// When there is no such label.
    pub fn bytes(&self, name: &str) -> Result<u32> {
        Ok(self.symbol(name)?.bytes)
    }

    /// Bytes of `.progmem`.
    ///
    /// # Errors
    /// Never, in fact: the labels around it are there in every program.
    pub fn table_bytes(&self) -> Result<u32> {
        Ok(self.address(TABLES_END)? - self.address(TABLES)?)
    }

    /// The label at `byte_address`, if there is one.
    #[must_use]
    pub fn label_at(&self, byte_address: u32) -> Option<&str> {
        let mut symbols = self.symbols.iter();
        let symbol = symbols.find(|symbol| symbol.byte_address == byte_address)?;
        Some(&symbol.name)
    }

    /// What is at `byte_address`: the last label at or before it, and the bytes from there on.
    #[must_use]
    pub fn place(&self, byte_address: u32) -> String {
        let before = self
            .symbols
            .iter()
            .filter(|symbol| symbol.byte_address <= byte_address);
        match before.max_by_key(|symbol| symbol.byte_address) {
            Some(symbol) => format!(
                "{byte_address:#06x}, {} bytes into {}",
                byte_address - symbol.byte_address,
                symbol.name
            ),
            None => format!("{byte_address:#06x}"),
        }
    }

    fn symbol(&self, name: &str) -> Result<&Symbol> {
        let mut symbols = self.symbols.iter();
        symbols
            .find(|symbol| symbol.name == name)
            .with_context(|| format!("the program has no label {name}"))
    }
}

fn symbols(elf: &[u8]) -> Result<Vec<Symbol>> {
    let elf = ElfFile32::<Endianness>::parse(elf)?;
    elf.symbols()
        .filter(|symbol| symbol.is_definition() && symbol.name().is_ok_and(|it| !it.is_empty()))
        .map(|symbol| {
            Ok(Symbol {
                name: symbol.name()?.to_owned(),
                byte_address: u32::try_from(symbol.address())?,
                bytes: u32::try_from(symbol.size())?,
            })
        })
        .collect()
}

/// The core that an object file is for, `avr5` as 5: the linker wants to be told.
fn architecture(path: &Path) -> Result<u32> {
    // Of the flags of an ELF file for AVR, these are the core (binutils, `include/elf/avr.h`).
    const CORE: u32 = 0x7F;
    let bytes = fs::read(path)?;
    let elf = ElfFile32::<Endianness>::parse(&*bytes)?;
    Ok(elf.elf_header().e_flags(elf.endian()).0 & CORE)
}

/// Why a program of binutils did not do its work.
enum Refusal {
    Start(anyhow::Error),
    Message(String),
}

/// Runs `command` on `input`.
fn run(command: &mut Command, input: &str) -> Result<(), Refusal> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut start = || -> Result<process::Output> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| {
                format!(
                    "cannot start {name}, of binutils for AVR: install them, on Debian by sudo \
                     apt-get install binutils-avr"
                )
            })?;
        let mut stdin = child.stdin.take().context("its input is a pipe")?;
        // One that stops reading says why on its standard error.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        Ok(child.wait_with_output()?)
    };
    let output = start().map_err(Refusal::Start)?;
    if output.status.success() {
        return Ok(());
    }
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Refusal::Message(message))
}

/// The assembler's messages, each with the line of `text` that it is about.
fn with_lines(message: &str, text: &str) -> String {
    const MOST_MESSAGES: usize = 20;
    let lines: Vec<&str> = text.lines().collect();
    let number = |message: &str| -> Option<usize> { message.split(':').nth(1)?.parse().ok() };
    let messages = message.lines().take(MOST_MESSAGES).map(|message| {
        let line = number(message).and_then(|number| lines.get(number.checked_sub(1)?));
        match line {
            Some(line) => format!("{message}\n    {}", line.trim()),
            None => message.to_owned(),
        }
    });
    let messages: Vec<String> = messages.collect();
    messages.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_their_addresses_and_sizes() {
        let text = "f: ret\ng: ldi r24, lo8(1f)\nret\n1: .byte 1, 2, 3\n.size g, . - g\n\
                    .pushsection .progmem.data\n.byte 4, 5\n.popsection";
        let assembly = Assembly::new("atmega2560", 0x1_0000, text).unwrap();
        assert_eq!(assembly.address("f").unwrap(), 0x1_0000);
        assert_eq!(assembly.address("g").unwrap(), 0x1_0002);
        assert_eq!(assembly.bytes("g").unwrap(), 7);
        assert_eq!(assembly.place(0x1_0004), "0x10004, 2 bytes into g");
        assert_eq!(assembly.table_bytes().unwrap(), 2);
        assert_eq!(assembly.segments.len(), 1);
        let bytes = &assembly.segments[0].bytes;
        assert_eq!(bytes[..2], [4, 5]);
        assert_eq!(bytes[0x1_0002..], [0x86, 0xE0, 0x08, 0x95, 1, 2, 3]);
        assert!(assembly.address("h").is_err());
    }

    #[test]
    fn an_instruction_that_the_part_lacks_is_an_error_with_its_line() {
        Assembly::new("atmega328p", 0, "mul r2, r3").unwrap();
        let error = Assembly::new("attiny85", 0, "nop\nmul r2, r3").unwrap_err();
        assert!(error.to_string().contains("\n    mul r2, r3"), "{error}");
    }
}
