//! Code and tables fit the flash, and what the rest of the firmware takes with them.

herringbone::network! {
    Sized: [28, 28, 1] => < A, C1(8,3), M, C1(16,3), D(64), D*(10) >,
    target: atmega8,
}

herringbone::network! {
    Trained: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, D*(10) >,
    target: atmega88,
    reserve: { flash: 6000 },
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/digits.safetensors"),
}

herringbone::network! {
    Unrolled: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, D*(10, code: unrolled) >,
    target: atmega8, plan: row_major,
    weights: concat!(env!("HERRINGBONE_UI_WEIGHTS"), "/digits.safetensors"),
}

herringbone::network! {
    Loaded: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, D*(10) >,
    target: attiny3224,
    reserve: { flash: 32000 },
    weights: runtime,
}

fn main() {}
