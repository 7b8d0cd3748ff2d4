//! The network that the firmware runs, and the images that it runs on.
#![no_std]
#![cfg_attr(target_arch = "avr", feature(asm_experimental_arch))]

pub mod images;

// The images take 980 bytes of the flash, the rest of the firmware up to 964. Of the SRAM, the
// firmware's deepest stack takes 69 bytes.

#[cfg(not(feature = "published"))]
herringbone::network! {
    /// A handwritten digit, 28×28 grey levels, to its class: the weights are tables, and every pixel
    /// goes through all layers as it is read.
    #[allow(deprecated)]
    pub Digits: [28, 28, 1] => < C1(8,3), M, C1(12,3), C1(12,3), M, D*(10) >,
    target: attiny85,
    weights: "digits.safetensors",
    plan: streamed,
    code: table,
    reserve: { sram: 110, flash: 1944 },
}

#[cfg(feature = "published")]
herringbone::network! {
    /// The same by the network of Gural & Murmann (ICML 2019), with which they filled an ATmega328P.
    pub Digits: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr(0), D*(10) >,
    target: attiny85,
    weights: env!("HERRINGBONE_WEIGHTS"),
    bits: { biases: 8 },
    plan: streamed,
    code: table,
    reserve: { flash: 1944 },
}
