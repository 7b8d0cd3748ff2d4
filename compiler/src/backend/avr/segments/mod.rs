//! Layers that run together over the points of a grid.

pub(super) mod chain;
pub(super) mod grid;
pub(super) mod point;
pub(super) mod reading;
pub(super) mod stage;
pub(super) mod windows;
