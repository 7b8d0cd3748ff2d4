//! A layer ends with its arguments.

herringbone::network! {
    Followed: [28, 28, 1] => < A + M, D*(10): 3 >,
}

fn main() {}
