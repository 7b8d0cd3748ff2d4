//! The linker script, where the linker looks for it.

use std::{env, fs, path::PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=ch32v003.x");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap());
    fs::copy("ch32v003.x", out.join("ch32v003.x")).unwrap();
    println!("cargo::rustc-link-search={}", out.display());
}
