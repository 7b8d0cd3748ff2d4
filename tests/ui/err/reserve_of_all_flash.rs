//! A reserve leaves something for the network.

herringbone::network! {
    All: [28, 28, 1] => < A, D*(10) >,
    flash: 8192,
    reserve: { flash: 8192 },
}

herringbone::network! {
    Both: [28, 28, 1] => < A, D*(10) >,
    target: attiny85,
    reserve: { flash: 9000, sram: 600 },
}

fn main() {}
