//! The program of a network: every order, address, weight and form decided.
//! A backend writes it down and chooses nothing.

mod accumulator;
mod byte_scale;
mod endless;
mod expectation;
mod flash;
mod form;
mod lower;
mod operation;
mod own;
mod packed;
mod parameters;
mod pooled;
mod proof;
mod quantised;
mod rearrangement;
mod recurrent;
mod results;
mod scores;
mod stage;
mod tangent;

pub use accumulator::Accumulator;
pub use byte_scale::{ByteScale, ByteScales, ResultPlace};
pub use endless::EndlessRows;
pub use expectation::{Expectation, zeros_of_the_rest};
use flash::own_parameter_bytes;
pub use flash::{fixed_table_bytes, parameter_table_bytes};
pub use form::Form;
pub use lower::{lower, lower_runtime, pack_parameters, results_accumulator};
pub(crate) use lower::{results_place, storage_order};
pub use operation::{ByPixel, Divisor, Finish, Operation, Pooling, WeightedSum};
pub use own::{Matrix, OwnPlace};
pub use packed::{pack_row, packed_row_bytes, unpack_row};
pub use parameters::{ConstantParameters, RuntimeParameters, SumParameters, parameter_bytes};
pub use pooled::PooledConvolution;
pub use proof::{Accumulators, ProgramError, ValueRange, prove};
pub use quantised::{Operand, Pixelwise, PoolFinish, Quantised, QuantisedKernel, RescaledSum};
pub use rearrangement::{AxisPlaces, Block, BlockAxis, BlockSource, Rearrangement};
pub use recurrent::{CellLayout, FactorsLayout, Recurrence};
pub use results::{ResultInteger, Results};
pub use scores::{PrototypeLayout, PrototypeScores, TreeLayout, TreeScores};
pub use stage::{Intake, PooledIntake, Segment, Stage};
pub use tangent::tangents;

use crate::network::{ByNode, ByValue, Element, NodeId, ReceptiveField, Repeat, Shape, ValueId};
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
    /// How the input goes on, if it has no end.
    pub repeat: Option<Repeat>,
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
    /// What each value is made of: of wide ones, a pixel's channels are cells, several of each.
    pub elements: ByValue<Element>,
    /// What each node reads and makes, for expected cycles.
    pub expectations: ByNode<Expectation>,
    /// Every value that is stored whole.
    pub maps: ByValue<Option<Map>>,
    /// Inputs besides the one that arrives, in order: each is stored whole before the first byte
    /// of that.
    pub given: Vec<ValueId>,
    /// What is kept from one inference to the next.
    pub kept: Vec<KeptValue>,
    /// What is returned, or the first of it.
    pub output: ValueId,
    /// What is returned after that, all of it stored whole.
    pub other_outputs: Vec<ValueId>,
    /// What an inference returns.
    pub results: Results,
}

/// A value that is kept from one inference to the next, at a place of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptValue {
    /// The value that an inference begins with.
    pub value: ValueId,
    /// The value that it ends with, at the same place.
    pub last: ValueId,
    /// What the first inference begins with.
    pub initial: Vec<i8>,
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

    /// Cells of a value of that one.
    pub fn cells_of(&self, value: ValueId) -> u32 {
        self.elements[value].cells(self.activation_bits)
    }

    /// Bytes of the cursor's row and of its column; see
    /// [`cursor_pixel_bytes`](crate::plan::cursor_pixel_bytes).
    pub fn cursor_axis_bytes(&self) -> (u32, u32) {
        plan::cursor_axis_bytes(self.input, self.arriving().grid)
    }

    /// What is returned, in that order.
    pub fn outputs(&self) -> impl Iterator<Item = ValueId> {
        [self.output]
            .into_iter()
            .chain(self.other_outputs.iter().copied())
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

    /// Whether a value is read by several nodes, or by one and returned.
    pub fn is_read_twice(&self, value: ValueId) -> bool {
        let steps = self.steps().map(|step| (step.input, &step.joined));
        let stages = self.all_stages();
        let stages = stages.map(|stage| (stage.input, &stage.joined));
        let reads = steps.chain(stages).flat_map(|(input, joined)| {
            let reads = [input].into_iter().chain(joined.iter().copied());
            reads.filter(|&it| it == value)
        });
        let outputs = self.outputs().filter(|&it| it == value);
        reads.chain(outputs).count() > 1
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
        self.operations().any(Operation::has_parameters)
    }
}

/// A stored feature map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    pub shape: Shape,
    /// Whether its values are two's complement.
    pub signed: bool,
    /// What these are: the channels of a wide map are cells, several a value.
    pub element: Element,
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
    pub(crate) fn of(placement: &Placement, signed: bool, element: Element) -> Self {
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
            element,
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

    /// Whether some pixels are past the arena's end, from cell 0 on.
    pub fn wraps(&self) -> bool {
        self.pixels_before_wrap < self.shape.pixels()
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
