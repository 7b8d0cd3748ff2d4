//! Firmware that depends on others beside us.

use std::fs;
use std::path::Path;
use std::process::Command;

/// A crate of these dependencies and profile that declares a network.
fn firmware(name: &str, dependencies: &str) -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(folder.join("src")).unwrap();
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime");
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
         [dependencies]\nherringbone = {{ path = {runtime:?} }}\n{dependencies}\n[workspace]\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(
        folder.join("src/lib.rs"),
        "#![no_std]\nherringbone::network! {\n    pub Digits: [28, 28, 1] => < A, C1(5,3), M, D*(10) >,\n    \
         target: atmega328p,\n}\n",
    )
    .unwrap();
    folder
}

fn cargo(folder: &Path, arguments: &[&str]) {
    let output = Command::new(env!("CARGO"))
        .current_dir(folder)
        .args(arguments)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
}

/// arduino-hal asks for avr-device 0.8, which pins `syn` to one version.
#[test]
fn what_arduino_hal_depends_on_resolves_beside_us() {
    let device = "avr-device = { version = \"0.8.1\", features = [\"atmega328p\"] }";
    let folder = firmware("beside-arduino-hal", device);
    let _ = fs::remove_file(folder.join("Cargo.lock"));
    cargo(&folder, &["generate-lockfile"]);
    let lock = fs::read_to_string(folder.join("Cargo.lock")).unwrap();
    assert!(
        lock.contains("name = \"avr-device\"\nversion = \"0.8."),
        "{lock}"
    );
    assert!(
        lock.contains("name = \"syn\"\nversion = \"2.0.110\""),
        "{lock}"
    );
    cargo(&folder, &["check", "--package=herringbone"]);
}
