//! An image whose channels come first, which the kernels fit all the same, is warned of.

#![deny(deprecated)]

herringbone::network! {
    Colours: [3, 32, 32] => < C1(8,3), D*(10) >,
}

fn main() {}
