//! The network that the firmware runs.
//!
//! `cargo xtask build uno --weights FILE` gives it its weights; for a plain `cargo build`, the
//! variable `HERRINGBONE_WEIGHTS` names the file.
#![no_std]
#![cfg_attr(target_arch = "avr", feature(asm_experimental_arch))]

#[cfg(not(any(
    feature = "herringbone",
    feature = "streamed",
    feature = "table",
    feature = "runtime"
)))]
herringbone::network! {
    /// A handwritten digit, 28×28 grey levels, to its class.
    pub Digits: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr, D*(10) >,
    target: atmega328p,
    weights: env!("HERRINGBONE_WEIGHTS"),
}

#[cfg(feature = "herringbone")]
herringbone::network! {
    /// The same by the plan that takes the least SRAM.
    pub Digits: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr, D*(10) >,
    target: atmega328p,
    weights: env!("HERRINGBONE_WEIGHTS"),
    plan: herringbone,
}

#[cfg(feature = "streamed")]
herringbone::network! {
    /// The same by the plan that needs the image least: every pixel goes through all layers as it
    /// arrives.
    pub Digits: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr, D*(10) >,
    target: atmega328p,
    weights: env!("HERRINGBONE_WEIGHTS"),
    plan: streamed,
}

#[cfg(feature = "table")]
herringbone::network! {
    /// The same in the least flash.
    pub Digits: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr, D*(10) >,
    target: atmega328p,
    weights: env!("HERRINGBONE_WEIGHTS"),
    code: table,
}

// Parameters and activations fill all but 53 bytes of the SRAM, which are the stack's.
#[cfg(feature = "runtime")]
herringbone::network! {
    /// The same with weights that are loaded at run time.
    #[allow(deprecated)]
    pub Digits: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr, D*(10) >,
    target: atmega328p,
    weights: runtime,
    bits: { biases: 8 },
    plan: herringbone,
    reserve: 53,
}
