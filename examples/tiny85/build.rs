//! Packs drawn digits for the flash of the ATtiny85: black and white, eight pixels to a byte.

use std::path::Path;
use std::{env, fs};

/// The digits, files in the folder `digits` at the root of the checkout.
const NAMES: [&str; 10] = [
    "0-a", "1-a", "2-a", "3-a", "4-a", "5-a", "6-a", "7-a", "8-a", "9-a",
];

fn main() {
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"))
        .join("../../digits")
        .canonicalize()
        .expect("the checkout has a folder `digits`");
    let packed: Vec<u8> = NAMES
        .iter()
        .flat_map(|name| pack(&folder.join(name).with_extension("pgm")))
        .collect();
    let out = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("images"), packed).expect("OUT_DIR can be written to");
    println!("cargo::rerun-if-changed=build.rs");
}

/// Which of a picture's pixels are rather white than black, the first of a byte in its lowest bit.
fn pack(path: &Path) -> Vec<u8> {
    println!("cargo::rerun-if-changed={}", path.display());
    let text = fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    // A plain PGM (netpbm, "P2"): the width, the height, the grey level of white, and the pixels.
    let mut words = text.split_whitespace();
    let header: Vec<_> = words.by_ref().take(4).collect();
    assert_eq!(header, ["P2", "28", "28", "255"], "{}", path.display());
    let white: Vec<bool> = words
        .map(|word| word.parse::<u8>().expect("a grey level is 0 to 255") >= 128)
        .collect();
    assert_eq!(white.len(), 28 * 28, "{}", path.display());
    white
        .as_chunks::<8>()
        .0
        .iter()
        .map(|pixels| {
            let bits = pixels.iter().rev();
            bits.fold(0, |byte, &is_white| byte << 1 | u8::from(is_white))
        })
        .collect()
}
