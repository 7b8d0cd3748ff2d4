//! A window fits the map that it reads.

herringbone::network! {
    One: [2, 2, 1] => < A, M, D*(10) >,
}

herringbone::network! {
    Four: [12, 12, 3] => < A(4), M(4), D*(10) >,
}

herringbone::network! {
    Row: [1, 64, 3] => < M, D*(4) >,
}

fn main() {}
