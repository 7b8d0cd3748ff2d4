//! ARMv6-M: the Cortex-M0 and the Cortex-M0+ (Arm, "ARMv6-M Architecture Reference Manual",
//! DDI 0419).

pub mod cost;
mod decode;
mod execute;
mod instruction;

pub use cost::Cost;
pub use execute::Thumb;
