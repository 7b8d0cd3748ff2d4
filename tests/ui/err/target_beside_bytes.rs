//! A target says its bytes itself.

herringbone::network! {
    Both: [28, 28, 1] => < A, D*(10) >,
    target: atmega328p,
    sram: 2048,
    flash: 32768,
}

fn main() {}
