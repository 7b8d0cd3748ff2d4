//! Random networks with weights and inputs, which shrink.

mod alive;
mod case;
mod chains;
mod graphs;
mod numbers;
mod own;
mod steps;
mod streams;
mod weights_file;

pub use case::{Case, list};
pub use chains::{Recipe, recipes, recipes_within, single_layers};
pub use graphs::{GraphRecipe, graphs, graphs_within};
pub use steps::{StepsRecipe, steps, steps_within};
pub use streams::{Noise, StreamCase};
pub use weights_file::greatest_weights;
