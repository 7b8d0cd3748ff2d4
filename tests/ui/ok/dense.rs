//! Dense layers after one another.

herringbone::network! {
    N: [4, 4, 2] => < D(300), D(20), D*(10) >,
}

fn main() {
    assert_eq!(N::MACS, 32 * 300 + 300 * 20 + 20 * 10);
}
