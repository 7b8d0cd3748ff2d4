//! Dropout keeps something.

herringbone::network! {
    Dropout: [28, 28, 1] => < A, Dr(1), Dr(1.5), Dr(half), Dr(-0.5), Dr(0.5f32), D*(10) >,
}

fn main() {}
