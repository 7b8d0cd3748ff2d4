//! Layers of 8-bit models: a function for the outputs of a pixel, which portable code calls with
//! the addresses of the values that they are made of.
//!
//! Where pixels are and in which order they are computed is no concern of these functions, so that
//! every plan has them. All that is left to portable code is to find the taps of a pixel, which is
//! little beside the products of a layer; what pools, adds, joins or moves is portable altogether.

mod depthwise;
mod frame;
mod kernels;
mod layers;
mod pieces;
mod pixel;
mod rescale;
mod table;
mod unrolled;

pub use kernels::{Kernel, Kernels};
pub use layers::{KnownScales, LayerSums, stack_bytes};
pub use pixel::{PixelSums, Reach};
