//! A colon stands between the name and the input's shape.

herringbone::network! {
    Digits [28, 28, 1] => < A, D*(10) >,
}

herringbone::network! {
    Equals = [28, 28, 1] => < A, D*(10) >,
}

fn main() {}
