//! A key is given once.

herringbone::network! {
    Twice: [28, 28, 1] => < A, D*(10) >,
    sram: 2048,
    plan: smallest,
    sram: 1024,
    plan: row_major,
}

fn main() {}
