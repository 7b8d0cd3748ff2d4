//! Whether a firmware can panic.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use object::{Object as _, ObjectSymbol as _};

/// The functions of the firmware at `elf` that are there to panic, or to print why.
///
/// # Errors
/// When it is no ELF file of a firmware.
pub fn of(elf: &Path) -> Result<Vec<String>> {
    let bytes = fs::read(elf).with_context(|| format!("cannot read {}", elf.display()))?;
    let file = object::File::parse(&*bytes)?;
    let mut names = file
        .symbols()
        .map(|symbol| Ok(rustc_demangle::demangle(symbol.name()?).to_string()))
        .collect::<Result<Vec<_>>>()?;
    ensure!(names.iter().any(|name| name == "main"), "there is no main");
    names.retain(|name| {
        ["panic", "unwind", "core::fmt"]
            .iter()
            .any(|it| name.contains(it))
    });
    Ok(names)
}
