//! Features in exact integers: what a network computes of samples before its first layer.
//!
//! A [`Frame`] gathers samples; once it is full, [`Frame::begin_row`] turns it into a spectrum in
//! place, and [`Frame::next_value`] gives the values of a row one after the other: energies of
//! bands of sound, or their cosine transform. [`Statistics`] does the same for simple statistics of
//! a few channels, such as the axes of an accelerometer. The same code runs in the trainer and on the chip. `docs/features.md` of the repository says exactly what it
//! computes.
#![no_std]
#![warn(missing_docs)]
// The inner loops are assembly on AVR.
#![cfg_attr(
    all(target_arch = "avr", target_feature = "mul"),
    feature(asm_experimental_arch)
)]

mod fourier;
mod frame;
mod logarithm;
mod statistics;
mod tables;

pub use frame::{Frame, Row};
pub use statistics::{Statistics, StatisticsDesign, StatisticsRow};
pub use tables::Tables;
