//! The forms of a layer's code.

/// How a layer's weights are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeForm {
    /// As instructions.
    Unrolled,
    /// From a table in flash, or from parameters in SRAM.
    Table,
}
