//! What is computed pixel by pixel.
//!
//! A byte becomes an activation, or adds to a window of a leading `A`. Whenever a
//! pixel of the first map is complete, it goes where [`Intake::sink`] says, and the
//! stages of the arriving segment run in order, each at the points of the grid
//! that its timing names; a segment of maps that are complete runs over all points
//! at once:
//!
//! - a stage that takes pixels in does so at those of its input: a pooling into its
//!   window, a dense layer into its sums; it completes an output at each window's
//!   last pixel, or the map's;
//! - any other stage computes an output from a whole field.

use super::{Divisor, Operation, Pooling};
use crate::network::{Kernel, NodeId, ReceptiveField, Shape, ValueId};
use crate::plan::{Sink, StagePlan, Windows};

/// How bytes become the pixels of the first map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intake {
    /// The leading `A`.
    pub pool: Option<PooledIntake>,
    /// What a byte, or a window's sum, is divided by to make an activation.
    pub divisor: Divisor,
    /// What it makes: the input, or the leading `A`'s output.
    pub value: ValueId,
    /// The pixels that are used of it; others are not delivered.
    pub output: Shape,
    /// Where they go.
    pub sink: Sink,
}

/// A leading `A`: bytes are added to a sum for each value of the outputs that are
/// being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PooledIntake {
    pub node: NodeId,
    /// What of the raw input each output sums.
    pub field: ReceptiveField,
    /// Where the sums are, of 2 or 4 bytes each.
    pub windows: Windows,
}

impl PooledIntake {
    /// Whether every byte belongs to one window at most.
    pub fn is_tiled(&self) -> bool {
        self.field.is_tiled()
    }

    /// The first byte of the sums in the arena.
    pub fn sums_first_byte(&self) -> u32 {
        self.windows.first_cell / self.windows.cells_per_byte
    }

    /// How many sums there are.
    pub fn sums(&self) -> u32 {
        self.windows.count * self.windows.channels
    }

    /// Sums from an output's first to that of the output right of it.
    pub fn sums_per_column(&self) -> u32 {
        self.windows.column_cells() / self.windows.cells_per_value
    }
}

/// Nodes that are computed together, pixel by pixel.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Whether it computes as the input arrives.
    pub arriving: bool,
    /// Rows and columns of its points; see [`Timing`](crate::plan::Timing).
    pub grid: Kernel,
    /// What is computed at each point, in this order.
    pub stages: Vec<Stage>,
}

impl Segment {
    /// Whether at every point the stages run as a chain: each reads what the one
    /// before it has just completed, and has nothing to do where that has not.
    pub fn is_chain(&self) -> bool {
        let follows = |stages: &[Stage]| {
            let [before, stage] = stages else {
                return true;
            };
            let reads_newest = stage.plan.joined.is_empty() && !stage.field.is_padded();
            reads_newest && before.plan.timing == stage.plan.input_timing
        };
        self.arriving
            && self.stages.iter().all(|stage| {
                stage.plan.joined.is_empty()
                    && !stage.field.is_padded()
                    && stage.reads_rings_at_their_own_positions()
            })
            && self.stages.windows(2).all(follows)
    }
}

/// A node of a segment.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Where and when.
    pub plan: StagePlan,
    /// The running map.
    pub input: ValueId,
    /// The maps that it adds or concatenates.
    pub joined: Vec<ValueId>,
    /// What it makes.
    pub writes: ValueId,
    /// Whether what it reads is two's complement.
    pub signed_input: bool,
    /// Whether each map that it adds or concatenates is.
    pub signed_joined: Vec<bool>,
    /// Whether what it makes is.
    pub signed_output: bool,
    /// What of its input one output reads.
    pub field: ReceptiveField,
    /// What is done for one output; of a stage that takes pixels in, for each input.
    pub operation: Operation,
}

impl Stage {
    /// What it makes of its windows.
    ///
    /// # Panics
    /// Where it is no pooling: only these keep windows.
    pub fn pooling(&self) -> Pooling {
        let pooling = self.operation.pooling();
        pooling.expect("only a pooling keeps windows")
    }

    fn reads_rings_at_their_own_positions(&self) -> bool {
        use crate::plan::Arrival;
        match self.plan.arrival {
            Arrival::Ring(reading) => reading.moves.is_none(),
            Arrival::Bytes | Arrival::Window(_) | Arrival::Values => true,
            Arrival::Map(_) => false,
        }
    }
}
