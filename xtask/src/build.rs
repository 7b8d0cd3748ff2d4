//! Building firmware, the simulator, and the host's classifier.

use std::fs;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use serde::Deserialize;

use crate::firmware::{Firmware, WeightsSource};
use crate::paths::{self, Weights};
use crate::progress;
use crate::toolchain::{self, Toolchain};

/// What cargo has built.
#[derive(Debug)]
pub struct Built {
    pub executable: PathBuf,
    /// How many warnings the compiler gave.
    pub warnings: usize,
}

/// Builds `firmware` with `weights`.
///
/// # Errors
/// When it does not compile.
pub fn firmware(firmware: &Firmware, weights: &Weights, toolchain: Toolchain) -> Result<Built> {
    let mut cargo = toolchain.build();
    cargo
        .current_dir(paths::root().join(firmware.folder))
        .args(["--release", "--bin", firmware.binary])
        .arg(format!("--features={}", firmware.features.join(",")));
    give_weights(&mut cargo, firmware, weights);
    let what = format!("building the firmware {}", firmware.name);
    let built = executable(&mut cargo, firmware.binary, &what)?;
    Ok(Built {
        executable: keep(
            &built.executable,
            &format!("{}.elf", weights.name(firmware)),
        )?,
        ..built
    })
}

/// Builds the program that runs the network of `firmware` on this machine.
///
/// # Errors
/// When it does not compile.
pub fn host(firmware: &Firmware, weights: &Weights) -> Result<PathBuf> {
    let mut cargo = Command::new(cargo_program());
    cargo
        .current_dir(paths::root())
        .args(["build", "--release"])
        .args(["--manifest-path", "examples/host/Cargo.toml"])
        .args(["--no-default-features", "--features", firmware.name]);
    give_weights(&mut cargo, firmware, weights);
    let what = format!("building the network of {} for this machine", firmware.name);
    keep(
        &executable(&mut cargo, "host", &what)?.executable,
        &weights.name(firmware),
    )
}

/// Lets `cargo` find the weights of `firmware`.
pub(crate) fn give_weights(cargo: &mut Command, firmware: &Firmware, weights: &Weights) {
    if let (WeightsSource::Given { .. }, Some(file)) = (firmware.weights, weights.file(firmware)) {
        cargo.env(Weights::VARIABLE, file);
    }
}

/// Builds the simulator.
///
/// # Errors
/// When its libraries cannot be installed, or it does not compile.
pub fn simulator() -> Result<PathBuf> {
    toolchain::simulator_libraries()?;
    let mut cargo = Command::new(cargo_program());
    cargo.current_dir(paths::root()).args([
        "build",
        "--release",
        "--package",
        "herringbone-simulator",
    ]);
    let built = executable(
        &mut cargo,
        "herringbone-simulator",
        "building the simulator",
    )?;
    Ok(built.executable)
}

/// Copies `executable` to where the next variant does not overwrite it.
fn keep(executable: &Path, name: &str) -> Result<PathBuf> {
    let folder = executable.with_file_name("firmware");
    let kept = folder.join(name);
    fs::create_dir_all(&folder)
        .and_then(|()| fs::copy(executable, &kept))
        .with_context(|| format!("cannot write {}", kept.display()))?;
    Ok(kept)
}

/// The cargo that has started us, or the first in the path.
pub(crate) fn cargo_program() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// A line of cargo's `--message-format=json`, as far as it concerns us.
#[derive(Deserialize)]
#[serde(tag = "reason")]
enum Message {
    #[serde(rename = "compiler-artifact")]
    Artifact {
        target: Target,
        executable: Option<PathBuf>,
    },
    #[serde(rename = "compiler-message")]
    Diagnostic { message: Diagnostic },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

#[derive(Deserialize)]
struct Diagnostic {
    level: String,
    rendered: Option<String>,
}

/// Runs `cargo` and finds the program called `name` among what it has built. What the compiler has
/// to say about our code is shown, the rest of cargo's output only where the build fails.
pub(crate) fn executable(cargo: &mut Command, name: &str, what: &str) -> Result<Built> {
    let spinner = progress::spinner(what);
    let mut child = cargo
        .args(["--message-format=json-diagnostic-rendered-ansi"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", cargo.get_program().display()))?;

    let mut stderr = child.stderr.take().context("cargo has no standard error")?;
    let stderr = std::thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).map(|_| text)
    });
    let stdout = child
        .stdout
        .take()
        .context("cargo has no standard output")?;
    let built = read_messages(BufReader::new(stdout), name, what, &spinner)?;
    let status = child.wait()?;
    let stderr = stderr.join().ok().context("cargo's output is lost")??;
    spinner.finish_and_clear();
    if !status.success() {
        bail!("{what} failed:\n{}", stderr.trim_end());
    }
    built.with_context(|| format!("cargo has built no program called {name}"))
}

fn read_messages(
    lines: impl BufRead,
    name: &str,
    what: &str,
    spinner: &ProgressBar,
) -> Result<Option<Built>> {
    let mut program = None;
    let mut warnings = 0;
    for line in lines.lines() {
        // A build script's own output may be in between.
        let Ok(message) = serde_json::from_str(&line?) else {
            continue;
        };
        match message {
            Message::Artifact { target, executable } => {
                spinner.set_message(format!("{what}: {}", target.name));
                if target.name == name && executable.is_some() {
                    program = executable;
                }
            }
            Message::Diagnostic { message } => {
                warnings += usize::from(message.level == "warning");
                if let Some(rendered) = message.rendered {
                    spinner.suspend(|| eprint!("{}", plain_unless_terminal(&rendered)));
                }
            }
            Message::Other => {}
        }
    }
    Ok(program.map(|executable| Built {
        executable,
        warnings,
    }))
}

fn plain_unless_terminal(rendered: &str) -> std::borrow::Cow<'_, str> {
    if console::colors_enabled_stderr() {
        rendered.into()
    } else {
        console::strip_ansi_codes(rendered)
    }
}
