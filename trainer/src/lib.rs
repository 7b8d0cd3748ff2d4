//! Training of networks that `herringbone::network!` declares.

mod kernels;
pub mod model;
pub mod ops;
pub mod pictures;
pub mod quantise;

pub use kernels::EXAMPLES;
