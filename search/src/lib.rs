//! A search for the network that is right most often within a microcontroller's budget.
//!
//! ```text
//! Space ─ draws ─▶ Design ─ measure ─▶ Cost ─ fits? ─▶ Trial ─ somebody trains it ─▶ Outcome
//!                     ▲                                                               │
//!                     └────────────── evolution, over what the Study holds ◀──────────┘
//! ```
//! What a design takes is the compiler's own answer, in some milliseconds, so nothing that does
//! not fit is ever trained. A [`Study`] is a folder: whoever shares it can run its trials. This
//! crate trains nothing.

pub mod base;
pub mod coordinator;
pub mod cost;
pub mod design;
mod evolution;
pub mod export;
mod files;
pub mod pareto;
mod random;
pub mod rung;
mod sample;
pub mod script;
pub mod space;
pub mod study;
pub mod survey;
pub mod trial;

pub use base::Base;
pub use coordinator::{Next, next};
pub use cost::{Cost, Costs, Limits};
pub use design::Design;
pub use rung::{Rung, Rungs};
pub use space::Space;
pub use study::{Settings, Study};
pub use trial::{Outcome, Task, Trial};
