//! A target as a string.

herringbone::network! {
    N: [8, 8, 1] => < A, D*(3) >,
    target: "atmega328p",
}

fn main() {
    assert!(N::SRAM_BYTES < 2048);
}
