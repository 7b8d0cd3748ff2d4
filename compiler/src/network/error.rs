//! Why a list does not make a network.

use super::shape::{Kernel, Shape};

/// How many labels an error names where none is similar.
pub const MOST_KNOWN_LABELS: usize = 6;

/// Why a list does not make a network. `item` is the place in the list of items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GraphError {
    /// A kernel or window is larger than the map that it reads.
    KernelLargerThanMap {
        item: usize,
        /// Its kernel or window.
        kernel: Kernel,
        /// The map that it reads.
        map: Shape,
    },
    /// A kernel is not larger than the padding on one side: some output would read
    /// zeros alone.
    PaddingOfKernel {
        item: usize,
        /// Rows or columns on each side.
        padding: u32,
        kernel: Kernel,
    },
    /// A layer over pixels reads, or makes, more channels than any map of pixels
    /// has.
    TooManyChannels { item: usize, channels: u32 },
    /// A map has more pixels than a plan follows.
    TooManyPixels {
        /// The item; `None` of the input.
        item: Option<usize>,
        map: Shape,
    },
    /// No label of that name comes before the item.
    UnknownLabel {
        item: usize,
        label: String,
        /// Whether an item that comes later has it.
        comes_later: bool,
        /// One before it with a similar name.
        similar: Option<String>,
        /// The last labels before it, at most [`MOST_KNOWN_LABELS`].
        known: Vec<String>,
    },
    /// Two items have the same label, or one is called `'input`.
    DuplicateLabel {
        /// The second item.
        item: usize,
        label: String,
    },
    /// Nobody reads a label.
    UnusedLabel {
        /// The item that has it.
        item: usize,
        label: String,
    },
    /// A map that is added, or concatenated, has another shape.
    ShapesDiffer {
        item: usize,
        label: String,
        /// The labelled map.
        given: Shape,
        /// The shape that it must have; of a concatenation, but for its channels.
        needed: Shape,
        /// Whether channels may differ.
        concatenates: bool,
        /// What makes the map that it is held against; `None` of the input.
        own: Option<OwnMap>,
    },
    /// Maps that are concatenated are signed and unsigned.
    SignsDiffer {
        item: usize,
        label: String,
        /// Whether the running map is signed.
        running_is_signed: bool,
    },
    /// Nobody reads what an item makes, or goes on from: the list goes on from
    /// another map, or ends.
    UnreadBranch {
        /// The item whose map nothing reads.
        item: usize,
    },
    /// An `A` averages the bytes of the raw input, and others read it too.
    AveragesSharedInput { item: usize },
    /// A layer reads wide values, as `G` makes them, and can't.
    ReadsWide {
        item: usize,
        /// The label of the map, where it is not the running one.
        label: Option<String>,
    },
    /// A recurrent layer would make the state of each step, and several steps read the same
    /// pixels.
    SequenceOfChannels {
        item: usize,
        /// Channels that it reads.
        channels: u32,
    },
    /// A layer that gives scores of classes is not the last one.
    ReadsScores {
        /// The item that reads them.
        item: usize,
    },
    /// No layer computes anything.
    NothingToCompute,
}

/// What makes the map that a labelled one is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnMap {
    /// Its item: the one that adds, or that makes the running map.
    pub item: usize,
    /// What that item reads.
    pub input: Shape,
}

impl GraphError {
    /// The item that it is about.
    pub const fn item(&self) -> Option<usize> {
        match self {
            GraphError::KernelLargerThanMap { item, .. }
            | GraphError::PaddingOfKernel { item, .. }
            | GraphError::TooManyChannels { item, .. }
            | GraphError::UnknownLabel { item, .. }
            | GraphError::DuplicateLabel { item, .. }
            | GraphError::UnusedLabel { item, .. }
            | GraphError::ShapesDiffer { item, .. }
            | GraphError::SignsDiffer { item, .. }
            | GraphError::UnreadBranch { item }
            | GraphError::ReadsWide { item, .. }
            | GraphError::SequenceOfChannels { item, .. }
            | GraphError::ReadsScores { item }
            | GraphError::AveragesSharedInput { item } => Some(*item),
            GraphError::TooManyPixels { item, .. } => *item,
            GraphError::NothingToCompute => None,
        }
    }
}
