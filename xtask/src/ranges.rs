//! The versions that what firmware depends on may have: the lowest, and the oldest Rust.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::paths;
use crate::report::{Report, succeed};
use crate::toolchain::nightly_cargo;

/// The folders of the crates that firmware depends on.
const CRATES: [&str; 5] = ["runtime", "macros", "compiler", "features", "tflite"];

/// `rust-version` of the workspace.
const RUST_VERSION: &str = env!("CARGO_PKG_RUST_VERSION");

/// Checks those crates with the lowest versions of their dependencies that they allow,
/// and with the oldest compiler that they state.
pub(crate) fn check(report: &mut Report) -> Result<()> {
    let alone = paths::root().join("target/ranges");
    copy_crates(&alone)?;
    report.check("lowest versions of dependencies", || {
        let mut check = nightly_cargo();
        check
            .current_dir(&alone)
            .args(["check", "--quiet", "-Zdirect-minimal-versions"])
            .env("CARGO_TARGET_DIR", alone.join("target/lowest"));
        succeed(&mut check)
    })?;
    let name = format!("Rust {RUST_VERSION}, the oldest that is supported");
    let install = ["toolchain", "install", RUST_VERSION, "--profile=minimal"];
    let installed = Command::new("rustup").args(install).status();
    if !installed.is_ok_and(|status| status.success()) {
        report.ignore(&name, "rustup cannot install it");
        return Ok(());
    }
    report.check(&name, || {
        let mut check = Command::new("rustup");
        check
            .current_dir(&alone)
            .args(["run", RUST_VERSION, "cargo", "check", "--quiet"])
            .env("CARGO_TARGET_DIR", alone.join("target/oldest"));
        succeed(&mut check)
    })
}

/// A workspace of those crates alone: the others would raise the versions.
fn copy_crates(to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let root = paths::root();
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let (_, shared) = manifest
        .split_once("[workspace.package]")
        .context("Cargo.toml has no [workspace.package]")?;
    let manifest = format!(
        "[workspace]\nmembers = {CRATES:?}\nresolver = \"3\"\n\n[workspace.package]{shared}"
    );
    fs::write(to.join("Cargo.toml"), manifest)?;
    let _ = fs::remove_file(to.join("Cargo.lock"));
    CRATES
        .iter()
        .try_for_each(|name| copy(&root.join(name), &to.join(name)))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
