//! `cargo xtask targets`: makes the compiler's table of AVR parts from the
//! device headers of avr-libc.
//!
//! Debian 12's avr-libc 2.0 knows nothing of the AVR Dx and the ATtiny of the
//! 0, 1 and 2 series; 2.2, which Debian 13 has, does. So the headers are taken
//! from Debian 13's package, unpacked but not installed, and evaluated by
//! whatever avr-gcc is here. Where the package keeps a part's start-up code
//! tells the core to compile for, also to an avr-gcc too old to know the part.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

const SUITE: &str = "trixie";
const ARCHIVE: &str = "http://deb.debian.org/debian";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Beginnings of the names of parts sold as microcontrollers. The rest (ata…,
/// at86rf401, at94k, at43usb…, at76c711, m3000) are radios, FPGAs and other
/// single-purpose circuits, some with their program in ROM.
const FAMILIES: [&str; 7] = [
    "at90can", "at90pwm", "at90usb", "atmega", "attiny", "atxmega", "avr",
];

/// Prints each figure from a device header through the compiler, which alone
/// can evaluate them: `FLASHEND` may be `0x7FFF` or
/// `(PROGMEM_START + PROGMEM_SIZE - 1)`.
///
/// Cores without `lpm Rd, Z+` (classic AVR up to avr31, and the reduced core
/// of ATtiny4 to ATtiny104, which has no `lpm` at all and only 16 registers)
/// print none: the generated code reads its tables and weights with it.
const PROBE: &str = r#"
#include <avr/io.h>
#ifndef FLASHSTART
#define FLASHSTART 0
#endif
#ifdef __AVR_HAVE_MUL__
#define MULTIPLIES 1
#else
#define MULTIPLIES 0
#endif
#define FIGURE(name, value) __asm__("figure " name " %0" :: "i"(value))
void figures(void) {
#ifdef __AVR_HAVE_LPMX__
    FIGURE("sram_bytes", (unsigned long)(RAMEND) - (RAMSTART) + 1);
    FIGURE("flash_bytes", (unsigned long)(FLASHEND) - (FLASHSTART) + 1);
    FIGURE("multiplies", MULTIPLIES);
#endif
}
"#;

/// A row of the table.
struct Row {
    name: String,
    header: String,
    sram_bytes: u32,
    flash_bytes: u32,
    multiplies: bool,
}

/// Writes `compiler/src/target/avr.rs` again.
///
/// # Errors
/// A tool of Debian's or avr-gcc is missing or fails, the archive cannot be
/// reached, or a header lacks a figure.
pub fn run() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let table = root.join("compiler/src/target/avr.rs");
    let (library, version) = fetch(&root.join("target/avr-libc"))?;
    let (mut rows, left_out) = read_rows(&library.join("usr/lib/avr"))?;
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    fs::write(&table, render(&rows, &version))?;
    output(
        Command::new("rustfmt")
            .args(["--edition", "2024"])
            .arg(&table),
    )?;
    println!(
        "{} AVR parts of avr-libc {version} in compiler/src/target/avr.rs",
        rows.len()
    );
    println!("left out: {}", left_out.join(" "));
    Ok(())
}

/// Downloads and unpacks the suite's avr-libc below `work`, with package
/// lists of our own there, so that the machine's stay as they are. Returns
/// the directory it is unpacked to and its version.
fn fetch(work: &Path) -> Result<(PathBuf, String)> {
    if work.exists() {
        fs::remove_dir_all(work)?;
    }
    let unpacked = work.join("unpacked");
    for directory in ["lists/partial", "archives/partial", "unpacked"] {
        fs::create_dir_all(work.join(directory))?;
    }
    let work = work.canonicalize()?;
    let sources = work.join("sources.list");
    fs::write(
        &sources,
        format!("deb [signed-by={KEYRING} target=Packages] {ARCHIVE} {SUITE} main\n"),
    )?;
    fs::write(work.join("status"), "")?;

    let apt_get = || {
        let mut command = Command::new("apt-get");
        command.current_dir(&work).arg("-qq");
        for option in [
            "APT::Sandbox::User=root".into(),
            "Dir::Etc::SourceParts=/dev/null".into(),
            format!("Dir::Etc::SourceList={}", sources.display()),
            format!("Dir::State={}", work.display()),
            format!("Dir::State::status={}/status", work.display()),
            format!("Dir::Cache={}", work.display()),
        ] {
            command.arg("-o").arg(option);
        }
        command
    };
    println!("fetching avr-libc from {ARCHIVE} {SUITE}");
    output(apt_get().arg("update"))?;
    output(apt_get().args(["download", "avr-libc"]))?;

    let package = fs::read_dir(&work)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .context("apt-get downloaded no package")?;
    output(
        Command::new("dpkg-deb")
            .arg("-x")
            .arg(&package)
            .arg(&unpacked),
    )?;
    let version = output(
        Command::new("dpkg-deb")
            .arg("-f")
            .arg(&package)
            .arg("Version"),
    )?;
    Ok((unpacked, version.trim().to_owned()))
}

