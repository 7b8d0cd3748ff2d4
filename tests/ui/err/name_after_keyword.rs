//! A network's name stands alone.

herringbone::network! {
    pub struct Digits: [28, 28, 1] => < A, D*(10) >,
}

herringbone::network! {
    _: [28, 28, 1] => < A, D*(10) >,
}

fn main() {}
