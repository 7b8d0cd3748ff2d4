//! Arguments are literals.

herringbone::network! {
    NotLiterals: [28, 28, 1] => <
        A(K),
        C1(N,3),
        C1(8,"3"),
        D(2 + 3),
        D(5u8),
        D(5.0),
        D*(-5)
    >,
}

fn main() {}
