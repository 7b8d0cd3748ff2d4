//! Models of TensorFlow Lite as networks to be planned.

mod builder;
mod design;
pub(crate) mod ends;
mod fields;
mod file;
mod lines;
mod lower;
mod machine;
mod moves;
mod planned;
mod steps;
mod text;
mod values;
mod variables;
mod view;

pub use design::{ModelDesign, tables_bytes};
pub use file::load;
pub use lower::lower;
pub use machine::ModelCode;
pub use planned::{Job, NodeRow, Plan, PlannedModel};
pub use text::text;
pub use view::{ModelAlternative, ModelView, OperatorView};

use crate::network::{MOST_CHANNELS, MOST_PIXELS, Shape, ValueId};
use crate::plan::{Dataflow, SumBytes};
use crate::program::Rearrangement;
use builder::Builder;
use fields::can_be_followed;
use herringbone_tflite::{Graph, TensorId};
use std::fmt;

/// A model as a plan sees it.
#[derive(Clone, Debug)]
pub struct Model {
    /// What a plan goes by.
    pub dataflow: Dataflow,
    /// How wide the sums are that are kept.
    pub sum_bytes: SumBytes,
    /// By node: the operator in the file, and what it is called.
    pub nodes: Vec<ModelNode>,
    /// What it keeps from one inference to the next.
    pub kept: Vec<ModelKept>,
    /// Bytes of the results.
    pub output_bytes: u32,
    /// Bytes of all weights and biases.
    pub constant_bytes: u64,
    /// Multiply-accumulates of an inference.
    pub multiply_accumulates: u64,
}

/// A variable of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelKept {
    /// The value that an inference begins with.
    pub value: ValueId,
    /// The value that it ends with.
    pub last: ValueId,
    /// What the first inference begins with.
    pub initial: Vec<i8>,
}

/// A node of a model: an operator, and those that go over its outputs pixel by pixel at once.
#[derive(Clone, Debug)]
pub struct ModelNode {
    /// The operators, in order; none of a node that only lets others meet, or changes a variable.
    pub operators: Vec<ModelOperator>,
    /// What it does with maps besides the running one.
    pub joins: Joins,
    /// How it moves values, if it does nothing else.
    pub moves: Option<Rearrangement>,
    /// What it is called: `CONV_2D 3, ADD`.
    pub name: String,
}

/// What a node does with the maps that it reads besides the running one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joins {
    /// It adds them.
    Adds,
    /// It subtracts one from another.
    Subtracts,
    /// It multiplies them.
    Multiplies,
    /// It has their values beside others.
    Concatenates,
}

/// An operator of a node.
#[derive(Clone, Debug)]
pub struct ModelOperator {
    /// Its number in the file.
    pub in_file: usize,
    /// Its number among the graph's nodes.
    pub in_graph: usize,
    /// What it reads, in its own order.
    pub reads: Vec<OperatorInput>,
}

/// What an operator of a node reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorInput {
    /// The node's running map, or what its other operators have made of that.
    Running,
    /// Of the other maps that the node reads, the one of that number.
    Joined(usize),
    /// A tensor of the file.
    Constant(TensorId),
}

/// Why a model has no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelError {
    /// It has no input or no output.
    Ends {
        /// Inputs.
        inputs: usize,
        /// Outputs.
        outputs: usize,
    },
    /// What no plan knows, in words.
    Operators(Vec<String>),
    /// Its input is larger than code can count.
    Input(Shape),
    /// It computes nothing.
    Empty,
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ends { inputs, outputs } => write!(
                f,
                "the model has {inputs} inputs and {outputs} outputs: at least one of each is needed"
            ),
            Self::Operators(all) => f.write_str(&all.join("\n       ")),
            Self::Input(shape) => write!(
                f,
                "the model's input is {shape}: rows and columns go up to {LONGEST_SIDE}, channels \
                 up to {MOST_CHANNELS}, and pixels up to {MOST_PIXELS}"
            ),
            Self::Empty => f.write_str("the model computes nothing of its input"),
        }
    }
}

impl std::error::Error for ModelError {}

/// The longest side of an input, and of any map.
const LONGEST_SIDE: u32 = 65_535;

impl Model {
    /// A model as a plan sees it.
    ///
    /// # Errors
    /// Where it has no input or output, real numbers between its operators, or one that no plan
    /// follows.
    pub fn of(graph: &Graph) -> Result<Self, ModelError> {
        if graph.inputs.is_empty() || graph.outputs.is_empty() {
            return Err(ModelError::Ends {
                inputs: graph.inputs.len(),
                outputs: graph.outputs.len(),
            });
        }
        let mut builder = Builder::new(graph);
        let shape = builder.input();
        if shape.channels > MOST_CHANNELS || !can_be_followed(shape) {
            return Err(ModelError::Input(shape));
        }
        builder.read();
        builder.build()
    }
}
