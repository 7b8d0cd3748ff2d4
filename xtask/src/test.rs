//! `cargo xtask test`: everything that the project tests, in order, until something fails.

use std::process::Command;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use crate::bare;
use crate::build::{self, cargo_program};
use crate::firmware::{self, Firmware};
use crate::packages;
use crate::page;
use crate::paths::{self, Weights};
use crate::ranges;
use crate::report::{Report, succeed};
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
        "examples/tiny25/Cargo.toml",
        "examples/mega/Cargo.toml",
        "examples/host/Cargo.toml",
        "examples/gesture/Cargo.toml",
        "examples/voice/Cargo.toml",
        "examples/keyword/Cargo.toml",
        "examples/microbit/Cargo.toml",
        "examples/pico/Cargo.toml",
        "examples/ch32v003/Cargo.toml",
        "examples/gd32vf103/Cargo.toml",
        "examples/sine/Cargo.toml",
        "examples/pictures/Cargo.toml",
        "examples/speech/Cargo.toml",
        "features/firmware/Cargo.toml",
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
    report.check("clippy of the networks for pictures", || {
        let manifest = ["--manifest-path", "examples/pictures/Cargo.toml"];
        succeed(
            cargo(&["clippy"])
                .args(manifest)
                .args(["--", "--deny=warnings"]),
        )
    })?;
    report.check("rustdoc of the workspace", || {
        succeed(cargo(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "--deny=warnings"))
    })?;
    report.check("tests of the workspace", || {
        succeed(&mut cargo(&["test", "--workspace"]))
    })?;

    test_page(report)?;
    test_firmware(report)?;
    ranges::check(report)?;

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
        report.check("code of other random networks for 32-bit cores", || {
            let seed = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
            let tests = ["--package=herringbone-simulator32", "--test=lanes"];
            let mut lanes = cargo(&["test", "--release"]);
            // Each runs on every core.
            lanes.args(tests).env("PROPTEST_CASES", "1000");
            succeed(lanes.env("PROPTEST_RNG_SEED", seed.to_string()))
        })?;
        test_bare_cores(report)?;
        fuzz(report)
    } else {
        report.ignore("fuzz targets", "ten minutes each: cargo xtask test --long");
        Ok(())
    }
}

/// Tests the page, where there is a browser.
fn test_page(report: &mut Report) -> Result<()> {
    let folder = page::folder();
    report.check("build of the page", || page::build(&folder))?;
    match page::browser() {
        Ok(browser) => report.check("the page in a browser", || page::test(&folder, browser)),
        Err(error) => {
            report.ignore("the page in a browser", &format!("{error:#}"));
            Ok(())
        }
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
    }
    // The host's program has images only.
    for firmware in firmware::ALL.iter().chain(&firmware::SENSING) {
        let name = firmware.name;
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
        let tests = [
            "--package=xtask",
            "--test=firmware",
            "--test=sensing",
            "--test=features",
            "--test=models",
        ];
        succeed(cargo(&["test"]).args(tests).args(["--", "--ignored"]))
    })?;
    report.check("models on a micro:bit", || {
        let tests = ["--package=xtask", "--test=microbit", "--", "--ignored"];
        succeed(cargo(&["test"]).args(tests))
    })?;
    test_bare_firmware(report)?;
    report.check("build of the template's firmware", || {
        let tests = ["--package=xtask", "--test=template", "--", "--ignored"];
        succeed(cargo(&["test"]).args(tests))
    })?;
    report.check("build of firmware on arduino-hal's dependencies", || {
        let tests = ["--package=xtask", "--test=dependencies", "--", "--ignored"];
        succeed(cargo(&["test"]).args(tests))
    })?;
    if !paths::shared().is_dir() {
        let reason = "../shared, which has the published weights, is absent";
        report.ignore("logits of the published network in the simulator", reason);
    }
    Ok(())
}

/// Tests the firmware of parts with 32-bit cores.
fn test_bare_firmware(report: &mut Report) -> Result<()> {
    for bare in &bare::ALL {
        report.check(&format!("clippy of the firmware {}", bare.name), || {
            let mut clippy = bare::command(bare, "clippy")?;
            clippy
                .current_dir(paths::root().join(bare.folder))
                .args(["--release", "--bin", bare.binary])
                .args(["--", "--deny=warnings"]);
            succeed(&mut clippy)
        })?;
    }
    report.check("firmware of 32-bit parts in the simulator", || {
        let tests = ["--package=xtask", "--test=bare", "--", "--ignored"];
        // They share folders of builds.
        let options = ["--test-threads=1", "--skip=qemu"];
        succeed(cargo(&["test"]).args(tests).args(options))
    })?;
    if packages::found("qemu-system-arm") {
        report.check("the micro:bit's firmware in qemu", || {
            let tests = ["--package=xtask", "--test=bare", "--", "--ignored", "qemu"];
            succeed(cargo(&["test"]).args(tests))
        })
    } else {
        report.ignore(
            "the micro:bit's firmware in qemu",
            "there is no qemu-system-arm",
        );
        Ok(())
    }
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

/// Runs portable code on bare 32-bit cores, in qemu.
fn test_bare_cores(report: &mut Report) -> Result<()> {
    packages::install("qemu", &["qemu-system-arm", "qemu-system-misc"])?;
    report.check("stack of portable code on 32-bit cores", || {
        let mut add = Command::new("rustup");
        succeed(add.args(["target", "add"]).args(BARE_CORES))?;
        let tests = ["--package=herringbone-tests", "--test=stack"];
        succeed(cargo(&["test"]).args(tests).args(["--", "--ignored"]))
    })?;
    report.check("speech on a simulated Cortex-M0", || {
        let tests = ["--package=herringbone-tests", "--test=speech"];
        succeed(cargo(&["test"]).args(tests).args(["--", "--ignored"]))
    })?;
    report.check("the simulator of 32-bit cores beside qemu", || {
        let tests = ["--package=herringbone-simulator32", "--test=qemu"];
        // The tests share a folder of builds.
        let options = ["--", "--ignored", "--test-threads=1"];
        succeed(cargo(&["test"]).args(tests).args(options))
    })
}

/// Targets of Rust that `tests/tests/stack.rs` and `simulator32/tests/qemu.rs` build for.
const BARE_CORES: [&str; 3] = [
    "thumbv6m-none-eabi",
    "riscv32i-unknown-none-elf",
    "riscv32imc-unknown-none-elf",
];

/// The cargo that runs us, in the root of the checkout.
fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = Command::new(cargo_program());
    cargo.current_dir(paths::root()).args(arguments);
    cargo
}