/// A row for every part that `avr/io.h` has a header for and avr-libc start-up
/// code, and that can run the generated code; and the names of all others.
fn read_rows(library: &Path) -> Result<(Vec<Row>, Vec<String>)> {
    let include = library.join("include");
    let compiler_include = output(Command::new("avr-gcc").arg("-print-file-name=include"))
        .context("avr-gcc is needed; on Debian: sudo apt-get install gcc-avr")?;
    let includes = [include.as_path(), Path::new(compiler_include.trim())];
    let devices = fs::read_to_string(include.join("avr/io.h"))?;

    let mut rows = Vec::new();
    let mut left_out = Vec::new();
    for (device, header) in device_headers(&devices) {
        let name = device.to_lowercase();
        let core = core_of(&name, &library.join("lib"))?;
        let (Some(core), true) = (core, FAMILIES.iter().any(|family| name.starts_with(family)))
        else {
            left_out.push(name);
            continue;
        };
        let assembly = compile_probe(device, &core, &includes)
            .with_context(|| format!("{header} has not the figures of {name}"))?;
        let figure = |figure: &str| figure_in(&assembly, figure);
        // A part that has one figure has them all, or avr-gcc had failed.
        if let (Some(sram_bytes), Some(flash_bytes), Some(multiplies)) = (
            figure("sram_bytes"),
            figure("flash_bytes"),
            figure("multiplies"),
        ) {
            rows.push(Row {
                name,
                header: header.to_owned(),
                sram_bytes,
                flash_bytes,
                multiplies: multiplies == 1,
            });
        } else {
            left_out.push(name);
        }
    }
    Ok((rows, left_out))
}

/// The devices of `avr/io.h` as it spells them, each with the header it
/// includes: `#elif defined (__AVR_ATmega8__)`, `#  include <avr/iom8.h>`.
fn device_headers(io_h: &str) -> Vec<(&str, &str)> {
    let mut pairs = Vec::new();
    let mut devices = Vec::new();
    for line in io_h.lines().filter(|line| line.starts_with('#')) {
        if let Some((_, header)) = line.split_once("include <avr/") {
            let header = header.trim_end_matches('>');
            pairs.extend(devices.drain(..).map(|device| (device, header)));
        } else {
            devices = line
                .split("(__AVR_")
                .skip(1)
                .filter_map(|rest| Some(rest.split_once("__")?.0))
                .collect();
        }
    }
    pairs
}

/// The core to compile for, which is the directory of the part's start-up
/// code or that directory's parent: `avr5/crtatmega328p.o`,
/// `avr25/tiny-stack/crtattiny13a.o`, `avrxmega3/short-calls/crtattiny817.o`.
fn core_of(name: &str, libraries: &Path) -> Result<Option<String>> {
    let startup = format!("crt{name}.o");
    for core in directories(libraries)? {
        let variants = directories(&core)?;
        if core.join(&startup).exists() || variants.iter().any(|at| at.join(&startup).exists()) {
            let core = core.file_name().unwrap_or_default().to_string_lossy();
            return Ok(core.starts_with("avr").then(|| core.into_owned()));
        }
    }
    Ok(None)
}

fn directories(inside: &Path) -> Result<Vec<PathBuf>> {
    let mut directories = Vec::new();
    for entry in fs::read_dir(inside)? {
        let path = entry?.path();
        if path.is_dir() {
            directories.push(path);
        }
    }
    Ok(directories)
}

