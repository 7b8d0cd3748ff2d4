//! The network that the firmware runs, and the images that it runs on.
#![no_std]
#![cfg_attr(target_arch = "avr", feature(asm_experimental_arch))]

pub mod images;

// It is to fill the part, which is a warning.
herringbone::network! {
    /// A handwritten digit, 28×28 grey levels, to its class.
    #[allow(deprecated)]
    pub Digits: [28, 28, 1] => < A, C1(4,3), M, C1(12,3), M, D*(10) >,
    target: attiny85,
    weights: "digits.safetensors",
    reserve: 200,
}
