//! The commands of CONTRIBUTING.md, as a library, so that the tests in `tests/` build and run firmware
//! by the same code.

pub mod bare;
pub mod build;
pub mod classifier;
mod declaration;
pub mod demo;
pub mod digits;
pub mod firmware;
pub mod measure;
pub mod microbit;
mod packages;
pub mod page;
pub mod panics;
pub mod params;
pub mod paths;
mod picture;
pub mod programs;
mod progress;
mod ranges;
mod report;
pub mod sensing;
pub mod targets;
pub mod test;
pub mod toolchain;
