//! An input with more columns than rows, and one with more rows.

herringbone::network! { Wide: [8, 200, 3] => < A(4), C1(4,1), D*(10) > }
herringbone::network! { High: [200, 8, 3] => < A(4), C1(4,1), D*(10) > }

fn main() {
    assert_eq!(Wide::INPUT_LEN, High::INPUT_LEN);
    assert_eq!(Wide::MACS, High::MACS);
}
