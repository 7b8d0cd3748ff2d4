//! From sums to activations and results.

pub(super) mod finish;
pub(super) mod requantise;
pub(super) mod rounder;
pub(super) mod scale;
pub(super) mod sum;
