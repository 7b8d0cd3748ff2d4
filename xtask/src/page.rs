//! `cargo xtask page`: the compiler in a web page, as a folder that any static host serves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::build::cargo_program;
use crate::packages;
use crate::paths;
use crate::progress;
use crate::report::succeed;
use crate::toolchain;

/// Weights that the page's examples run with, by the names that they have there.
const WEIGHTS: [(&str, &str); 6] = [
    ("digits.safetensors", "template/digits.safetensors"),
    ("tiny85.safetensors", "examples/tiny85/digits.safetensors"),
    ("accurate.safetensors", "examples/uno/accurate.safetensors"),
    ("residual.safetensors", "examples/uno/residual.safetensors"),
    ("mega.safetensors", "examples/mega/digits.safetensors"),
    (
        "gesture.safetensors",
        "examples/gesture/gesture.safetensors",
    ),
];

/// What the page takes of the simulator avr8js.
const SIMULATOR: [(&str, &str); 4] = [
    ("cpu.js", "dist/esm/cpu/cpu.js"),
    ("instruction.js", "dist/esm/cpu/instruction.js"),
    ("interrupt.js", "dist/esm/cpu/interrupt.js"),
    ("LICENSE.txt", "LICENSE"),
];

/// The folder that the page is built into where no other is named. `target/page` is cargo's, for
/// the profile of that name.
#[must_use]
pub fn folder() -> PathBuf {
    paths::root().join("target/site")
}

/// Builds the page into `out`, whose content it replaces.
///
/// # Errors
/// When something is missing and cannot be installed, or the crate does not compile.
pub fn build(out: &Path) -> Result<()> {
    toolchain::web()?;
    let web = paths::root().join("web");
    install_packages(&web)?;
    let module = module()?;

    if out.exists() {
        // Not a folder that somebody keeps other things in.
        if !out.join("herringbone.wasm").exists() && fs::read_dir(out)?.next().is_some() {
            bail!("{} has other files than a page in it", out.display());
        }
        fs::remove_dir_all(out)?;
    }
    copy_folder(&web.join("page"), out)?;
    copy(&module, &out.join("herringbone.wasm"))?;
    for (name, from) in SIMULATOR {
        let from = web.join("node_modules/avr8js").join(from);
        let to = out.join("avr8js").join(name);
        let text =
            fs::read_to_string(&from).with_context(|| format!("cannot read {}", from.display()))?;
        // Browsers look for files by their whole names.
        write(
            &to,
            text.replace("'./interrupt'", "'./interrupt.js'").as_bytes(),
        )?;
    }
    for (name, from) in WEIGHTS {
        copy(&paths::root().join(from), &out.join("examples").join(name))?;
    }
    for entry in fs::read_dir(paths::root().join("digits"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "pgm") {
            let name = path.file_name().unwrap_or_default();
            copy(&path, &out.join("digits").join(name))?;
        }
    }
    Ok(())
}

/// Serves a built page until it is stopped; the address is printed.
///
/// # Errors
/// When the server cannot start.
pub fn serve(out: &Path, port: u16) -> Result<()> {
    let mut node = Command::new("node");
    node.arg(paths::root().join("web/serve.js"))
        .arg(out)
        .arg(port.to_string());
    succeed(&mut node)
}

/// A browser that tests can drive: one that is there, or Debian's Chromium, installed.
///
/// # Errors
/// When there is none, and it cannot be installed.
pub fn browser() -> Result<&'static str> {
    const NAMES: [&str; 3] = ["chromium", "google-chrome", "chromium-browser"];
    if let Some(found) = NAMES.into_iter().find(|name| packages::found(name)) {
        return Ok(found);
    }
    packages::install("testing the page", &["chromium", "fonts-dejavu-core"])?;
    Ok(NAMES[0])
}

/// Tests the page that is in `out` in a browser.
///
/// # Errors
/// When a test fails.
pub fn test(out: &Path, browser: &str) -> Result<()> {
    let mut node = Command::new("node");
    node.current_dir(paths::root().join("web"))
        .args(["--test", "tests/page.test.js"])
        .env("HERRINGBONE_PAGE", out)
        .env("HERRINGBONE_BROWSER", browser);
    succeed(&mut node)
}

/// Installs the packages of `package-lock.json`, unless they are there.
fn install_packages(web: &Path) -> Result<()> {
    if !packages::found("node") || !packages::found("npm") {
        packages::install("building the page", &["nodejs", "npm"])?;
    }
    // npm writes what it has installed, as the lock file has it.
    let modified = |path: &str| fs::metadata(web.join(path)).and_then(|it| it.modified());
    let installed = modified("node_modules/.package-lock.json");
    if let (Ok(installed), Ok(locked)) = (installed, modified("package-lock.json"))
        && installed >= locked
    {
        return Ok(());
    }
    let _spinner = progress::spinner("installing what the page needs: npm ci");
    let output = Command::new("npm")
        .current_dir(web)
        .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
        .output()
        .context("cannot start npm")?;
    if !output.status.success() {
        bail!(
            "npm ci in {} failed: {}",
            web.display(),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

/// Builds the compiler for WebAssembly.
fn module() -> Result<PathBuf> {
    let mut cargo = Command::new(cargo_program());
    cargo
        .current_dir(paths::root())
        .args(["build", "--package=herringbone-web", "--profile=page"])
        .arg(format!("--target={}", toolchain::WEB));
    succeed(&mut cargo)?;
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| paths::root().join("target"), PathBuf::from);
    Ok(target
        .join(toolchain::WEB)
        .join("page/herringbone_web.wasm"))
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let path = entry?.path();
        let into = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_folder(&path, &into)?;
        } else {
            copy(&path, &into)?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let bytes = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    write(to, &bytes)
}

fn write(to: &Path, bytes: &[u8]) -> Result<()> {
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    fs::write(to, bytes).with_context(|| format!("cannot write {}", to.display()))
}
