//! The input's shape stands in brackets.

herringbone::network! {
    Parentheses: (28, 28, 1) => < A, D*(10) >,
}

herringbone::network! {
    Missing: => < A, D*(10) >,
}

herringbone::network! {
    Bare: 28, 28, 1 => < A, D*(10) >,
}

fn main() {}
