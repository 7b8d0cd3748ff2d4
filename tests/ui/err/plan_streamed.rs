//! A plan of a later version.

herringbone::network! {
    Streamed: [28, 28, 1] => < A, D*(10) >,
    plan: streamed,
}

fn main() {}
