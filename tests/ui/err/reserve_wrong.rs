//! The entries of `reserve`.

herringbone::network! {
    Unknown: [28, 28, 1] => < A, D*(10) >,
    reserve: { stack: 100, flsh: 4096, 256 },
}

herringbone::network! {
    Twice: [28, 28, 1] => < A, D*(10) >,
    reserve: { sram: 100, flash: 4096, sram: 200 },
}

herringbone::network! {
    NoNumbers: [28, 28, 1] => < A, D*(10) >,
    reserve: { sram: 1k, flash: 5000000000 },
}

herringbone::network! {
    NoValues: [28, 28, 1] => < A, D*(10) >,
    reserve: { sram, flash = 5 },
}

herringbone::network! {
    InBrackets: [28, 28, 1] => < A, D*(10) >,
    reserve: [256, 4096],
}

herringbone::network! {
    NoValue: [28, 28, 1] => < A, D*(10) >,
    reserve:,
}

fn main() {}
