//! Whether a layer's weights are constants in straight-line code or a table.

use crate::declaration::CodeChoice;

/// Where the weights of a sum are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Constants of straight-line code.
    Unrolled,
    /// Packed in flash, read in a loop over the outputs.
    Table,
}

impl Form {
    /// The form for a backend that does not weigh code against time: a table,
    /// unless the declaration says otherwise.
    pub fn of(code: CodeChoice) -> Self {
        match code {
            CodeChoice::Unrolled => Form::Unrolled,
            CodeChoice::Table | CodeChoice::Fastest => Form::Table,
        }
    }
}
