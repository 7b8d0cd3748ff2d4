//! Segments: nodes that are computed together, pixel by pixel, depth first.
//!
//! A pixel that arrives is pushed through as many nodes as it can go. What a
//! later field still reads is kept in a ring, in the order of its arrival; a
//! pooling keeps what it has of the windows that are not complete; a node whose
//! outputs are sums to be returned, or to which every input adds, keeps the
//! sums. Nothing is computed twice, and what nobody reads is not computed at all:
//! a pooling that drops the last row or column makes all maps before it smaller.

use super::Need;
use super::place::{Ring, SumArray, Windows};
use super::timing::Timing;
use crate::network::{Kernel, NodeId, PoolFunction, Shape, ValueId};

/// Nodes that are computed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentPlan {
    /// Whether it computes as the input arrives; else all that it reads from
    /// outside is complete.
    pub arriving: bool,
    /// Rows and columns of its points; see [`Timing`].
    pub grid: Kernel,
    /// What is computed at each point, in this order.
    pub stages: Vec<StagePlan>,
    /// What it needs of the arena.
    pub need: Need,
}

/// A node of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagePlan {
    pub node: NodeId,
    /// What of its input is read: rows and columns from the first one on.
    pub input: Shape,
    /// What of its output is computed.
    pub output: Shape,
    /// Whether it takes its input in pixel by pixel, or row by row, into what it keeps; else
    /// it computes each output from a whole field.
    pub takes: bool,
    /// When the pixels of its input are there; of what it takes in at once, the last one.
    pub input_timing: Timing,
    /// When those of its output are computed.
    pub timing: Timing,
    /// How it finds the pixels of the running map.
    pub arrival: Arrival,
    /// How it finds those of the maps that are added or concatenated.
    pub joined: Vec<Arrival>,
    /// What it keeps of its outputs.
    pub keeps: Keeps,
    /// Which of the cursor's positions says how far its sums are: of a dense
    /// layer, how many of its inputs were added; of another node, how many of its
    /// outputs are there.
    pub sums_position: Option<u32>,
    /// Where its outputs go.
    pub sink: Sink,
}

impl StagePlan {
    /// The ring that its input arrives in.
    pub fn ring(&self) -> Option<Ring> {
        match self.arrival {
            Arrival::Ring(reading) => Some(reading.ring),
            Arrival::Bytes | Arrival::Window(_) | Arrival::Values | Arrival::Map(_) => None,
        }
    }

    /// The windows that it keeps.
    pub fn windows(&self) -> Option<Windows> {
        match self.keeps {
            Keeps::Windows(windows) => Some(windows),
            Keeps::Nothing | Keeps::Sums(_) | Keeps::States(_) => None,
        }
    }

    /// The sums that it keeps.
    pub fn sums(&self) -> Option<SumArray> {
        match self.keeps {
            Keeps::Sums(sums) => Some(sums),
            Keeps::Nothing | Keeps::Windows(_) | Keeps::States(_) => None,
        }
    }

    /// The states that it keeps.
    pub fn states(&self) -> Option<SumArray> {
        match self.keeps {
            Keeps::States(states) => Some(states),
            Keeps::Nothing | Keeps::Windows(_) | Keeps::Sums(_) => None,
        }
    }

    /// Cells of its input's ring and of what it keeps.
    pub fn cells(&self, cells_per_byte: u32) -> u32 {
        let kept = match self.keeps {
            Keeps::Nothing => 0,
            Keeps::Windows(windows) => windows.cells(),
            Keeps::Sums(sums) | Keeps::States(sums) => sums.bytes() * cells_per_byte,
        };
        self.ring().map_or(0, Ring::cells) + kept
    }
}

/// How a stage finds the pixels of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// As bytes of the raw input, which a leading `A` adds up.
    Bytes,
    /// In the value's ring.
    Ring(RingReading),
    /// Where the pooling that makes it keeps the window that is complete.
    Window(Windows),
    /// Value by value as they are computed: a pooling takes them in at once.
    Values,
    /// In a map that is stored whole.
    Map(MapReading),
}

/// Where in a ring a field begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingReading {
    pub ring: Ring,
    /// The cursor's position that it counts from: the ring's, or one of its own.
    /// `None` where the ring holds a single pixel.
    pub position: Option<u32>,
    /// Pixels from that position's slot on to the field's first pixel, around the
    /// ring. Of a padded field, that may be a pixel outside of the map.
    pub ahead: u32,
    /// How a position of its own moves on.
    pub moves: Option<Moves>,
}

/// Where in a whole map a field begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapReading {
    /// The value that is stored.
    pub value: ValueId,
    /// The cursor's position, in pixels from the first output's field on. It begins
    /// at 0.
    pub position: u32,
    /// Pixels from the first output's field to the map's first pixel, row by row:
    /// the zeros above and left of it.
    pub before: u32,
    /// How the position moves on.
    pub moves: Moves,
}

/// By how many pixels a field moves: around a ring by fewer than that has, over a
/// whole map modulo 2³², for a row may begin before the last one's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moves {
    /// From an output to the next one of its row.
    pub column: u32,
    /// From the last output of a row to the first one of the next.
    pub row: u32,
}

/// What a stage keeps of outputs that are not yet complete, or that are to be
/// returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// Nothing: an output is complete when it is computed.
    Nothing,
    /// Windows: the largest value or the sum of each channel so far.
    Windows(Windows),
    /// Sums of a whole map: of a dense layer, to which each of its inputs adds; of
    /// another last node, its results.
    Sums(SumArray),
    /// States of 16 bits: those after the last step, then as many that the next one makes.
    States(SumArray),
}

/// Where a pixel goes that a stage, or the intake, has completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sink {
    /// Over the oldest pixel of its ring.
    Ring(Ring),
    /// Into the window that it is a part of, of the pooling that takes it in.
    Windows {
        windows: Windows,
        /// The pixels of a window.
        window: Kernel,
        /// What is kept of them.
        function: PoolFunction,
    },
    /// Nowhere: it stays in its window, where it is read.
    Stays,
    /// A map that is stored whole.
    Map {
        value: ValueId,
        /// Which of the cursor's positions is the pixel's, row by row, where a stage
        /// makes it.
        position: Option<u32>,
    },
    /// Sums that are the results, at the pixel's place among them.
    Results(SumArray),
}
