//! Where values are in SRAM and flash, and how kernels get there.

pub(super) mod added;
pub(super) mod field;
pub(super) mod guard;
pub(super) mod pack;
pub(super) mod position;
pub(super) mod runs;
pub(super) mod slots;
pub(super) mod state;
pub(super) mod store;
pub(super) mod window;
