//! An input has three dimensions.

herringbone::network! {
    Two: [28, 28] => < A, D*(10) >,
}

herringbone::network! {
    Four: [1, 28, 28, 1] => < A, D*(10) >,
}

herringbone::network! {
    None: [] => < A, D*(10) >,
}

fn main() {}
