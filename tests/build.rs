//! Whether `../shared` is there: tests of generated code name its models.

use std::path::Path;

fn main() {
    const MODELS: &str = "../../shared/tflite/models";
    println!("cargo::rustc-check-cfg=cfg(shared_models)");
    println!("cargo::rerun-if-changed={MODELS}");
    if Path::new(MODELS).is_dir() {
        println!("cargo::rustc-cfg=shared_models");
    }
}
