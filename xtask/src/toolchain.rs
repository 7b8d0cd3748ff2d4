//! The two toolchains that build Rust for AVR, found or installed.
//!
//! AVR needs a rustc with AVR in its LLVM, the sources of `core`, and avr-gcc to link. Debian's
//! own rustc, packaged for building browsers, will do; so will a nightly from rustup.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::packages;
use crate::paths;
use crate::progress;

const LINKER: [&str; 3] = ["gcc-avr", "avr-libc", "binutils-avr"];
const DEBIAN: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];
const DEBIAN_CLIPPY: [&str; 1] = ["rust-web-clippy"];
const RUSTUP: [&str; 7] = [
    "toolchain",
    "install",
    "nightly",
    "--profile",
    "minimal",
    "--component",
    "rust-src",
];

/// A toolchain that builds Rust for AVR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toolchain {
    /// rustup's nightly with the component `rust-src`.
    Nightly,
    /// Debian's packages `rustc-web`, `cargo-web` and `rust-web-src`.
    Debian,
}

impl Toolchain {
    /// This toolchain's `cargo build`, with `-Z build-std=core` allowed.
    #[must_use]
    pub fn build(self) -> Command {
        self.command("/usr/bin/cargo", "build")
    }

    /// This toolchain's `cargo clippy`, which [`clippy`] installs.
    #[must_use]
    pub fn clippy(self) -> Command {
        // Not /usr/bin/cargo: it would look for cargo-clippy in ~/.cargo/bin first.
        self.command("/usr/bin/cargo-clippy", "clippy")
    }

    fn command(self, debian: &str, subcommand: &str) -> Command {
        let mut command = match self {
            Self::Nightly => nightly_cargo(),
            Self::Debian => {
                let mut command = Command::new(debian);
                // Debian's compiler calls itself stable; `-Z` is for nightlies.
                command
                    .env("CARGO", "/usr/bin/cargo")
                    .env("RUSTC", "/usr/bin/rustc")
                    .env("RUSTC_BOOTSTRAP", "1");
                command
            }
        };
        // The flags for rustc are the firmware's own, in its `.cargo/config.toml`; those of the
        // environment would replace them.
        command
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env("CARGO_TARGET_DIR", paths::firmware_target())
            .arg(subcommand);
        command
    }
}

/// The cargo of rustup's nightly.
pub(crate) fn nightly_cargo() -> Command {
    let mut rustup = Command::new("rustup");
    rustup
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO")
        .args(["run", "nightly", "cargo"]);
    rustup
}

/// Finds the toolchain for AVR, or installs it.
///
/// # Errors
/// When it can be had neither way; the message says how to install it by hand.
pub fn avr() -> Result<Toolchain> {
    packages::install("linking for AVR", &LINKER)?;
    if nightly_is_ready() {
        return Ok(Toolchain::Nightly);
    }
    if debian_is_ready() {
        return Ok(Toolchain::Debian);
    }

    let by_rustup = format!("rustup {}", RUSTUP.join(" "));
    if packages::found("rustup") {
        let _spinner = progress::spinner(&format!("installing Rust for AVR: {by_rustup}"));
        let output = Command::new("rustup")
            .args(RUSTUP)
            .stdin(Stdio::null())
            .output()?;
        if output.status.success() && nightly_is_ready() {
            return Ok(Toolchain::Nightly);
        }
        let reason = String::from_utf8_lossy(&output.stderr);
        let reason = reason.lines().rfind(|line| line.starts_with("error"));
        eprintln!(
            "{by_rustup} failed ({}); taking Debian's packages instead",
            reason.unwrap_or("it gave no reason")
        );
    }
    packages::install("building Rust for AVR", &DEBIAN)
        .with_context(|| format!("there is no Rust for AVR here; either run `{by_rustup}`, or"))?;
    if !debian_is_ready() {
        bail!(
            "Debian's {} are installed, but /usr/bin/rustc does not know the target avr-none or \
             its sources are not there; install a nightly instead: {by_rustup}",
            DEBIAN.join(", ")
        );
    }
    Ok(Toolchain::Debian)
}

/// Installs rustfmt and clippy for the toolchain that builds everything but firmware.
///
/// # Errors
/// When that fails; the message has the command to run by hand.
pub fn lints() -> Result<()> {
    if packages::found("cargo-fmt") && packages::found("cargo-clippy") {
        return Ok(());
    }
    add_components(&["rustfmt", "clippy"])
}

/// The target of the compiler in a web page.
pub const WEB: &str = "wasm32-unknown-unknown";

/// Installs the standard library for web pages.
///
/// # Errors
/// When that fails; the message has the command to run by hand.
pub fn web() -> Result<()> {
    let sysroot = Command::new("rustc")
        .args(["--print", "sysroot"])
        .output()
        .context("cannot start rustc")?;
    let sysroot = String::from_utf8_lossy(&sysroot.stdout).into_owned();
    let library = Path::new(sysroot.trim()).join("lib/rustlib").join(WEB);
    if library.is_dir() {
        return Ok(());
    }
    let by_hand = format!("rustup target add {WEB}");
    eprintln!("installing what builds the page: {by_hand}");
    let status = Command::new("rustup")
        .args(["target", "add", WEB])
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("cannot start rustup; by hand: {by_hand}"))?;
    if !status.success() {
        bail!("{by_hand} failed");
    }
    Ok(())
}

/// Installs clippy for `toolchain`.
///
/// # Errors
/// When that fails; the message has the command to run by hand.
pub fn clippy(toolchain: Toolchain) -> Result<()> {
    match toolchain {
        Toolchain::Debian => packages::install("checking the firmware", &DEBIAN_CLIPPY),
        Toolchain::Nightly => add_components(&["clippy", "--toolchain=nightly"]),
    }
}

fn add_components(components: &[&str]) -> Result<()> {
    let arguments = [&["component", "add"], components].concat();
    let by_hand = format!("rustup {}", arguments.join(" "));
    eprintln!("installing what checks the code: {by_hand}");
    let status = Command::new("rustup")
        .args(arguments)
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("cannot start rustup; by hand: {by_hand}"))?;
    if !status.success() {
        bail!("{by_hand} failed");
    }
    Ok(())
}

/// Installs what simavr is built with.
///
/// # Errors
/// When that fails; the message has the command to run by hand.
pub fn simulator_libraries() -> Result<()> {
    packages::install(
        "building the simulator",
        &[
            "gcc",
            "make",
            "pkg-config",
            "libclang-dev",
            "libelf-dev",
            "libzstd-dev",
            "zlib1g-dev",
            "avr-libc",
            // Its tests assemble.
            "binutils-avr",
        ],
    )
}

fn nightly_is_ready() -> bool {
    Command::new("rustup")
        .args(["run", "nightly", "rustc", "--print", "sysroot"])
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|output| {
            let sysroot = String::from_utf8_lossy(&output.stdout);
            output.status.success() && has_sources(sysroot.trim())
        })
}

fn debian_is_ready() -> bool {
    let rustc = |what| {
        Command::new("/usr/bin/rustc")
            .args(["--print", what])
            .stderr(Stdio::null())
            .output()
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    Path::new("/usr/bin/cargo").exists()
        && rustc("target-list").is_ok_and(|targets| targets.lines().any(|it| it == "avr-none"))
        && rustc("sysroot").is_ok_and(|sysroot| has_sources(sysroot.trim()))
}

/// Whether the sources of `core` are in the compiler's `sysroot`.
fn has_sources(sysroot: &str) -> bool {
    Path::new(sysroot)
        .join("lib/rustlib/src/rust/library/core")
        .is_dir()
}
