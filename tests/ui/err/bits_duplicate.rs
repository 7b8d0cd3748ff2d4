//! An entry of `bits` is given once.

herringbone::network! {
    Twice: [28, 28, 1] => < A, D*(10) >,
    bits: { weights: 4, biases: 16, weights: 8 },
}

fn main() {}
