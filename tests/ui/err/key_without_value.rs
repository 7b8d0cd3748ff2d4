//! A key has a value.

herringbone::network! {
    NoValue: [28, 28, 1] => < A, D*(10) >,
    sram,
    flash:,
    weights:,
    plan:,
}

fn main() {}
