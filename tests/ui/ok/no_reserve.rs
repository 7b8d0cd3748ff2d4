//! A reserve of nothing.

herringbone::network! {
    N: [8, 8, 1] => < A, D*(3) >,
    reserve: 0,
}

fn main() {
    assert_eq!(N::SRAM_BYTES, core::mem::size_of::<N>());
}
