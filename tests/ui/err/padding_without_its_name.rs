//! `same` is a padding, and nothing else.

herringbone::network! {
    Positional: [8, 8, 1] => < C1(4,3, same), D*(3) >,
}

herringbone::network! {
    Bare: [8, 8, 1] => < same, C1(4,3), same, D*(3) >,
}

herringbone::network! {
    Stride: [8, 8, 1] => < C1(4,3, stride: same), D*(3) >,
}

herringbone::network! {
    Valid: [8, 8, 1] => < C1(4,3, padding: valid), D*(3) >,
}

fn main() {}
