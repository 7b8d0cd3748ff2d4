//! Trailing commas in the list and without keys.

herringbone::network! {
    N: [8, 8, 1,] => < A, D*(3), >
}

fn main() {
    assert_eq!(N::INPUT_LEN, 64);
}
