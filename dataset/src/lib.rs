//! Labelled data for training and testing quantised networks: read, normalised, split and
//! augmented.
//!
//! ```no_run
//! use herringbone_dataset::{Expected, Fit, InputShape, Normalisation, Options, Part, Source, split};
//!
//! # fn main() -> Result<(), herringbone_dataset::Problems> {
//! let shape = InputShape { height: 1, width: 64, channels: 3 };
//! let expected = Expected { shape: Some(shape), classes: Some(4) };
//! let source = Source::open("gestures".as_ref(), expected, &Options::default())?;
//! let recordings = source.read(Part::Training)?.expect("there is always something to learn from");
//! let normalisation = Normalisation::fit(&recordings, Fit::default());
//! let (training, validation) = split(normalisation.apply(recordings), 0.1, 1);
//! println!("{} for training, {} for validation", training.len(), validation.len());
//! # Ok(())
//! # }
//! ```
//! Every example is `u8` values, row-major, channels last: what a network's `run` takes. A time
//! series is an image of height 1.

#[cfg(feature = "npz")]
mod arrays;
pub mod augment;
mod checksum;
mod examples;
#[cfg(feature = "folders")]
mod folders;
pub mod idx;
mod labels;
mod normalisation;
mod part;
mod problems;
mod random;
mod recordings;
mod shape;
mod source;
mod split;
pub mod survey;
#[cfg(feature = "folders")]
mod tables;

pub use examples::Examples;
pub use normalisation::{Fit, Normalisation, Scale};
pub use part::Part;
pub use problems::Problems;
pub use random::{Purpose, Rng};
pub use recordings::{Recordings, Values};
pub use shape::InputShape;
pub use source::{Background, Expected, Options, Source};
pub use split::split;
