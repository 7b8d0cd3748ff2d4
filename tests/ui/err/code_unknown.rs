//! The code is unrolled or a table.

herringbone::network! {
    Unknown: [28, 28, 1] => < A, D*(10) >,
    code: loops,
}

fn main() {}
