//! The network of the firmware: a library, so that a PC can run it too.
#![no_std]
#![cfg_attr(target_arch = "avr", feature(asm_experimental_arch))]

herringbone::network! {
    /// A spoken digit, from a second of sound.
    pub Voice: [32, 20, 1] => < C1(16,3), M, C1(24,3), C1(24,3), M, Dr, D*(10) >,
    features: log_mel { rate: 8000, frame: 256, hop: 250, bands: 20 },
    target: atmega328p,
    plan: streamed,
    weights: "voice.safetensors",
    reserve: { sram: 656, flash: 1280 },
}
