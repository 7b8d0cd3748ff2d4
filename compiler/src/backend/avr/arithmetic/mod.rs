//! Arithmetic by constants, of registers alone.

pub(super) mod divide;
