//! Int8 TensorFlow Lite models: what they say, and what they compute, bit for bit as the reference
//! kernels of TensorFlow Lite for Microcontrollers do.
//!
//! [`Graph::read`] checks a file and takes it apart; [`Graph::run`] computes an inference on this
//! machine. Everything that a chip could compute beforehand is computed when the file is read:
//! multipliers, tables of functions of one value, shapes.
//!
//! ```no_run
//! let file = std::fs::read("models/speech.tflite")?;
//! let graph = herringbone_tflite::Graph::read(&file)?;
//! let mut state = graph.state();
//! let input = herringbone_tflite::Values::Int8(vec![0; 1960]);
//! let scores = graph.run(&mut state, &[input])?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod constant_channels;
mod element;
mod error;
mod file;
mod fixed_point;
mod graph;
pub mod operators;
mod reorder;
mod run;
mod simpler;
mod tensor;

pub use element::{Element, Values};
pub use error::{Place, Problem, Problems};
pub use fixed_point::Rescale;
pub use graph::{Graph, Node, State, TensorId};
pub use operators::Operator;
pub use reorder::{Reorder, ReorderOperator};
pub use run::RunError;
pub use tensor::{Quantisation, Tensor};
