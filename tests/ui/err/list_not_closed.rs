//! The list ends with `>`.

herringbone::network! {
    NotClosed: [28, 28, 1] => < A, C1(5,3), D*(10),
    target: atmega328p,
}

herringbone::network! {
    NotClosedEither: [28, 28, 1] => < A, D*(10)
}

fn main() {}
