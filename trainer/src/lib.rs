//! Training of networks that `herringbone::network!` declares.

pub mod calibrate;
pub mod evaluate;
pub mod export;
pub mod intake;
mod integers;
mod kernels;
pub mod model;
pub mod ops;
pub mod pictures;
pub mod quantise;
pub mod training;

pub use kernels::EXAMPLES;
