//! `cargo xtask test`: everything that the project tests, in order, until something fails.

use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use console::style;

use crate::build::{self, cargo_program};
use crate::firmware::{self, Firmware};
use crate::packages;
use crate::paths::{self, Weights};
use crate::toolchain::{self, Toolchain, nightly_cargo};

/// Tests everything; fuzzes as well when `long`.
///
/// # Errors
/// At the first failure.
pub fn run(long: bool) -> Result<()> {
    let start = Instant::now();
    let mut report = Report::default();
    let result = run_all(long, &mut report);
    report.print(start.elapsed());
    result
}

fn run_all(long: bool, report: &mut Report) -> Result<()> {
    toolchain::lints()?;
    for manifest in [
        "Cargo.toml",
        "examples/uno/Cargo.toml",
        "examples/tiny85/Cargo.toml",
        "examples/mega/Cargo.toml",
        "examples/host/Cargo.toml",
        "fuzz/Cargo.toml",
    ] {
        report.check(&format!("rustfmt of {manifest}"), || {
            let mut rustfmt = cargo(&["fmt", "--all", "--check", "--manifest-path", manifest]);
            succeed(&mut rustfmt)
        })?;
    }

    // The workspace has the simulator in it.
    toolchain::simulator_libraries()?;
    report.check("clippy of the workspace", || {
        let scope = ["--workspace", "--all-targets", "--", "--deny=warnings"];
        succeed(cargo(&["clippy"]).args(scope))
    })?;
    report.check("rustdoc of the workspace", || {
        succeed(cargo(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "--deny=warnings"))
    })?;
    report.check("tests of the workspace", || {
        succeed(&mut cargo(&["test", "--workspace"]))
    })?;

    test_firmware(report)?;

    if long {
        report.check("plans of other random networks", || {
            let seed = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
            let tests = ["--package=herringbone-tests", "--test=differential"];
            let mut plans = cargo(&["test"]);
            plans.args(tests).env("PROPTEST_CASES", "10000");
            succeed(plans.env("PROPTEST_RNG_SEED", seed.to_string()))
        })?;
        report.check("AVR code of other random networks", || {
            let seed = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
            let tests = ["--package=herringbone-simulator", "--test=kernels"];
            let mut kernels = cargo(&["test"]);
            kernels.args(tests).env("PROPTEST_CASES", "10000");
            succeed(kernels.env("PROPTEST_RNG_SEED", seed.to_string()))
        })?;
        check_ranges(report)?;
        fuzz(report)
    } else {
        report.ignore("fuzz targets", "ten minutes each: cargo xtask test --long");
        Ok(())
    }
}

/// Tests all firmware, with the weights that ship.
fn test_firmware(report: &mut Report) -> Result<()> {
    let toolchain = toolchain::avr()?;
    toolchain::clippy(toolchain)?;
    let weights = &Weights::default();
    for firmware in &firmware::ALL {
        let name = firmware.name;
        report.check(
            &format!("clippy of the network of {name} on this machine"),
            || clippy_host(firmware, weights),
        )?;
        report.check(&format!("clippy of the firmware {name}"), || {
            clippy_firmware(firmware, weights, toolchain)
        })?;
        report.check(&format!("build of the firmware {name}"), || {
            let built = build::firmware(firmware, weights, toolchain)?;
            match built.warnings {
                0 => Ok(()),
                count => bail!("it gives {count} warnings"),
            }
        })?;
    }

    report.check("tests of the firmware in the simulator", || {
        let tests = ["--package=xtask", "--test=firmware", "--", "--ignored"];
        succeed(cargo(&["test"]).args(tests))
    })?;
    report.check("build of the template's firmware", || {
        let tests = ["--package=xtask", "--test=template", "--", "--ignored"];
        succeed(cargo(&["test"]).args(tests))
    })?;
    if !paths::shared().is_dir() {
        let reason = "../shared, which has the published weights, is absent";
        report.ignore("logits of the published network in the simulator", reason);
    }
    Ok(())
}

fn clippy_host(firmware: &Firmware, weights: &Weights) -> Result<()> {
    let mut clippy = cargo(&["clippy", "--manifest-path=examples/host/Cargo.toml"]);
    clippy
        .args(["--no-default-features", "--features", firmware.name])
        .args(["--", "--deny=warnings"]);
    build::give_weights(&mut clippy, firmware, weights);
    succeed(&mut clippy)
}

fn clippy_firmware(firmware: &Firmware, weights: &Weights, toolchain: Toolchain) -> Result<()> {
    let mut clippy = toolchain.clippy();
    clippy
        .current_dir(paths::root().join(firmware.folder))
        .args(["--release", "--lib", "--bin", firmware.binary])
        .arg(format!("--features={}", firmware.features.join(",")))
        .args(["--", "--deny=warnings"]);
    build::give_weights(&mut clippy, firmware, weights);
    succeed(&mut clippy)
}

/// The variable that says for how many seconds each target is fuzzed.
const FUZZ_SECONDS: &str = "HERRINGBONE_FUZZ_SECONDS";

