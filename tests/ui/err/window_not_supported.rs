//! A window is 1 to 8, or `all`.

herringbone::network! {
    Windows: [28, 28, 1] => < A(9), M(0), M(every), D*(10) >,
}

fn main() {}
