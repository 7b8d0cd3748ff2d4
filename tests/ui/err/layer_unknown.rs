//! A layer is one of the six letters.

herringbone::network! {
    Letters: [28, 28, 1] => <
        C3(5,3),
        c1(5,3),
        Dense(10),
        B,
        3,
        D*(10)
    >,
}

fn main() {}
