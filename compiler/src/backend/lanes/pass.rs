//! What a kernel computes at once.

use super::reduction;
use super::sums::{Located, Sums};
use super::table;
use std::ops::Range;

/// Outputs that are computed at once, in registers.
#[derive(Clone, Debug)]
pub(crate) enum Pass {
    Unrolled(Sums),
    /// Those of a row and of the row below.
    TwoRows(Sums),
    Table(table::Pass),
    Reduced(reduction::Pass),
}

impl Pass {
    pub(crate) fn reduced(&self) -> Option<&reduction::Pass> {
        match self {
            Self::Reduced(pass) => Some(pass),
            Self::Unrolled(_) | Self::TwoRows(_) | Self::Table(_) => None,
        }
    }

    pub(crate) fn outputs(&self) -> Range<usize> {
        match self {
            Self::Unrolled(sums) => sums.outputs.clone(),
            Self::TwoRows(sums) => 0..sums.outputs.len() / 2,
            Self::Table(pass) => pass.outputs.clone(),
            Self::Reduced(pass) => pass.outputs.clone(),
        }
    }

    /// Its words are that many bytes further on in the table.
    pub(crate) fn move_by(&mut self, bytes: u32) {
        match self {
            Self::Table(pass) => {
                pass.biases_byte += bytes;
                pass.weights_byte += bytes;
            }
            // Of these, biases are counted where they are read.
            Self::Unrolled(_) | Self::TwoRows(_) | Self::Reduced(_) => {}
        }
    }

    /// Where the sum of an output is; of several pixels at once, that of one of them.
    pub(crate) fn place(&self, output: usize, pixel: Option<u32>) -> Located {
        match self {
            Self::Unrolled(sums) | Self::TwoRows(sums) => {
                let (register, is_low) = sums.place(output);
                Located {
                    register,
                    is_low,
                    lane: pixel,
                }
            }
            Self::Table(pass) => pass.place(output),
            Self::Reduced(pass) => pass.place(output),
        }
    }
}
