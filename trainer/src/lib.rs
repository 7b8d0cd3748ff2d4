//! Trains networks that are declared with `herringbone::network!`, and shows how it went.

pub mod pictures;