/// Fuzzes each target for ten minutes, or as many seconds as [`FUZZ_SECONDS`] says.
fn fuzz(report: &mut Report) -> Result<()> {
    packages::install("fuzzing", &["g++"])?;
    let folder = paths::root().join("fuzz");
    if !packages::found("cargo-fuzz") {
        succeed(&mut cargo(&["install", "cargo-fuzz", "--locked"]))?;
    }
    let list = nightly_cargo()
        .current_dir(paths::root())
        .args(["fuzz", "list"])
        .output()?;
    if !list.status.success() {
        bail!(
            "cannot list the fuzz targets in {}; fuzzing needs a nightly: rustup toolchain \
             install nightly\n{}",
            folder.display(),
            String::from_utf8_lossy(&list.stderr).trim_end()
        );
    }
    report.check("clippy of the fuzz targets", || {
        let scope = ["--manifest-path=fuzz/Cargo.toml", "--", "--deny=warnings"];
        succeed(cargo(&["clippy"]).args(scope))
    })?;
    let seconds = match std::env::var(FUZZ_SECONDS) {
        Ok(text) => text
            .parse()
            .with_context(|| format!("{FUZZ_SECONDS} is no number of seconds: {text}"))?,
        Err(_) => 600_u64,
    };
    for target in String::from_utf8(list.stdout)?.split_whitespace() {
        report.check(&format!("fuzz target {target} for {seconds} s"), || {
            let mut fuzz = nightly_cargo();
            fuzz.current_dir(paths::root())
                .args(["fuzz", "run", target, "--"])
                .arg(format!("-max_total_time={seconds}"))
                // A hang is a failure too.
                .arg("-timeout=20");
            succeed(&mut fuzz)
        })?;
    }
    Ok(())
}

/// Checks the crates that users build with the lowest versions of their dependencies
/// that they allow, and with the oldest compiler that they state.
fn check_ranges(report: &mut Report) -> Result<()> {
    let folder = paths::root().join("target/lowest-versions");
    report.check("lowest versions of dependencies", || {
        std::fs::create_dir_all(&folder)?;
        let mut check = nightly_cargo();
        check
            .current_dir(paths::root())
            .args(["check", "-Zunstable-options", "-Zdirect-minimal-versions"])
            .arg("--lockfile-path")
            .arg(folder.join("Cargo.lock"))
            .args(USER_CRATES)
            .env("CARGO_TARGET_DIR", &folder);
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
            .current_dir(paths::root())
            .args(["run", RUST_VERSION, "cargo", "check"])
            .args(USER_CRATES)
            .env("CARGO_TARGET_DIR", paths::root().join("target/oldest-rust"));
        succeed(&mut check)
    })
}

/// `rust-version` of the workspace.
const RUST_VERSION: &str = env!("CARGO_PKG_RUST_VERSION");

/// What firmware depends on.
const USER_CRATES: [&str; 3] = [
    "--package=herringbone",
    "--package=herringbone-macros",
    "--package=herringbone-compiler",
];

/// The cargo that runs us, in the root of the checkout.
fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = Command::new(cargo_program());
    cargo.current_dir(paths::root()).args(arguments);
    cargo
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    if !status.success() {
        let line: Vec<_> = std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| word.to_string_lossy())
            .collect();
        bail!("{}: {status}", line.join(" "));
    }
    Ok(())
}

/// What has run so far, and how it went.
#[derive(Default)]
struct Report {
    passed: Vec<(String, Duration)>,
    failed: Option<String>,
    ignored: Vec<(String, String)>,
}

impl Report {
    fn check(&mut self, name: &str, check: impl FnOnce() -> Result<()>) -> Result<()> {
        eprintln!("{}", style(format!("— {name}")).bold().for_stderr());
        let start = Instant::now();
        match check() {
            Ok(()) => {
                self.passed.push((name.to_owned(), start.elapsed()));
                Ok(())
            }
            Err(error) => {
                self.failed = Some(name.to_owned());
                Err(error.context(format!("{name} failed")))
            }
        }
    }

    fn ignore(&mut self, name: &str, reason: &str) {
        self.ignored.push((name.to_owned(), reason.to_owned()));
    }

    /// Prints what ran, in the words of cargo's own tests.
    fn print(&self, total: Duration) {
        let count = self.passed.len() + usize::from(self.failed.is_some());
        println!("\nrunning {count} checks");
        for (name, duration) in &self.passed {
            println!("test {name} ... ok <{:.1}s>", duration.as_secs_f32());
        }
        for (name, reason) in &self.ignored {
            println!("test {name} ... ignored, {reason}");
        }
        if let Some(name) = &self.failed {
            println!("test {name} ... FAILED");
        }
        println!(
            "\ntest result: {}. {} passed; {} failed; {} ignored; 0 measured; 0 filtered out; \
             finished in {:.2}s\n",
            if self.failed.is_some() {
                "FAILED"
            } else {
                "ok"
            },
            self.passed.len(),
            u8::from(self.failed.is_some()),
            self.ignored.len(),
            total.as_secs_f32()
        );
    }
}
