//! Everything that decides: from the tokens of a declaration to the memory
//! plan and the code of its network.
//!
//! ```text
//! tokens → syntax::NetworkAst → Declaration (Network) → Weights
//!        → plan::MemoryPlan → program::Program → backend::{avr, portable, interpreter}
//! ```
//! Each stage's type is borrowed by the next and never changed by it.

pub mod backend;
pub mod budget;
pub mod declaration;
pub mod diagnostic;
mod effort;
mod expand;
pub mod features;
mod item;
pub mod network;
mod notice;
mod parameters;
pub mod plan;
mod planned;
pub mod program;
pub mod report;
mod spelling;
pub mod stack;
pub mod syntax;
pub mod target;
pub mod tflite;
pub mod weights;

pub use expand::expand;
pub use notice::Notice;
pub use parameters::pack_parameters;
pub use planned::{Origin, Planned, Problem};
