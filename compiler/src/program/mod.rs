//! The program of a network: every order, address, weight and form decided.
//! A backend writes it down and chooses nothing.

mod accumulator;
mod flash;
mod form;
mod lower;
mod packed;
mod parameters;
mod proof;
mod quantised;
mod stage;

pub use accumulator::Accumulator;
pub use flash::parameter_table_bytes;
pub use form::Form;
pub use lower::{lower, lower_runtime, pack_parameters, results_accumulator};
pub(crate) use lower::{results_place, storage_order};
pub use packed::{pack_row, packed_row_bytes, unpack_row};
pub use parameters::{ConstantParameters, RuntimeParameters, SumParameters, parameter_bytes};

pub use proof::{Accumulators, ProgramError, ValueRange, prove};
pub use quantised::{Operand, Pixelwise, PoolFinish, Quantised, QuantisedKernel, RescaledSum};
pub use stage::{Intake, PooledIntake, Segment, Stage};

use crate::network::{ByValue, NodeId, PoolFunction, ReceptiveField, Shape, ValueId};
use crate::plan::{self, Arrival, Order, Place, Placement, Windows, storage_indices};

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
    /// What is computed, in order: first what computes as the input arrives, which
    /// may be nothing.
    pub jobs: Vec<Job>,
    /// Positions that the cursor holds besides its place in the input. Each job that
    /// has some begins with all at 0.
    pub positions: u32,
    /// Bytes of the cursor's place in the input.
    pub cursor_pixel_bytes: u32,
    /// Bytes of the cursor.
    pub cursor_bytes: u32,
    /// Where each value is.
    pub places: ByValue<Place>,
    /// Whether each value is two's complement.
    pub signed: ByValue<bool>,
    /// Every value that is stored whole.
    pub maps: ByValue<Option<Map>>,
    /// What the last node makes.
    pub output: ValueId,
    /// What an inference returns.
    pub results: Results,
}

/// What is computed in one go.
// Of jobs there are few: a box would save nothing.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
pub enum Job {
    /// Nodes pixel by pixel.
    Segment(Segment),
    /// A node from its first output to its last.
    Layer(Step),
}

impl Program {
    /// What computes as the input arrives.
    pub fn arriving(&self) -> &Segment {
        match self.jobs.first() {
            Some(Job::Segment(segment)) if segment.arriving => segment,
            _ => unreachable!("the first job takes the input in"),
        }
    }

    /// The stages that compute as the input arrives.
    pub fn stages(&self) -> &[Stage] {
        &self.arriving().stages
    }

    /// Every segment, the arriving one first.
    pub fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.jobs.iter().filter_map(|job| match job {
            Job::Segment(segment) => Some(segment),
            Job::Layer(_) => None,
        })
    }

    /// What is computed when the input is complete.
    pub fn completed(&self) -> &[Job] {
        &self.jobs[1..]
    }

    /// The nodes that are computed alone.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = &Step> {
        self.jobs.iter().filter_map(|job| match job {
            Job::Layer(step) => Some(step),
            Job::Segment(_) => None,
        })
    }

    /// A value that is stored whole.
    ///
    /// # Panics
    /// Where it is not.
    pub fn map(&self, value: ValueId) -> &Map {
        self.maps[value]
            .as_ref()
            .expect("the plan stores whole what jobs hand to one another")
    }

    /// Bytes of the cursor's row and of its column; see
    /// [`cursor_pixel_bytes`](crate::plan::cursor_pixel_bytes).
    pub fn cursor_axis_bytes(&self) -> (u32, u32) {
        plan::cursor_axis_bytes(self.input, self.arriving().grid)
    }

    /// Where the results are before they are returned; nowhere, where a step puts them
    /// right into the caller's array.
    pub fn place_of_results(&self) -> Place {
        self.places[self.output]
    }

    /// The stage that keeps the results as sums.
    pub fn stage_of_results(&self) -> Option<&Stage> {
        match self.place_of_results() {
            Place::Sums(_) => self.all_stages().find(|stage| stage.writes == self.output),
            Place::Nowhere | Place::Whole(_) | Place::Ring(_) | Place::Windows(_) => None,
        }
    }

    /// The stages of every segment.
    pub fn all_stages(&self) -> impl Iterator<Item = &Stage> {
        self.segments().flat_map(|segment| &segment.stages)
    }

    /// The pooling that takes the pixels of a value in as they are computed.
    ///
    /// # Panics
    /// Where none does.
    pub fn stage_that_takes(&self, value: ValueId) -> &Stage {
        self.all_stages()
            .find(|stage| stage.input == value && stage.plan.arrival == Arrival::Values)
            .expect("a value that is taken in has the stage that takes it")
    }

    /// The windows in which the pixels of a value stay.
    ///
    /// # Panics
    /// Where they are elsewhere.
    pub fn windows_of(&self, value: ValueId) -> Windows {
        match self.places[value] {
            Place::Windows(windows) => windows,
            Place::Nowhere | Place::Whole(_) | Place::Ring(_) | Place::Sums(_) => {
                unreachable!("the plan has said that the pixels stay in their windows")
            }
        }
    }

    /// What is computed with weights, in the order of running.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.jobs.iter().flat_map(Job::operations)
    }

    /// Whether weights are used while the input arrives.
    pub fn stages_read_parameters(&self) -> bool {
        self.jobs[..1].iter().any(Job::reads_parameters)
    }

    /// Whether weights are used when the input is complete.
    pub fn steps_read_parameters(&self) -> bool {
        self.completed().iter().any(Job::reads_parameters)
    }

    fn operations_mut(&mut self) -> impl Iterator<Item = &mut Operation> {
        self.jobs.iter_mut().flat_map(|job| {
            let (stages, step) = match job {
                Job::Segment(segment) => (&mut segment.stages[..], None),
                Job::Layer(step) => (&mut [][..], Some(&mut step.operation)),
            };
            stages
                .iter_mut()
                .map(|stage| &mut stage.operation)
                .chain(step)
        })
    }
}

