//! TensorFlow Lite models: what they compute, against TensorFlow Lite for Microcontrollers, their
//! plans, and files that are damaged.

mod arrays;
mod conformance;
mod constants;
mod damaged;
mod own_models;
mod plans;
mod programs;
mod reordered;
