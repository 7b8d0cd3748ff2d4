//! Labelled images for training and testing quantised networks: read, split and augmented.
//!
//! ```no_run
//! use herringbone_dataset::{InputShape, Options, Source, split};
//!
//! # fn main() -> Result<(), herringbone_dataset::Problems> {
//! let shape = InputShape { height: 28, width: 28, channels: 1 };
//! let source = Source::open("mnist".as_ref(), shape, 10, Options::default())?;
//! let (training, validation) = split(source.training()?, 0.1, 1);
//! println!("{} for training, {} for validation", training.len(), validation.len());
//! # Ok(())
//! # }
//! ```
//! Every example is `u8` values, row-major, channels last: what a network's `run` takes. A time
//! series is an image of height 1.

pub mod augment;
mod checksum;
mod examples;
#[cfg(feature = "folders")]
mod folders;
pub mod idx;
mod labels;
#[cfg(feature = "npz")]
mod npz;
mod problems;
mod random;
mod shape;
mod source;
mod split;

pub use examples::Examples;
pub use problems::Problems;
pub use random::{Purpose, Rng};
pub use shape::InputShape;
pub use source::{Options, Source};
pub use split::split;
