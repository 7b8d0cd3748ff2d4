//! Training of networks that `herringbone::network!` declares.

pub mod activity;
pub mod arithmetic;
mod batches;
pub mod calibrate;
pub mod checkpoint;
mod disturb;
pub mod evaluate;
pub mod export;
pub mod features;
mod files;
pub mod intake;
mod integers;
mod kernels;
mod metadata;
pub mod mistakes;
pub mod model;
pub mod normalise;
pub mod ops;
pub mod own;
pub mod pictures;
mod prototypes;
pub mod quantise;
pub mod recipe;
mod report;
pub mod session;
mod sparse;
pub mod standard;
mod steps;
pub mod teacher;
pub mod trained;
pub mod training;
pub mod trial;
mod values;

/// What computes: a burn device.
pub use burn::tensor::Device;
#[cfg(feature = "wgpu")]
pub use burn::tensor::DeviceKind;
pub use kernels::EXAMPLES;
pub use report::percent;
