//! `=>` stands between the input's shape and the layers.

herringbone::network! {
    Thin: [28, 28, 1] -> < A, D*(10) >,
}

herringbone::network! {
    Missing: [28, 28, 1] < A, D*(10) >,
}

herringbone::network! {
    NoList: [28, 28, 1],
    target: atmega328p,
}

fn main() {}
