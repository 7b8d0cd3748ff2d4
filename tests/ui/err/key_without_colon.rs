//! A colon stands between a key and its value.

herringbone::network! {
    NoColon: [28, 28, 1] => < A, D*(10) >,
    sram = 2048,
    flash 32768,
}

fn main() {}
