//! Firmware that depends on others besides us.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use xtask::{paths, toolchain};

/// arduino-hal asks for avr-device 0.8, which pins `syn` to one version.
const ARDUINO_HAL_DEVICE: &str =
    "avr-device = { version = \"0.8.1\", features = [\"atmega328p\", \"rt\"] }";

/// A firmware of the template's code with that device crate, no lock file, and the profile
/// that arduino-hal's own template has.
fn firmware() -> PathBuf {
    let root = paths::root();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("beside-arduino-hal");
    let _ = fs::remove_dir_all(folder.join("src"));
    let _ = fs::remove_file(folder.join("Cargo.lock"));
    fs::create_dir_all(folder.join("src")).unwrap();
    fs::create_dir_all(folder.join(".cargo")).unwrap();
    let manifest = format!(
        "[package]\nname = \"beside-arduino-hal\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
         [[bin]]\nname = \"beside-arduino-hal\"\npath = \"src/main.rs\"\ntest = false\n\n\
         [dependencies]\nherringbone = {{ path = {:?} }}\n{ARDUINO_HAL_DEVICE}\n\
         static_cell = \"2.1.1\"\n\n\
         [profile.release]\npanic = \"abort\"\nopt-level = \"s\"\nlto = true\n\
         codegen-units = 1\n\n[workspace]\n",
        root.join("runtime")
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    for file in ["src/main.rs", "digits.safetensors", ".cargo/config.toml"] {
        fs::copy(root.join("template").join(file), folder.join(file)).unwrap();
    }
    folder
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{errors}");
}

#[test]
#[ignore = "builds firmware, which `cargo xtask test` does"]
fn what_arduino_hal_depends_on_builds_beside_us_optimised_for_size_and_with_lto() {
    let folder = firmware();
    succeed(
        Command::new(env!("CARGO"))
            .current_dir(&folder)
            .arg("generate-lockfile"),
    );
    let lock = fs::read_to_string(folder.join("Cargo.lock")).unwrap();
    for pinned in [
        "name = \"avr-device\"\nversion = \"0.8.",
        "name = \"syn\"\nversion = \"2.0.110\"",
    ] {
        assert!(lock.contains(pinned), "{pinned} is not in\n{lock}");
    }
    let toolchain = toolchain::avr().unwrap();
    succeed(toolchain.build().current_dir(&folder).arg("--release"));
}
