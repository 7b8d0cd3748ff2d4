//! Layers that compute a row at a time, as the input arrives: where rows are, as numbers.

use super::layer::{Convolution, Dense};
use super::pairs::PairedRows;
use super::stacked::StackedRows;
use crate::network::NodeId;
use crate::plan::{AxisTiming, SumArray};

/// A layer that computes as the input arrives.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    /// At which rows of the first map it computes, or takes, a row.
    pub(crate) timing: AxisTiming,
    pub(crate) layer: StageLayer,
}

impl Stage {
    pub(crate) fn node(&self) -> NodeId {
        match &self.layer {
            StageLayer::Convolution(layer) => layer.node,
            StageLayer::Dense(stage) => stage.dense.node,
        }
    }

    /// How many of the maps that it reads are in that ring.
    pub(crate) fn reads_of(&self, ring: &StoredRing) -> usize {
        match &self.layer {
            StageLayer::Convolution(layer) => {
                let maps = [&**layer].into_iter().chain(&layer.joined);
                maps.filter(|map| map.reads(ring)).count()
            }
            StageLayer::Dense(stage) => usize::from(match &stage.taken {
                Some(taken) => taken.reads(ring),
                None => stage.dense.input.first_cell == ring.first_cell,
            }),
        }
    }

    /// The ring that its rows of outputs go to.
    pub(crate) fn output_ring(&self) -> Option<StoredRing> {
        match &self.layer {
            StageLayer::Convolution(layer) => layer.output_ring(),
            StageLayer::Dense(_) => None,
        }
    }

    /// The rows of pairs that it writes.
    pub(crate) fn output_pairs(&self) -> Option<PairedRows> {
        match &self.layer {
            StageLayer::Convolution(layer) => layer.output_pairs(),
            StageLayer::Dense(_) => None,
        }
    }
}

/// What computes.
#[derive(Clone, Debug)]
pub(crate) enum StageLayer {
    /// A row of outputs from the rows of its fields.
    Convolution(Box<Convolution>),
    /// Sums, to which a row of inputs adds.
    Dense(Box<StageDense>),
}

/// A sum over a whole map whose rows come one by one.
#[derive(Clone, Debug)]
pub(crate) struct StageDense {
    /// Of all rows; the input is one of them.
    pub(crate) dense: Dense,
    /// What takes a row apart before, as single pixels, where rows are not all in one place.
    pub(crate) taken: Option<Convolution>,
    /// Rows of the map.
    pub(crate) rows: u32,
    /// Where the sums are between rows.
    pub(crate) sums: SumArray,
    /// The cell from which on activations go, unless the sums are the results.
    pub(crate) rounded: Option<u32>,
}

/// Where the rows of a convolution are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StageRows {
    pub(crate) input: StageInput,
    /// The stage before whose row of outputs is stored the oldest row of the field is taken apart:
    /// it goes over that one. Of a strip, the stage that puts the row there.
    pub(crate) oldest_before: Option<usize>,
    pub(crate) output: StageOutput,
    /// Of a pooling: what its windows have of the rows above, if they have several.
    pub(crate) waiting: Option<WaitingWindows>,
}

/// Where rows of inputs are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StageInput {
    Ring(StoredRing),
    /// Of fields that reach beyond the map, or wait for another one.
    Indexed(IndexedRing),
    /// Of which rows are taken as channels.
    Stacked(StackedRows),
    /// In pairs of pixels, as the stage before stored them.
    Pairs(PairedRows),
    /// In the strip, where the stage before put a row.
    Strip,
}

impl StageInput {
    /// The ring that rows are taken out of, one by one.
    pub(crate) fn ring(self) -> Option<StoredRing> {
        match self {
            Self::Ring(ring) | Self::Indexed(IndexedRing { ring, .. }) => Some(ring),
            Self::Stacked(_) | Self::Pairs(_) | Self::Strip => None,
        }
    }
}

/// Rows of a map each of which is found by its index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IndexedRing {
    pub(crate) ring: StoredRing,
    /// Rows of the map.
    pub(crate) height: u32,
    /// At which rows of the first map they come, and those below them would.
    pub(crate) timing: AxisTiming,
    /// Rows that come after those of the field before that is read.
    pub(crate) beyond: u32,
}

/// Where a row of outputs goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StageOutput {
    /// Over the oldest pixels, or on in a map that is stored whole.
    Ring(StoredRing),
    /// Over the oldest row of pairs.
    Pairs(PairedRows),
    /// Into the windows of a pooling.
    Windows(StoredWindows),
    /// Into the strip of the pooling that takes them in.
    Strip,
}

/// Pixels in the order of their arrival, around a ring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredRing {
    /// Begins a byte.
    pub(crate) first_cell: u32,
    pub(crate) pixels: u32,
    pub(crate) pixel_cells: u32,
    /// Pixels of a row.
    pub(crate) width: u32,
    /// Whether all of it is read when the input is complete, too.
    pub(crate) stays: bool,
    pub(crate) next: NextPixel,
}

/// Which slot of a ring is that of the next pixel.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NextPixel {
    /// Always the first one.
    First,
    /// The cursor says so, in two bytes of the network from that one on.
    AtCursor(u32),
    /// That after the row of the grid, of the first map, which is stored whole.
    AfterGridRow,
}

impl StoredRing {
    /// Whether a row may go on at the first slot.
    pub(crate) fn breaks_rows(&self) -> bool {
        !self.pixels.is_multiple_of(self.width)
    }

    pub(crate) fn cells(&self) -> u32 {
        self.pixels * self.pixel_cells
    }

    /// The byte of the network where the cursor's position is.
    pub(crate) fn position_byte(&self) -> Option<u32> {
        match self.next {
            NextPixel::AtCursor(byte) => Some(byte),
            NextPixel::First | NextPixel::AfterGridRow => None,
        }
    }

    /// Slots from that of the next pixel to that of a pixel which is that many before it.
    pub(crate) fn slots_back(&self, pixels: u32) -> u32 {
        (self.pixels - pixels % self.pixels) % self.pixels
    }
}

/// A row of windows, of which each has a part of its rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredWindows {
    /// Begins a byte.
    pub(crate) first_cell: u32,
    /// Rows of a window.
    pub(crate) rows: u32,
    /// At which rows of the first map one of these comes.
    pub(crate) timing: AxisTiming,
}

/// A row of windows of a pooling, of which each has the largest values so far, or their totals;
/// values that may be negative are offset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WaitingWindows {
    /// Begins a byte.
    pub(crate) first_cell: u32,
    /// Cells from a window to the next one.
    pub(crate) cells: u32,
    /// Bytes of a value; `None` where that is a cell.
    pub(crate) bytes_each: Option<u32>,
    /// Rows of a window.
    pub(crate) rows: u32,
    /// At which rows of the first map one of these comes.
    pub(crate) timing: AxisTiming,
}
