//! A design that needs more SRAM than there is says where, and what would fit.

herringbone::network! {
    Digits: [28, 28, 1] => < A, C1(5,3), C1(180,3), C1(11,3), M, Dr, D*(10) >,
    target: atmega328p,
    reserve: 256,
}

herringbone::network! {
    Bytes: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, D*(10) >,
    sram: 300,
    reserve: 64,
}

herringbone::network! {
    Tiny: [28, 28, 1] => < C1(5,3), D*(10) >,
    target: attiny13a,
    reserve: 32,
}

herringbone::network! {
    RowMajor: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, D*(10) >,
    sram: 530,
    reserve: 64,
    plan: row_major,
}

herringbone::network! {
    OfStack: [28, 28, 1] => < A, C1(5,3), C1(180,3), C1(11,3), M, Dr, D*(10) >,
    target: atmega328p,
}

fn main() {}
