//! A comma stands between the layers and the keys.

herringbone::network! {
    Missing: [28, 28, 1] => < A, D*(10) >
    target: atmega328p,
}

herringbone::network! {
    Semicolon: [28, 28, 1] => < A, D*(10) >;
    target: atmega328p;
}

fn main() {}
