//! A budget in bytes, or of one of both.

herringbone::network! {
    N: [8, 8, 1] => < A, D*(3) >,
    sram: 0x800,
    flash: 32_768,
}

fn main() {
    assert!(N::SRAM_BYTES < 2048);
}

herringbone::network! {
    Sram: [8, 8, 1] => < A, D*(3) >,
    sram: 2048,
}

herringbone::network! {
    Flash: [8, 8, 1] => < A, D*(3) >,
    flash: 32768,
}
