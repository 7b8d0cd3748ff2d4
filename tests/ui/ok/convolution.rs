//! A convolution of every kernel.

herringbone::network! {
    N: [32, 32, 1] => < C1(2,1), C1(3,3), C1(4,5), C1(5,7), D*(10) >,
}

fn main() {
    assert_eq!(N::MACS, 32 * 32 * 2 + 30 * 30 * 9 * 2 * 3 + 26 * 26 * 25 * 3 * 4 + 20 * 20 * 49 * 4 * 5 + 20 * 20 * 5 * 10);
}
