//! One comma stands between two layers.

herringbone::network! {
    Commas: [28, 28, 1] => < , A,, D*(10) >,
}

fn main() {}
