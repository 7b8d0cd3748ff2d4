//! A target is a name.

herringbone::network! {
    Number: [28, 28, 1] => < A, D*(10) >,
    target: 328,
}

herringbone::network! {
    Path: [28, 28, 1] => < A, D*(10) >,
    target: avr::atmega328p,
}

fn main() {}
