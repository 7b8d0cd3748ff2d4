//! The template for `cargo generate`: what it generates builds, and is what the README shows.
//! `cargo xtask test` runs the first of these tests; `cargo test` alone ignores it, as it installs
//! and builds what it needs.

use std::fs;
use std::path::Path;

use xtask::{paths, toolchain};

/// What `cargo generate --path template --name NAME` makes of a text.
fn generated(text: &str, name: &str) -> String {
    let text = text.replace("{{project-name}}", name);
    assert!(!text.contains("{{"), "another placeholder: {text}");
    text
}

/// Generates a project, as cargo-generate does: placeholders are replaced in every file but those
/// that `cargo-generate.toml` excludes, and that file itself is left out.
fn generate(from: &Path, to: &Path, name: &str) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap();
        let target = to.join(file);
        if path.is_dir() {
            generate(&path, &target, name);
        } else if path.extension().is_some_and(|it| it == "safetensors") {
            fs::copy(&path, target).unwrap();
        } else if file != "cargo-generate.toml" {
            fs::write(target, generated(&fs::read_to_string(&path).unwrap(), name)).unwrap();
        }
    }
}

#[test]
#[ignore = "builds firmware, which `cargo xtask test` does"]
fn a_generated_project_builds() {
    let root = paths::root();
    let project = Path::new(env!("CARGO_TARGET_TMPDIR")).join("my-firmware");
    let _ = fs::remove_dir_all(&project);
    generate(&root.join("template"), &project, "my-firmware");
    // This checkout's herringbone, with the other dependencies as the example's, already built.
    let manifest = fs::read_to_string(project.join("Cargo.toml")).unwrap();
    let own = format!(
        "herringbone = {{ path = {:?} }}\n\n[workspace]",
        root.join("runtime")
    );
    let (before, after) = manifest.split_once("herringbone = \"0.1.0\"\n").unwrap();
    let (others, profiles) = after.split_once("\n\n").unwrap();
    let manifest = format!("{before}{others}\n{own}\n\n{profiles}");
    fs::write(project.join("Cargo.toml"), manifest).unwrap();
    let example = root.join("examples/uno");
    fs::copy(example.join("Cargo.lock"), project.join("Cargo.lock")).unwrap();

    let toolchain = toolchain::avr().unwrap();
    let status = toolchain
        .build()
        .arg("--release")
        .current_dir(&project)
        .status()
        .unwrap();
    assert!(status.success(), "the generated project does not build");
}

#[test]
fn the_readme_shows_the_template() {
    let read = |path: &str| fs::read_to_string(paths::root().join(path)).unwrap();
    let (readme, main) = (read("README.md"), read("template/src/main.rs"));
    let (_, code) = main.split_once("\n").unwrap();
    assert!(readme.contains(&format!("```rust\n{code}```\n")), "{code}");
    let manifest = read("template/Cargo.toml");
    let dependency = readme.split("```toml\n").nth(1).unwrap();
    let (dependency, _) = dependency.split_once("```").unwrap();
    for line in dependency.lines() {
        assert!(manifest.lines().any(|it| it == line), "{line}");
    }
}
