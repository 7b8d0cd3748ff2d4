//! An input has from 1 to 255 rows, columns and channels.

herringbone::network! {
    Zero: [0, 28, 1] => < A, D*(10) >,
}

herringbone::network! {
    Large: [256, 28, 1000] => < A, D*(10) >,
}

herringbone::network! {
    Kinds: [28.0, SIDE, 1u8] => < A, D*(10) >,
}

fn main() {}
