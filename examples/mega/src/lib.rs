//! The network that the firmware runs.
#![no_std]
#![cfg_attr(target_arch = "avr", feature(asm_experimental_arch))]

// Trained quantisation-aware on 55,000 digits of MNIST, chosen by the other 5,000 of its training
// set: right on 99.40 % of the test set.
herringbone::network! {
    /// A handwritten digit, 28×28 grey levels, to its class: more than 71,000 weights of 8 bits.
    ///
    /// The last layer uses each weight once, so instructions for them are not worth their flash.
    pub Digits: [28, 28, 1] => < A, C1(16,3), M, C1(32,3), D(128), D*(10, code: table) >,
    target: atmega2560,
    weights: "digits.safetensors",
    bits: { weights: 8 },
}
