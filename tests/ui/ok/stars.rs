//! Every layer that takes a star, and spaces wherever they may be.

herringbone::network! {
    N: [8, 8, 1] => <C1*(2,3), C2 * (3, 3,), D *(4), D*(3,)>,
}

fn main() {
    assert_eq!(N::CLASSES, 3);
}
