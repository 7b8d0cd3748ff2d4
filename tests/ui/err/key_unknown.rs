//! A key is one of eight.

herringbone::network! {
    Unknown: [28, 28, 1] => < A, D*(10) >,
    wieght: "digits.safetensors",
    ram: 2048,
    device: atmega328p,
    5: 6,
}

fn main() {}
