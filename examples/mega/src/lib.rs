//! The network that the firmware runs.
#![no_std]
#![cfg_attr(target_arch = "avr", feature(asm_experimental_arch))]

herringbone::network! {
    /// A handwritten digit, 28×28 grey levels, to its class: more than 71,000 weights of 8 bits.
    pub Digits: [28, 28, 1] => < A, C1(16,3), M, C1(32,3), D(128), D*(10) >,
    target: atmega2560,
    weights: "digits.safetensors",
    bits: { weights: 8 },
}
