//! The network of the firmware: a library, so that a PC can run it too.
#![no_std]
#![cfg_attr(target_arch = "avr", feature(asm_experimental_arch))]

herringbone::network! {
    /// A gesture, from 64 samples of an accelerometer with three axes: every 16 samples, its
    /// newest 64.
    pub Gesture: [1, 64, 3] => < C1(8,1x5), M(1x2), C1(12,1x5), M(1x2), C1(16,1x3), M(1x4), D*(5) >,
    window: { length: 64, stride: 16 },
    bits: { activations: 8 },
    target: atmega328p,
    weights: "gesture.safetensors",
    reserve: 256,
}
