//! What a person looks at after a training: [learning curves](curves), a
//! [confusion matrix](mod@confusion) and a [sheet] of the worst mistakes; after a search, at
//! [error against costs](pareto).
//!
//! The same data gives the same bytes: nothing is read from the system, the font is
//! compiled in. That font has no Chinese, Japanese and Korean letters; a PNG shows
//! boxes for them, an SVG what the viewer's fonts have.

pub mod confusion;
pub mod curves;
pub mod pareto;
pub mod sheet;

mod axis;
mod canvas;
mod font;
mod picture;

pub use confusion::Confusion;
pub use curves::EpochRecord;
pub use picture::Picture;
pub use sheet::{Axes, Sample, Shape, Worst};

/// The width of a picture, in pixels, where what it shows does not need less.
const WIDTH: f64 = 960.0;
/// Left and right of everything, in pixels.
const MARGIN: f64 = 24.0;
