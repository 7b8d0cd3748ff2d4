//! What the README shows compiles, runs, and fails as it says.

use std::fs;
use std::path::{Path, PathBuf};

use herringbone_tests::crates::Crates;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn page(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The page's blocks of that language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let after = page.split(&fence).skip(1);
    let block = |text: &str| text.split_once("```").map(|(block, _)| block.to_owned());
    after.filter_map(block).collect()
}

/// A block as a program, as rustdoc makes one of it: statements need a `main`.
fn program(block: &str) -> String {
    match block.contains("fn main") {
        true => block.to_owned(),
        false => format!("fn main() {{\n{block}}}\n"),
    }
}

/// The weights that the blocks name. The README's network is the template's.
fn weights() -> Vec<u8> {
    fs::read(root().join("template/digits.safetensors")).unwrap()
}

fn crates(name: &str) -> Crates {
    Crates::new(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name))
}

/// Every block but the firmware, which the template's test builds.
#[test]
fn every_rust_block_compiles_and_runs() {
    let crates = crates("readme");
    let weights = weights();
    let model = fs::read(root().join("tests/models/branches.tflite")).unwrap();
    let pages = [
        "README.md",
        "docs/residual.md",
        "docs/run-time-weights.md",
        "docs/tflite.md",
    ];
    let mut names = Vec::new();
    for path in pages {
        let blocks = blocks(&page(path), "rust");
        assert!(!blocks.is_empty(), "{path}");
        for block in blocks.iter().filter(|it| !it.contains("#![no_std]")) {
            let name = format!("block-{}", names.len());
            let main = program(block);
            let files: &[(&str, &[u8])] = &[
                ("src/main.rs", main.as_bytes()),
                ("digits.safetensors", &weights),
                ("model.tflite", &model),
            ];
            crates.add(&name, "2024", "herringbone", files);
            names.push(name);
        }
    }
    for name in &names {
        crates.cargo(&["run", "--quiet", "--offline", "--package", name]);
    }
}

#[test]
fn the_error_is_the_one_that_the_readme_shows() {
    let readme = page("README.md");
    let blocks = blocks(&readme, "text");
    let shown = blocks
        .iter()
        .find(|it| it.starts_with("error: over budget"));
    let shown = shown.unwrap();
    let line = shown.lines().find_map(|line| line.strip_prefix("3 | "));
    let main = format!(
        "herringbone::network! {{\n    /// A digit.\n{}\n    target: atmega328p,\n}}\nfn main() {{}}\n",
        line.unwrap()
    );
    let crates = crates("readme-error");
    let files: &[(&str, &[u8])] = &[("src/main.rs", main.as_bytes())];
    crates.add("over", "2024", "herringbone", files);
    let error = crates.cargo_fails(&["check", "--quiet", "--offline"]);
    // Cargo's paths are those of a workspace.
    let error = error.replace("over/src/main.rs", "src/main.rs");
    let error: Vec<&str> = error.lines().map(str::trim_end).collect();
    let shown: Vec<&str> = shown.lines().map(str::trim_end).collect();
    let found = error.windows(shown.len()).any(|it| it == shown);
    assert!(found, "the compiler says:\n{}", error.join("\n"));
}
