//! The network of the firmware: a library, so that a PC can run it too.
#![no_std]
#![cfg_attr(target_arch = "avr", feature(asm_experimental_arch))]

// Bytes that arrive while a step is computed take 66 of the reserve, and the stack the rest: the
// network's, and the interrupt's on top of it.
#[cfg(not(any(feature = "fastgrnn", feature = "bonsai", feature = "protonn")))]
herringbone::network! {
    /// A spoken digit, from 32 rows of 20 bands of its log-mel spectrogram.
    pub Digits: [32, 20, 1] => < G(28), D*(10) >,
    bits: { weights: 8, biases: 16, activations: 8 },
    target: atmega328p,
    plan: streamed,
    weights: "keyword.safetensors",
    reserve: 200,
}

#[cfg(feature = "fastgrnn")]
herringbone::network! {
    /// A handwritten digit, row by row: the network that SeeDot (Gopinath et al., PLDI 2019) is
    /// measured by on the same part.
    pub Digits: [16, 16, 1] => < G(32), D*(10) >,
    bits: { weights: 8, biases: 16, activations: 8 },
    target: atmega328p,
    plan: streamed,
    weights: "fastgrnn.safetensors",
}

#[cfg(feature = "bonsai")]
herringbone::network! {
    /// A handwritten digit by a tree, pixel by pixel.
    pub Digits: [16, 16, 1] => < Bonsai(2, 10, 10) >,
    bits: { weights: 8, biases: 16, activations: 8 },
    target: atmega328p,
    plan: streamed,
    weights: "bonsai.safetensors",
}

#[cfg(feature = "protonn")]
herringbone::network! {
    /// A handwritten digit by prototypes, pixel by pixel.
    pub Digits: [16, 16, 1] => < Proto(10, 20, 10) >,
    bits: { weights: 8, biases: 16, activations: 8 },
    target: atmega328p,
    plan: streamed,
    weights: "protonn.safetensors",
}