impl Job {
    /// What it computes with weights, in order.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        let (stages, step) = match self {
            Job::Segment(segment) => (&segment.stages[..], None),
            Job::Layer(step) => (&[][..], Some(&step.operation)),
        };
        stages.iter().map(|stage| &stage.operation).chain(step)
    }

    /// Whether it uses weights.
    pub fn reads_parameters(&self) -> bool {
        self.operations()
            .any(|operation| operation.sums().next().is_some())
    }
}

/// A stored feature map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
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
    /// Of a value that is stored there.
    pub(crate) fn of(placement: &Placement, signed: bool) -> Self {
        let shape = placement.shape;
        let cells: Vec<u32> = storage_indices(shape, placement.storage)
            .into_iter()
            .map(|index| placement.cell(index))
            .collect();
        let affine = (0..)
            .zip(&cells)
            .all(|(pixel, &cell)| cell == placement.first_cell + shape.channels * pixel);
        Self {
            shape,
            signed,
            addressing: if affine {
                Addressing::Affine
            } else {
                Addressing::Table(cells)
            },
            first_cell: placement.first_cell,
            pixels_before_wrap: placement.pixels_before_wrap,
        }
    }

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

/// A node that is computed alone, from maps that are complete.
#[derive(Clone, Debug)]
pub struct Step {
    pub node: NodeId,
    /// The running map that it reads.
    pub input: ValueId,
    /// The maps that it adds or concatenates.
    pub joined: Vec<ValueId>,
    /// What it makes.
    pub writes: ValueId,
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
    /// A weighted sum a channel, over all taps; weights `[tap][channel]`.
    Depthwise(WeightedSum),
    /// A sum a channel over all taps, then weighted sums over the channels.
    Separable {
        /// Over the taps; weights `[tap][channel]`.
        depthwise: WeightedSum,
        /// Over the channels; a single tap.
        pointwise: WeightedSum,
    },
    /// Weighted sums over a whole map in the order it is stored in.
    Dense(WeightedSum),
    /// The average or the maximum of each channel.
    Pool(Pooling),
    /// The channels of several maps, one after the other.
    Concat,
    /// What an operator of an 8-bit model computes.
    Quantised(Quantised),
}

/// What a pixel that is taken in adds to.
#[derive(Clone, Copy, Debug)]
pub enum ByPixel<'a> {
    /// To every sum over the whole map.
    Sums(&'a WeightedSum),
    /// To its window.
    Windows(Pooling),
}

/// What is made of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// The sum of each channel, divided and rounded down.
    Average(Divisor),
    /// The maximum of each channel.
    Maximum,
}

impl Pooling {
    /// What is kept of a window that is not complete.
    pub const fn function(self) -> PoolFunction {
        match self {
            Pooling::Average(_) => PoolFunction::Average,
            Pooling::Maximum => PoolFunction::Maximum,
        }
    }
}

/// What a sum is divided by, rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divisor(pub u32);

impl Divisor {
    /// Bits to shift down by, where that is the same.
    pub fn shift(self) -> Option<u32> {
        self.0.is_power_of_two().then(|| self.0.ilog2())
    }
}

