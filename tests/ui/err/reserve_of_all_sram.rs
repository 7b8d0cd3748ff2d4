//! A reserve leaves something for the network.

herringbone::network! {
    All: [28, 28, 1] => < A, D*(10) >,
    sram: 512,
    reserve: 512,
}

herringbone::network! {
    More: [28, 28, 1] => < A, D*(10) >,
    target: atmega328p,
    reserve: 4096,
}

fn main() {}
