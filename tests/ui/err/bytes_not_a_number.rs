//! Bytes are an integer literal.

herringbone::network! {
    Bytes: [28, 28, 1] => < A, D*(10) >,
    sram: 2k,
    flash: "32768",
    reserve: SIZE,
}

herringbone::network! {
    More: [28, 28, 1] => < A, D*(10) >,
    sram: 0,
    flash: 2 * 1024,
    reserve: -1,
}

herringbone::network! {
    Large: [28, 28, 1] => < A, D*(10) >,
    sram: 5000000000,
}

fn main() {}
