//! A window is 2 or 4.

herringbone::network! {
    Windows: [28, 28, 1] => < A(3), M(8), D*(10) >,
}

fn main() {}
