//! Attributes are those of Rust.

herringbone::network! {
    #![allow(dead_code)]
    Digits: [8, 8, 1] => < A, D*(3) >,
}

fn main() {}
