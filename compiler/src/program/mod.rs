//! The program of a network: every order, address, weight and form decided.
//! A backend writes it down and chooses nothing.

mod accumulator;
mod flash;
mod form;
mod lower;
mod packed;
mod parameters;
mod proof;
mod stage;

pub use accumulator::Accumulator;
pub use flash::parameter_table_bytes;
pub use form::Form;
pub(crate) use lower::results_place;
pub use lower::{lower, lower_runtime, pack_parameters, results_accumulator};
pub use packed::{pack_row, packed_row_bytes, unpack_row};
pub use parameters::{ConstantParameters, RuntimeParameters, SumParameters, parameter_bytes};
pub use proof::{Accumulators, ProgramError, prove};
pub use stage::{Intake, PooledIntake, Pooling, Sink, Stage};

use crate::network::{LayerId, Shape};
use crate::plan::{Order, ReceptiveField};

/// A network's whole inference.
#[derive(Clone, Debug)]
pub struct Program {
    /// Bits of an activation, which is a cell of the arena: 4 or 8.
    pub activation_bits: u32,
    /// Bits of a packed weight: 2, 4 or 8.
    pub weight_bits: u32,
    /// The shape of the raw input, a byte a value.
    pub input: Shape,
    /// Bytes of the arena.
    pub arena_bytes: u32,
    /// Bytes of the parameters that are loaded at run time.
    pub parameter_bytes: u32,
    /// How bytes become pixels.
    pub intake: Intake,
    /// What is computed as they arrive.
    pub stages: Vec<Stage>,
    /// Positions that the cursor holds beside its place in the input.
    pub positions: u32,
    /// Bytes of the cursor.
    pub cursor_bytes: u32,
    /// Every map that is stored whole.
    pub maps: Vec<Map>,
    /// What is computed when the input is complete; step `i` reads map `i`.
    pub steps: Vec<Step>,
    /// What an inference returns.
    pub results: Results,
}

impl Program {
    /// What is computed with weights, in the order of the list.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        let stages = self.stages.iter().map(|stage| &stage.operation);
        stages.chain(self.steps.iter().map(|step| &step.operation))
    }

    /// Whether weights are used while the input arrives.
    pub fn stages_read_parameters(&self) -> bool {
        let mut stages = self.stages.iter();
        stages.any(|stage| stage.operation.sums().next().is_some())
    }

    /// Whether weights are used when the input is complete.
    pub fn steps_read_parameters(&self) -> bool {
        let mut steps = self.steps.iter();
        steps.any(|step| step.operation.sums().next().is_some())
    }

    fn operations_mut(&mut self) -> impl Iterator<Item = &mut Operation> {
        let stages = self.stages.iter_mut().map(|stage| &mut stage.operation);
        stages.chain(self.steps.iter_mut().map(|step| &mut step.operation))
    }
}

/// A stored feature map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// Its shape.
    pub shape: Shape,
    /// Whether its values are two's complement.
    pub signed: bool,
    /// How a reader finds a pixel.
    pub addressing: Addressing,
    /// The first cell of the first stored pixel.
    pub first_cell: u32,
    /// Pixels stored before the ring's end; the rest begin at cell 0.
    pub pixels_before_wrap: u32,
}

/// From a pixel to its first cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// Pixel `row × width + column` begins at `first_cell + channels × pixel`.
    Affine,
    /// Pixel `row × width + column` begins at the cell of that entry.
    Table(Vec<u32>),
}

impl Map {
    /// Whether every pixel begins and ends at a byte.
    pub fn is_byte_aligned(&self, activation_bits: u32) -> bool {
        activation_bits == 8
            || self.shape.channels.is_multiple_of(2) && self.first_cell.is_multiple_of(2)
    }

    /// Bytes of its table of addresses: 2 an entry, as long as these suffice.
    pub fn address_table_bytes(&self) -> u64 {
        match &self.addressing {
            Addressing::Affine => 0,
            Addressing::Table(cells) => {
                let wide = cells.iter().any(|&cell| cell > u16::MAX.into());
                cells.len() as u64 * if wide { 4 } else { 2 }
            }
        }
    }

