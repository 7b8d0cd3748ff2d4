//! Max pooling drops a last odd row and column.

herringbone::network! {
    N: [9, 11, 2] => < M, M(2) >,
}

fn main() {
    assert_eq!(N::CLASSES, 2 * 2 * 2);
}
