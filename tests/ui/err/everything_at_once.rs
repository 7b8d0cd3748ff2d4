//! All mistakes of all networks are reported at once.

herringbone::network! {
    First: [28, 0, 1] => < A*, C3(5,3), C1(0,12), M(9), D(10) >,
    sram: 2k,
    wieghts: "digits.safetensors",
    plan: streamed(),
}

mod second {
    herringbone::network! {
        /// Another one.
        pub Second: [28, 28, 1] => < A, C1(5,3), M, D*(10) >,
        target: atmega328q,
        bits: { weights: 3 },
    }
}

herringbone::network! {
    Third: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(64,3), M, D*(10) >,
    target: atmega328p,
    reserve: 256,
}

fn main() {}