    /// The first cell of the pixel of that storage index.
    pub fn stored_cell(&self, index: u32) -> u32 {
        match index.checked_sub(self.pixels_before_wrap) {
            None => self.first_cell + index * self.shape.channels,
            Some(wrapped) => wrapped * self.shape.channels,
        }
    }

    /// The first cell of the pixel at `(row, column)`.
    pub fn cell(&self, (row, column): (u32, u32)) -> u32 {
        let pixel = row * self.shape.width + column;
        match &self.addressing {
            Addressing::Affine => self.first_cell + self.shape.channels * pixel,
            Addressing::Table(cells) => cells[pixel as usize],
        }
    }
}

/// One layer's computation.
#[derive(Clone, Debug)]
pub struct Step {
    /// The layer.
    pub layer: LayerId,
    /// The order of computing its outputs, and of storing them.
    pub order: Order,
    /// The shape of its outputs.
    pub output: Shape,
    /// What of its input one output pixel reads.
    pub field: ReceptiveField,
    /// Whether its outputs are stored in the next map, or are the results.
    pub stores: bool,
    /// What is done for one output pixel.
    pub operation: Operation,
}

/// What is computed from a receptive field.
#[derive(Clone, Debug)]
pub enum Operation {
    /// Weighted sums over all taps and channels.
    Convolution(WeightedSum),
    /// A sum a channel over all taps, then weighted sums over the channels.
    Separable {
        /// Over the taps; weights `[tap][channel]`.
        depthwise: WeightedSum,
        /// Over the channels; a single tap.
        pointwise: WeightedSum,
    },
    /// Weighted sums over a whole map in the order it is stored in.
    Dense(WeightedSum),
    /// The sum of each channel, shifted down.
    AveragePool {
        /// Bits to shift by: log2 of the window's pixels.
        shift: u32,
    },
    /// The maximum of each channel.
    MaxPool,
}

impl Operation {
    /// Its weighted sums, in the order of computing.
    pub fn sums(&self) -> impl Iterator<Item = &WeightedSum> {
        let (first, second) = match self {
            Operation::Convolution(sum) | Operation::Dense(sum) => (Some(sum), None),
            Operation::Separable {
                depthwise,
                pointwise,
            } => (Some(depthwise), Some(pointwise)),
            Operation::AveragePool { .. } | Operation::MaxPool => (None, None),
        };
        first.into_iter().chain(second)
    }

    fn sums_mut(&mut self) -> impl Iterator<Item = &mut WeightedSum> {
        let (first, second) = match self {
            Operation::Convolution(sum) | Operation::Dense(sum) => (Some(sum), None),
            Operation::Separable {
                depthwise,
                pointwise,
            } => (Some(depthwise), Some(pointwise)),
            Operation::AveragePool { .. } | Operation::MaxPool => (None, None),
        };
        first.into_iter().chain(second)
    }
}

/// `t = (Σ w·x << left) + bias` for every output, and what follows it.
#[derive(Clone, Debug)]
pub struct WeightedSum {
    /// The integer that holds every partial sum.
    pub accumulator: Accumulator,
    /// Values that one tap reads.
    pub inputs: u32,
    /// Sums.
    pub outputs: u32,
    /// Rows of `outputs` weights: one for each value that is read, but one for
    /// each tap of a depthwise kernel.
    pub rows: u32,
    /// The weights, biases and shifts, or where they are.
    pub parameters: SumParameters,
    /// What becomes of `t`.
    pub finish: Finish,
}

/// What becomes of a sum; `right` is among its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// It is a result as it stands.
    Exact,
    /// `min(rhe(max(t, 0) / 2^right), 2^bits − 1)`.
    Relu,
    /// `clamp(rhe(t / 2^right), −2^(bits−1), 2^(bits−1) − 1)`.
    Signed,
}

/// What an inference returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Results {
    /// How many values.
    pub count: u32,
    /// Of which type.
    pub accumulator: Accumulator,
    /// A byte of the arena from which on it has room for all of them beside the
    /// map that they are computed from; or where a stage keeps them. `None` where
    /// they take bytes of their own after the arena.
    pub place_byte: Option<u32>,
}
