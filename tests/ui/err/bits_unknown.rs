//! The entries of `bits`.

herringbone::network! {
    Entries: [28, 28, 1] => < A, D*(10) >,
    bits: { weight: 4, bias: 16, sums: 32, 4 },
}

fn main() {}
