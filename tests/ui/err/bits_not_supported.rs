//! The widths that are supported.

herringbone::network! {
    Widths: [28, 28, 1] => < A, D*(10) >,
    bits: { weights: 3, biases: 4, activations: 16 },
}

herringbone::network! {
    Kinds: [28, 28, 1] => < A, D*(10) >,
    bits: { weights: four, biases = 8, activations },
}

fn main() {}
