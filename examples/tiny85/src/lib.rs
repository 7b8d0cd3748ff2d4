//! The network that the firmware runs, and the images that it runs on.
#![no_std]
#![cfg_attr(target_arch = "avr", feature(asm_experimental_arch))]

pub mod images;

// Trained quantisation-aware on 55,000 digits of MNIST, chosen among training runs by the other
// 5,000 of its training set: right on 97.60 % of the test set.
//
// The images take 3,920 bytes of the flash, the rest of the firmware 784.
herringbone::network! {
    /// A handwritten digit, 28×28 grey levels, to its class.
    pub Digits: [28, 28, 1] => < A, C1(4,3), M, C1(12,3), M, D*(10) >,
    target: attiny85,
    weights: "digits.safetensors",
    reserve: { flash: 4704 },
}
