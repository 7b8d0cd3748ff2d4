//! What is computed while the input arrives.
//!
//! A byte becomes an activation, or adds to a window of a leading `A`. When a
//! pixel of map 0 is complete, it is delivered to the first stage's place, and
//! the stages run one after the other as long as each of them completes a pixel
//! of its own:
//!
//! - a convolution does with each pixel but those of its field's first rows and
//!   columns;
//! - a pooling takes every pixel into its window, and does with each window's
//!   last one;
//! - a dense layer adds every pixel to its sums, and does with the map's last.

use super::Operation;
use crate::network::{Kernel, NodeId, ReceptiveField, Shape};
use crate::plan::{Arrival, Keeps, Ring, Sums, Windows};

/// How bytes become the pixels of the first map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intake {
    /// The leading `A`.
    pub pool: Option<PooledIntake>,
    /// Bits by which a byte, or a window's sum, is shifted down to an activation.
    pub shift: u32,
    /// The pixels that are used of what it makes; others are not delivered.
    pub output: Shape,
    /// Where they go.
    pub sink: Sink,
}

/// A leading `A`: bytes are added to one 16-bit sum for each value of the outputs
/// that are being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PooledIntake {
    /// The layer.
    pub layer: NodeId,
    /// The window, which is the stride too.
    pub window: Kernel,
    /// Where the sums begin in the arena.
    pub sums_first_byte: u32,
    /// How many there are, two bytes each.
    pub sums: u32,
    /// Sums from an output's first to that of the output right of it.
    pub sums_per_column: u32,
}

/// A layer that is computed as its input arrives.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The layer.
    pub layer: NodeId,
    /// What of its input arrives.
    pub input: Shape,
    /// What of its output is computed.
    pub output: Shape,
    /// Whether what it reads is two's complement.
    pub signed_input: bool,
    /// How its pixels arrive.
    pub arrival: Arrival,
    /// What it keeps.
    pub keeps: Keeps,
    /// What of its input one output reads.
    pub field: ReceptiveField,
    /// What is done for one output; of a pooling and a dense layer, for each input.
    pub operation: Operation,
    /// Where its outputs go.
    pub sink: Sink,
    /// Which of the cursor's positions is the oldest pixel's in its ring, where
    /// that has several.
    pub ring_position: Option<u32>,
    /// Which of them says how many of a dense layer's inputs were added, or of
    /// another layer's results are there, where there are several.
    pub sums_position: Option<u32>,
}

impl Stage {
    /// The ring that its pixels arrive in.
    pub fn ring(&self) -> Option<Ring> {
        match self.arrival {
            Arrival::Ring(ring) => Some(ring),
            Arrival::Bytes | Arrival::Window | Arrival::Values => None,
        }
    }

    /// The windows that it keeps.
    pub fn windows(&self) -> Option<Windows> {
        match self.keeps {
            Keeps::Windows(windows) => Some(windows),
            Keeps::Nothing | Keeps::Sums(_) => None,
        }
    }

    /// The sums that it keeps.
    pub fn sums(&self) -> Option<Sums> {
        match self.keeps {
            Keeps::Sums(sums) => Some(sums),
            Keeps::Nothing | Keeps::Windows(_) => None,
        }
    }
}

/// Where a pixel goes that a stage, or the intake, has completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sink {
    /// Over the oldest pixel of the next stage's ring.
    Ring {
        /// The ring.
        ring: Ring,
        /// Which of the cursor's positions is that pixel's, where there are several.
        position: Option<u32>,
    },
    /// Into the window of the next stage that it is a part of.
    Windows {
        /// The windows.
        windows: Windows,
        /// The pixels of a window.
        window: Kernel,
        /// What is kept of them.
        pooling: Pooling,
    },
    /// Nowhere: the next stage reads the window where it is.
    Stays,
    /// Map 0; which of the cursor's positions is the pixel's there, where a stage
    /// makes it.
    Map {
        /// The position.
        position: Option<u32>,
    },
    /// Sums that are the results, at the pixel's place among them.
    Results(Sums),
}

/// What a window keeps of its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// The largest value of each channel.
    Maximum,
    /// The sum of each channel.
    Sum,
}
