//! Builds the firmware again when its weights change: the compiler itself tracks no file that is
//! larger than an array of the AVR can be.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=digits.safetensors");
}
