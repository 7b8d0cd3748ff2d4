//! A target is in the table.

herringbone::network! {
    Slip: [28, 28, 1] => < A, D*(10) >,
    target: atmega382p,
}

herringbone::network! {
    Case: [28, 28, 1] => < A, D*(10) >,
    target: ATmega328P,
}

herringbone::network! {
    Other: [28, 28, 1] => < A, D*(10) >,
    target: "z80",
}

herringbone::network! {
    Board: [28, 28, 1] => < A, D*(10) >,
    target: uno,
}

fn main() {}
