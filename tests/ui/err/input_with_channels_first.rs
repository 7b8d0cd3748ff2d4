//! The input's channels come last.

herringbone::network! {
    Colours: [3, 32, 32] => < C1(8,5), D*(10) >,
}

herringbone::network! {
    Greys: [1, 28, 28] => < A, C1(4,3), D*(10) >,
}

herringbone::network! {
    SecondLayer: [3, 32, 32] => < C1(8,3), C1(8,3), D*(10) >,
}

fn main() {}
