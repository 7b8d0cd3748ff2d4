//! The functions of layers.

pub(super) mod context;
pub(super) mod dense;
pub(super) mod emit;
pub(super) mod kernel;
pub(super) mod looped_convolution;
pub(super) mod looped_dense;
pub(super) mod maps;
pub(super) mod neighbours;
pub(super) mod outputs;
pub(super) mod part;
pub(super) mod pooled;
pub(super) mod quantised;
pub(super) mod sums;
pub(super) mod unit;
pub(super) mod walk;
