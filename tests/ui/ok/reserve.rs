//! A reserve is part of the SRAM that a design needs.

herringbone::network! {
    N: [8, 8, 1] => < A, D*(3) >,
    sram: 2048,
    reserve: 1000,
}

herringbone::network! {
    Both: [8, 8, 1] => < A, D*(3) >,
    target: atmega328p,
    reserve: { flash: 30000, sram: 1000 },
}

herringbone::network! {
    OfFlash: [8, 8, 1] => < A, D*(3) >,
    target: atmega328p,
    reserve: { flash: 30000, },
}

fn main() {
    assert!(N::SRAM_BYTES >= N::ARENA_BYTES + 1000);
    assert!(Both::SRAM_BYTES >= Both::ARENA_BYTES + 1000);
    assert!(OfFlash::SRAM_BYTES < Both::SRAM_BYTES);
}