impl Operation {
    /// How it can take the pixels of its input in one by one; `None` where each output
    /// needs its whole field.
    pub fn by_pixel(&self) -> Option<ByPixel<'_>> {
        match self {
            Operation::Dense(sum) => Some(ByPixel::Sums(sum)),
            Operation::Pool(pooling) => Some(ByPixel::Windows(*pooling)),
            Operation::Quantised(it) => match &it.kernel {
                QuantisedKernel::Dense(sum) => Some(ByPixel::Sums(&sum.products)),
                QuantisedKernel::Pool { pooling, .. } => Some(ByPixel::Windows(*pooling)),
                QuantisedKernel::Convolution(_)
                | QuantisedKernel::Depthwise { .. }
                | QuantisedKernel::Pixel
                | QuantisedKernel::Concat(_) => None,
            },
            Operation::Convolution(_)
            | Operation::Depthwise(_)
            | Operation::Separable { .. }
            | Operation::Concat => None,
        }
    }

    /// Whether it is an operator of an 8-bit model.
    pub fn is_quantised(&self) -> bool {
        match self {
            Operation::Quantised(_) => true,
            Operation::Convolution(_)
            | Operation::Depthwise(_)
            | Operation::Separable { .. }
            | Operation::Dense(_)
            | Operation::Pool(_)
            | Operation::Concat => false,
        }
    }

    /// Whether the largest value of a window is an output as it is.
    pub fn keeps_maxima(&self) -> bool {
        match self {
            Operation::Pool(pooling) => *pooling == Pooling::Maximum,
            Operation::Quantised(it) => match &it.kernel {
                QuantisedKernel::Pool { pooling, finish } => {
                    *pooling == Pooling::Maximum && finish.keeps_a_maximum()
                }
                QuantisedKernel::Convolution(_)
                | QuantisedKernel::Depthwise { .. }
                | QuantisedKernel::Dense(_)
                | QuantisedKernel::Pixel
                | QuantisedKernel::Concat(_) => false,
            },
            Operation::Convolution(_)
            | Operation::Depthwise(_)
            | Operation::Separable { .. }
            | Operation::Dense(_)
            | Operation::Concat => false,
        }
    }

    /// The value that taps outside of the map have.
    pub fn value_outside(&self) -> i8 {
        match self {
            Operation::Quantised(it) => it.kernel.value_outside(),
            Operation::Convolution(_)
            | Operation::Depthwise(_)
            | Operation::Separable { .. }
            | Operation::Dense(_)
            | Operation::Pool(_)
            | Operation::Concat => 0,
        }
    }

    /// Whether each output is a sum over a whole map, in the order it is stored in.
    pub fn is_dense(&self) -> bool {
        match self.by_pixel() {
            Some(ByPixel::Sums(_)) => true,
            Some(ByPixel::Windows(_)) | None => false,
        }
    }

    /// What it makes of a window, if it is a pooling.
    pub fn pooling(&self) -> Option<Pooling> {
        match self.by_pixel() {
            Some(ByPixel::Windows(pooling)) => Some(pooling),
            Some(ByPixel::Sums(_)) | None => None,
        }
    }

    /// Its weighted sums, in the order of computing.
    pub fn sums(&self) -> impl Iterator<Item = &WeightedSum> {
        let (first, second) = match self {
            Operation::Convolution(sum) | Operation::Depthwise(sum) | Operation::Dense(sum) => {
                (Some(sum), None)
            }
            Operation::Separable {
                depthwise,
                pointwise,
            } => (Some(depthwise), Some(pointwise)),
            Operation::Pool(_) | Operation::Concat => (None, None),
            Operation::Quantised(it) => (it.kernel.sum().map(|sum| &sum.products), None),
        };
        first.into_iter().chain(second)
    }

    fn sums_mut(&mut self) -> impl Iterator<Item = &mut WeightedSum> {
        let (first, second) = match self {
            Operation::Convolution(sum) | Operation::Depthwise(sum) | Operation::Dense(sum) => {
                (Some(sum), None)
            }
            Operation::Separable {
                depthwise,
                pointwise,
            } => (Some(depthwise), Some(pointwise)),
            // Of these, parameters are always constants.
            Operation::Pool(_) | Operation::Concat | Operation::Quantised(_) => (None, None),
        };
        first.into_iter().chain(second)
    }
}

/// `t = (Σ w·x << left) + bias` for every output, `+ (s << skip)` where a map is
/// added, and what follows it.
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
    /// Whether the joined map's value of the same place is added.
    pub adds: bool,
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
    pub integer: ResultInteger,
    /// A byte of the arena from which on it has room for all of them beside the
    /// map that they are computed from; or where a stage keeps them. `None` where
    /// they take bytes of their own after the arena.
    pub place_byte: Option<u32>,
}

/// The type of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultInteger {
    /// Of a model: a byte, as it is stored.
    Byte,
    /// Of a network: its sums or activations.
    Sum(Accumulator),
}

impl Results {
    /// The integer of a network's results.
    ///
    /// # Panics
    /// Of a model, whose results are bytes.
    pub fn accumulator(&self) -> Accumulator {
        match self.integer {
            ResultInteger::Sum(accumulator) => accumulator,
            ResultInteger::Byte => unreachable!("only models give bytes"),
        }
    }
}

impl ResultInteger {
    /// Bytes of a result.
    pub const fn bytes(self) -> u32 {
        match self {
            Self::Byte => 1,
            Self::Sum(accumulator) => accumulator.bytes(),
        }
    }
}
