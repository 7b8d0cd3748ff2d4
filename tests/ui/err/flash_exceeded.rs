//! A design that needs more flash than there is.

herringbone::network! {
    Flash: [28, 28, 1] => < A, C1(5,3), C1(8,3), D*(200) >,
    flash: 4096,
}

fn main() {}
