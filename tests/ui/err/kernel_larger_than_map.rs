//! A kernel fits the map that it reads; shapes after one that does not are not guessed.

herringbone::network! {
    Input: [4, 28, 1] => < C1(5,5), D*(10) >,
}

herringbone::network! {
    Map: [28, 28, 1] => < A, C1(11,5), A, Dr, C2(8,7), M, M, M, D*(10) >,
}

herringbone::network! {
    Row: [1, 6, 3] => < C1(8,1x7), D*(4) >,
}

fn main() {}
