//! The input, a byte at a time.

pub(super) mod absorb;
pub(super) mod any_windows;
pub(super) mod deposit;
pub(super) mod pairs;
pub(super) mod tiles;
pub(super) mod window_axis;
