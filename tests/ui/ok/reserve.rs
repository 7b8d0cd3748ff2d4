//! A reserve is part of the SRAM that a design needs.

herringbone::network! {
    N: [8, 8, 1] => < A, D*(3) >,
    sram: 2048,
    reserve: 1000,
}

fn main() {
    assert!(N::SRAM_BYTES >= N::ARENA_BYTES + 1000);
}
