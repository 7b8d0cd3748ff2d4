//! Shared helpers of the tests.

pub mod crates;
pub mod networks;
pub mod reference;
pub mod shared;
