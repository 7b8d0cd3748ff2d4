//! An input has from 1 to 65,535 rows and columns, and to 255 channels.

herringbone::network! {
    Zero: [0, 28, 1] => < A, D*(10) >,
}

herringbone::network! {
    Large: [65536, 28, 1000] => < A, D*(10) >,
}

herringbone::network! {
    Kinds: [28.0, SIDE, 1u8] => < A, D*(10) >,
}

fn main() {}
