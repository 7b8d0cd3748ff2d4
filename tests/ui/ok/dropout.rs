//! Dropout costs nothing.

herringbone::network! {
    N: [8, 8, 1] => < Dr(0), A, Dr, Dr(0.25), D*(10), Dr(0.5) >,
}

fn main() {
    assert_eq!(N::MACS, 16 * 10);
    assert_eq!(N::CLASSES, 10);
}
