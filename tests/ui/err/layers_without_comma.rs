//! A comma stands between two layers.

herringbone::network! {
    Commas: [28, 28, 1] => < A C1(5,3), M D*(10) >,
}

fn main() {}
