//! The linker script, where the linker looks for it.

use std::{env, fs, path::PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=gd32vf103.x");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap());
    fs::copy("gd32vf103.x", out.join("gd32vf103.x")).unwrap();
    println!("cargo::rustc-link-search={}", out.display());
}
