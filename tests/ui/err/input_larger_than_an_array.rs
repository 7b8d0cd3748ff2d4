//! No array on AVR is larger than half of its 16-bit address space.

herringbone::network! {
    Large: [255, 255, 1] => < A(4), C1(4,3), D*(10) >,
    target: atmega2560,
}

fn main() {}