fn compile_probe(device: &str, core: &str, includes: &[&Path]) -> Result<String> {
    let mut command = Command::new("avr-gcc");
    command
        .arg(format!("-mmcu={core}"))
        .arg(format!("-D__AVR_{device}__"))
        .args(["-Werror", "-nostdinc"]);
    for include in includes {
        command.arg("-isystem").arg(include);
    }
    command.args(["-S", "-x", "c", "-", "-o", "-"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().expect("stdin is piped");
    stdin.write_all(PROBE.as_bytes())?;
    drop(stdin);
    let done = child.wait_with_output()?;
    if !done.status.success() {
        bail!("{}", String::from_utf8_lossy(&done.stderr));
    }
    Ok(String::from_utf8(done.stdout)?)
}

/// The number after `figure NAME` in the assembly.
fn figure_in(assembly: &str, name: &str) -> Option<u32> {
    assembly.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some("figure") && words.next() == Some(name))
            .then(|| words.next()?.parse().ok())?
    })
}

fn render(rows: &[Row], version: &str) -> String {
    let mut text = format!(
        "//! AVR parts. Made by `cargo xtask targets`; do not edit.\n\
         //!\n\
         //! From the headers of avr-libc {version}, Debian's package in {SUITE}. Each row\n\
         //! names its header: SRAM is `RAMEND - RAMSTART + 1`, flash is\n\
         //! `FLASHEND - FLASHSTART + 1`. A part multiplies where avr-gcc defines\n\
         //! `__AVR_HAVE_MUL__` for its core, which is the directory that avr-libc keeps the\n\
         //! part's start-up code in.\n\
         //!\n\
         //! Left out for want of `lpm Rd, Z+` (`__AVR_HAVE_LPMX__`): the classic cores avr1\n\
         //! to avr31, and the reduced core of ATtiny4 to ATtiny104, which has only 16\n\
         //! registers too. Radios and other single-purpose circuits are left out as well.\n\n\
         use super::{{Architecture, Target}};\n\n\
         const fn part(\n    name: &'static str,\n    sram_bytes: u32,\n    flash_bytes: u32,\n    \
         multiplies: bool,\n) -> Target {{\n    Target {{\n        name,\n        \
         architecture: Architecture::Avr,\n        sram_bytes,\n        flash_bytes,\n        \
         multiplies,\n    }}\n}}\n\n\
         /// Sorted by name; SRAM and flash in bytes.\n\
         pub(super) static PARTS: &[Target] = &[\n"
    );
    for row in rows {
        let Row {
            name,
            header,
            sram_bytes,
            flash_bytes,
            multiplies,
        } = row;
        writeln!(
            text,
            "    part(\"{name}\", {sram_bytes}, {flash_bytes}, {multiplies}), // {header}"
        )
        .expect("writing to a String does not fail");
    }
    text.push_str("];\n");
    text
}

/// Runs `command` and returns what it printed.
fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let done = command
        .output()
        .with_context(|| format!("`{program}` did not start"))?;
    if !done.status.success() {
        let complaint = String::from_utf8_lossy(&done.stderr);
        bail!("`{program}` failed: {}", complaint.trim());
    }
    Ok(String::from_utf8(done.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_device_has_the_header_that_follows_it() {
        let io_h = "#include <avr/sfr_defs.h>\n\
                    #if defined (__AVR_AT94K__)\n\
                    #  include <avr/ioat94k.h>\n\
                    #elif defined (__AVR_ATmega8__) || defined (__AVR_ATmega8A__)\n\
                    /* both */\n\
                    #  include <avr/iom8.h>\n\
                    #endif\n\
                    #include <avr/portpins.h>\n";
        assert_eq!(
            device_headers(io_h),
            [
                ("AT94K", "ioat94k.h"),
                ("ATmega8", "iom8.h"),
                ("ATmega8A", "iom8.h"),
            ]
        );
    }

    #[test]
    fn a_figure_is_read_by_its_own_name() {
        let assembly = "\tldi r24,2\n\tfigure sram_bytes 2048\n\tfigure flash_bytes 32768\n";
        assert_eq!(figure_in(assembly, "flash_bytes"), Some(32768));
        assert_eq!(figure_in(assembly, "sram"), None);
    }
}
