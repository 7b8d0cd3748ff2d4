//! The input, a byte at a time.

pub(super) mod absorb;
pub(super) mod any_absorb;
