//! Arithmetic by constants, of registers alone.

pub(super) mod divide;
pub(super) mod high;
pub(super) mod index;
pub(super) mod multiply;
pub(super) mod wide;
