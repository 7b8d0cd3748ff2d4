//! `bits` takes braces.

herringbone::network! {
    Number: [28, 28, 1] => < A, D*(10) >,
    bits: 4,
}

herringbone::network! {
    Brackets: [28, 28, 1] => < A, D*(10) >,
    bits: [4, 16, 4],
}

fn main() {}
