//! The network that the firmware runs.
//!
//! `cargo xtask build uno --weights FILE` gives it its weights; for a plain `cargo build`, the
//! variable `HERRINGBONE_WEIGHTS` names the file.
#![no_std]

#[cfg(not(feature = "herringbone"))]
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
