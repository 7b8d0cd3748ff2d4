//! A design that leaves less than a tenth of the SRAM is warned of.

#![deny(deprecated)]

herringbone::network! {
    Near: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, D*(10) >,
    sram: 560,
    reserve: 64,
}

fn main() {}
