//! Shared helpers of the tests.

pub mod activity;
pub mod cifar;
pub mod crates;
pub mod edgeml;
pub mod features;
pub mod fixtures;
pub mod halves;
mod kinds;
pub mod layers;
pub mod networks;
pub mod published;
pub mod random_models;
pub mod reference;
pub mod scipy;
pub mod shared;
pub mod statistics;
pub mod tflite_file;
pub mod windows;
