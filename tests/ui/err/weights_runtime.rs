//! Weights of a later version.

herringbone::network! {
    Runtime: [28, 28, 1] => < A, D*(10) >,
    weights: runtime,
}

fn main() {}
