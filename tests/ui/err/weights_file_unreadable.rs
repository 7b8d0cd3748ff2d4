//! A weights file is there and is a file.

herringbone::network! {
    Missing: [28, 28, 1] => < A, D*(10) >,
    weights: "/no/such/digits.safetensors",
}

herringbone::network! {
    Directory: [28, 28, 1] => < A, D*(10) >,
    weights: "/",
}

fn main() {}
