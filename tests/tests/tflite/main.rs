//! TensorFlow Lite models against TensorFlow Lite for Microcontrollers.

mod arrays;
mod conformance;
