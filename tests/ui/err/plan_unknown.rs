//! A plan is one of the orders of computing.

herringbone::network! {
    Unknown: [28, 28, 1] => < A, D*(10) >,
    plan: fastest,
}

herringbone::network! {
    Literal: [28, 28, 1] => < A, D*(10) >,
    plan: "herringbone",
}

herringbone::network! {
    Misspelt: [28, 28, 1] => < A, D*(10) >,
    plan: streemed(2),
}

fn main() {}
