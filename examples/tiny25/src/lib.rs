//! The network that the firmware runs.
#![no_std]
#![cfg_attr(target_arch = "avr", feature(asm_experimental_arch))]

// The firmware's deepest stack takes 36 bytes; the results stay where they are computed.
herringbone::network! {
    /// A handwritten digit, 28×28 grey levels, to its class: every pixel goes through all layers as
    /// it arrives.
    #[allow(deprecated)]
    pub Digits: [28, 28, 1] => < A(2), C1(8,3x4), M, D*(10) >,
    target: attiny25,
    weights: "digits.safetensors",
    bits: { weights: 2 },
    plan: streamed,
    reserve: { sram: 39, flash: 230 },
}
