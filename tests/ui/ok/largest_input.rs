//! The largest input.

herringbone::network! {
    N: [255, 255, 255] => < A(4), A(4), A(4), D*(10) >,
}

fn main() {
    assert_eq!(N::INPUT_LEN, 255 * 255 * 255);
}
