//! `streamed` takes a number of layers and the order of the others; no other
//! plan takes anything.

herringbone::network! {
    Surplus: [28, 28, 1] => < A, C1(5,3), D*(10) >,
    plan: row_major(2),
}

herringbone::network! {
    Nothing: [28, 28, 1] => < A, C1(5,3), D*(10) >,
    plan: streamed(),
}

herringbone::network! {
    NoNumber: [28, 28, 1] => < A, C1(5,3), D*(10) >,
    plan: streamed(all),
}

herringbone::network! {
    NoOrder: [28, 28, 1] => < A, C1(5,3), D*(10) >,
    plan: streamed(2, smallest),
}

herringbone::network! {
    Third: [28, 28, 1] => < A, C1(5,3), D*(10) >,
    plan: streamed(2, row_major, 3),
}

fn main() {}
