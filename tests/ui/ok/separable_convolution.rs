//! A separable convolution of every kernel.

herringbone::network! {
    N: [32, 32, 1] => < C2(2,1), C2(3,3), C2(4,5), C2(5,7), D*(10) >,
}

fn main() {
    assert_eq!(N::CLASSES, 10);
}
