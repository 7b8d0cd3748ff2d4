//! The forms of a layer's code.

use crate::backend::avr::CodeForm;

/// How a layer's weights are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As instructions; where a pooling follows, those of the two rows of a window at once, if
    /// all their sums have registers.
    UnrolledByTwoRows,
    /// As instructions.
    Unrolled,
    /// From a table, each value of a word having code of its own.
    TableByWords,
    /// From a table, values one by one.
    TableByValues,
}

impl Form {
    /// All of them, the fastest first.
    pub const ALL: [Self; 4] = [
        Self::UnrolledByTwoRows,
        Self::Unrolled,
        Self::TableByWords,
        Self::TableByValues,
    ];

    /// As other backends call it.
    #[must_use]
    pub fn code_form(self) -> CodeForm {
        match self {
            Self::UnrolledByTwoRows | Self::Unrolled => CodeForm::Unrolled,
            Self::TableByWords | Self::TableByValues => CodeForm::Table,
        }
    }
}
