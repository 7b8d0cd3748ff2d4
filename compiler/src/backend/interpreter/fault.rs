//! What can be wrong with a program.

use crate::network::{NodeId, ValueId};
use std::fmt;

/// A program that reads or overwrites what it must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The part of the program that runs.
    pub stage: ProgramPart,
    /// The event of the inference, from 0.
    pub event: u32,
    /// The cell of the arena.
    pub cell: u32,
    /// What is wrong with it.
    pub kind: FaultKind,
}

/// A part of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramPart {
    /// From the raw input to the first map; an event is a byte.
    Intake,
    /// A layer; an event is an output pixel, or one output of a dense layer; of a
    /// streamed pooling or dense layer, an input pixel.
    Layer(NodeId),
    /// From the last map to the caller; a single event.
    Results,
}

/// What a cell holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Content {
    /// One value of a map.
    Activation {
        map: ValueId,
        /// The pixel's row.
        row: u32,
        /// The pixel's column.
        column: u32,
        channel: u32,
    },
    /// A part of what is known so far of a window's largest values or sums, or
    /// of a sum.
    Partial {
        keeper: NodeId,
        /// The window's row, or the output's.
        row: u32,
        /// Which value of the row of windows; of a dense layer, which sum.
        value: u32,
        /// Which part of its bits, the least first.
        part: u32,
    },
}

impl Content {
    pub(super) fn activation(map: ValueId, (row, column): (u32, u32), channel: u32) -> Self {
        Content::Activation {
            map,
            row,
            column,
            channel,
        }
    }
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The input has another length than the network's.
    InputLength {
        /// Bytes that the program takes.
        needed: usize,
        /// Bytes that were given.
        given: usize,
    },
    /// The parameters have another length than the network's.
    ParameterLength {
        /// Bytes that the program takes.
        needed: usize,
        /// Bytes that were given.
        given: usize,
    },
    /// The cell is past the arena's end.
    OutsideArena {
        /// Cells of the arena.
        cells: u32,
    },
    /// A field reaches over the edge of the map that it reads.
    OutsideMap {
        map: ValueId,
        /// The row that is read.
        row: u32,
        /// The column that is read.
        column: u32,
    },
    /// A read finds another value than the one it means.
    ReadsAnother {
        /// The value that is meant.
        meant: Content,
        /// What the cell holds; `None` where nothing was stored, or nothing
        /// that is still alive.
        found: Option<Content>,
    },
    /// A write destroys a value that is read later.
    OverwritesLive {
        /// The value that is written.
        written: Content,
        /// The value that is destroyed.
        live: Content,
    },
    /// The value has more bits than its cell.
    DoesNotFit { value: i64 },
    /// A walk over a stored map comes to a cell where none of its pixels begins.
    NoPixelBegins { map: ValueId },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.stage {
            ProgramPart::Intake => write!(f, "intake"),
            ProgramPart::Layer(layer) => write!(f, "layer {layer}"),
            ProgramPart::Results => write!(f, "results"),
        }?;
        write!(
            f,
            ", event {}, cell {}: {}",
            self.event, self.cell, self.kind
        )
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FaultKind::InputLength { needed, given } => {
                write!(f, "the input must have {needed} bytes, and has {given}")
            }
            FaultKind::ParameterLength { needed, given } => {
                write!(
                    f,
                    "the parameters must have {needed} bytes, and have {given}"
                )
            }
            FaultKind::OutsideArena { cells } => write!(f, "the arena has {cells} cells"),
            FaultKind::OutsideMap { map, row, column } => {
                write!(f, "map {map} has no pixel ({row}, {column})")
            }
            FaultKind::ReadsAnother {
                meant,
                found: Some(found),
            } => write!(f, "holds {found} where {meant} is read"),
            FaultKind::ReadsAnother { meant, found: None } => {
                write!(f, "holds nothing alive where {meant} is read")
            }
            FaultKind::OverwritesLive { written, live } => {
                write!(f, "{written} overwrites {live}, which is still to be read")
            }
            FaultKind::DoesNotFit { value } => write!(f, "{value} has more bits than the cell"),
            FaultKind::NoPixelBegins { map } => write!(f, "no pixel of map {map} begins here"),
        }
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::Activation {
                map,
                row,
                column,
                channel,
            } => write!(f, "map {map} ({row}, {column}) channel {channel}"),
            Content::Partial {
                keeper,
                row,
                value,
                part,
            } => write!(
                f,
                "partial {value} of row {row} of keeper {keeper}, part {part}"
            ),
        }
    }
}

impl std::error::Error for Fault {}
