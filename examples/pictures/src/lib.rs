//! Networks for the pictures of CIFAR-10, of 32×32 pixels in three colours, and one for MNIST's digits,
//! with their weights. See `docs/search.md`, Results.
#![no_std]
#![cfg_attr(target_arch = "avr", feature(asm_experimental_arch))]

herringbone::network! {
    /// A picture to one of ten classes, in 8 KB of weights and activations.
    pub Pictures8: [32, 32, 3] => < C1(16,3), M, C1(24,3), M, C1(27,3), Dr(0.1), D*(10) >,
    weights: "pictures8.safetensors",
    plan: streamed,
}

herringbone::network! {
    /// The same in 16 KB, and on an ATmega328P with code and stack.
    pub Pictures16: [32, 32, 3] => < C1(20,3), M, C1(34,3), M, C1(48,3), Dr(0.1), D*(10) >,
    target: atmega328p,
    weights: "pictures16.safetensors",
}

herringbone::network! {
    /// The same in 32 KB.
    pub Pictures32: [32, 32, 3] => < C1(28,3), M, C1(48,3), M, C1(72,3), Dr(0.1), D*(10) >,
    weights: "pictures32.safetensors",
    plan: streamed,
}

herringbone::network! {
    /// The same in 64 KB.
    pub Pictures64: [32, 32, 3] =>
        < C1(32,3), M, C1(56,3), C1(72,3), M, C1(96,3), Dr(0.1), D*(10) >,
    weights: "pictures64.safetensors",
    plan: streamed,
}

herringbone::network! {
    /// A handwritten digit, 28×28 grey levels, to its class on an ATmega328P, in 2.5 million cycles. Three
    /// quarters of the weights are 0. The 24 outputs of the third convolution are in two halves, so that
    /// one of them is instructions, where flash does not hold both as such.
    #[allow(deprecated)]
    pub Digits: [28, 28, 1] =>
        < C1(8,3), C1(12,3), 'm: M, 'a: C1(14,3), 'm, C1(10,3), Cat('a), C1(32,3), M, D*(10) >,
    target: atmega328p,
    weights: "digits.safetensors",
    reserve: { sram: 200, flash: 700 },
}
