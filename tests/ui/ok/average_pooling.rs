//! Average pooling, with its window and without.

herringbone::network! {
    N: [16, 16, 1] => < A, A(2), A(4) >,
}

fn main() {
    assert_eq!(N::CLASSES, 1);
}
