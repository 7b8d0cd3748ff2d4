//! The network that the firmware runs.
//!
//! Its weights are in `digits.safetensors`, unless the variable `HERRINGBONE_WEIGHTS` names another
//! file; `.cargo/config.toml` says so. Dropout drops nothing: it is in the list as weights files name
//! layers by position, and the published one counts it.
#![no_std]
#![cfg_attr(target_arch = "avr", feature(asm_experimental_arch))]

#[cfg(not(any(
    feature = "accurate",
    feature = "herringbone",
    feature = "pruned",
    feature = "residual",
    feature = "streamed",
    feature = "table",
    feature = "runtime"
)))]
herringbone::network! {
    /// A handwritten digit, 28×28 grey levels, to its class.
    pub Digits: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr(0), D*(10) >,
    target: atmega328p,
    weights: env!("HERRINGBONE_WEIGHTS"),
    bits: { biases: 8 },
}

// The first map takes more than the SRAM, so pixels go through the first layers as they arrive. The
// bytes that arrive in the meantime take 785 bytes of the reserve.
#[cfg(feature = "accurate")]
herringbone::network! {
    /// A network that is right more often: of the image as it is, not of its averages.
    #[allow(deprecated)]
    pub Digits: [28, 28, 1] => < C1(12,3), C1(12,3), M, C1(24,3), C1(24,3), M, D*(10) >,
    target: atmega328p,
    weights: "accurate.safetensors",
    plan: streamed,
    reserve: 920,
}

// A residual block on top of the same: two convolutions, to whose sums the block's input is added.
#[cfg(feature = "residual")]
herringbone::network! {
    /// A residual network, the one that is right most often.
    #[allow(deprecated)]
    pub Digits: [28, 28, 1] => <
        C1(12,3), C1(12,3), M, C1(24,3), C1(24,3), M, R(3), D*(10)
    >,
    target: atmega328p,
    weights: "residual.safetensors",
    reserve: 920,
}

// A weight of 0 has no instructions.
#[cfg(feature = "pruned")]
herringbone::network! {
    /// The same, with half of its weights 0.
    pub Digits: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr(0), D*(10) >,
    target: atmega328p,
    weights: "pruned.safetensors",
    bits: { biases: 8 },
    sparsity: 0.5,
}

#[cfg(feature = "herringbone")]
herringbone::network! {
    /// The same by the plan that takes the least SRAM.
    pub Digits: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr(0), D*(10) >,
    target: atmega328p,
    weights: env!("HERRINGBONE_WEIGHTS"),
    bits: { biases: 8 },
    plan: herringbone,
}

#[cfg(feature = "streamed")]
herringbone::network! {
    /// The same by the plan that needs the image least: every pixel goes through all layers as it
    /// arrives.
    pub Digits: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr(0), D*(10) >,
    target: atmega328p,
    weights: env!("HERRINGBONE_WEIGHTS"),
    bits: { biases: 8 },
    plan: streamed,
}

#[cfg(feature = "table")]
herringbone::network! {
    /// The same in the least flash.
    pub Digits: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr(0), D*(10) >,
    target: atmega328p,
    weights: env!("HERRINGBONE_WEIGHTS"),
    bits: { biases: 8 },
    code: table,
}

// Parameters and activations fill all but 53 bytes of the SRAM, which are the stack's.
#[cfg(feature = "runtime")]
herringbone::network! {
    /// The same with weights that are loaded at run time.
    #[allow(deprecated)]
    pub Digits: [28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr(0), D*(10) >,
    target: atmega328p,
    weights: runtime,
    bits: { biases: 8 },
    plan: herringbone,
    reserve: 53,
}
