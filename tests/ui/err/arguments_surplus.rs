//! Arguments that a layer does not take.

herringbone::network! {
    Surplus: [28, 28, 1] => < A(2, 2), C1(5, 3, 1), Dr(0.5, 0.5), D*(10, 1, 2) >,
}

fn main() {}
