//! Everything that decides: from the tokens of a declaration to the memory
//! plan and the code of its network.
//!
//! ```text
//! tokens → syntax::NetworkAst → Declaration (Network) → Weights
//!        → plan::MemoryPlan → program::Program → codegen · interpreter
//! ```
//! Each stage's type is borrowed by the next and never changed by it.

pub mod declaration;
pub mod network;
pub mod plan;
pub mod program;
pub mod target;
pub mod weights;
