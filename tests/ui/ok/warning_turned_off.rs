//! `#[allow(deprecated)]` on a network turns the warning of a full SRAM off.

#![deny(deprecated)]

herringbone::network! {
    #[allow(deprecated)]
    Near: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, D*(10) >,
    sram: 560,
    reserve: 64,
}

fn main() {
    assert!(Near::SRAM_BYTES * 10 >= 560 * 9);
}
