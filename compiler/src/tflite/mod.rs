//! Models of TensorFlow Lite as networks to be planned.

mod builder;
mod design;
mod file;
mod lower;
mod planned;
mod text;
mod values;
mod view;

pub use design::{ModelDesign, tables_bytes};
pub use file::load;
pub use lower::lower;
pub use planned::{Job, NodeRow, Plan, PlannedModel};
pub use text::text;
pub use view::{ModelAlternative, ModelView, OperatorView};

use crate::network::{MOST_CHANNELS, MOST_PIXELS, Shape};
use crate::plan::{Dataflow, SumBytes};
use builder::{Builder, can_be_followed};
use herringbone_tflite::{Graph, Node, TensorId};
use std::fmt;
use values::ValueMap;

/// A model as a plan sees it.
#[derive(Clone, Debug)]
pub struct Model {
    /// What a plan goes by.
    pub dataflow: Dataflow,
    /// How wide the sums are that are kept.
    pub sum_bytes: SumBytes,
    /// By node: the operator in the file, and what it is called.
    pub nodes: Vec<ModelNode>,
    /// Bytes of the results.
    pub output_bytes: u32,
    /// Bytes of all weights and biases.
    pub constant_bytes: u64,
    /// Multiply-accumulates of an inference.
    pub multiply_accumulates: u64,
}

/// A node of a model: an operator, and those that go over its outputs pixel by pixel at once.
#[derive(Clone, Debug)]
pub struct ModelNode {
    /// The operators, in order.
    pub operators: Vec<ModelOperator>,
    /// What it is called: `CONV_2D 3, ADD`.
    pub name: String,
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
    /// It has other than one input or one output.
    Ends {
        /// Inputs.
        inputs: usize,
        /// Outputs.
        outputs: usize,
    },
    /// It keeps variables from one inference to the next.
    Variables,
    /// Operators that no plan knows, in words.
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
                "the model has {inputs} inputs and {outputs} outputs: one of each can be planned"
            ),
            Self::Variables => {
                f.write_str("the model keeps variables, which no plan has a place for yet")
            }
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
    /// Where it has several inputs or outputs, variables, or operators that move values in ways
    /// that no plan follows.
    pub fn of(graph: &Graph) -> Result<Self, ModelError> {
        let (&[input], &[_]) = (&graph.inputs[..], &graph.outputs[..]) else {
            return Err(ModelError::Ends {
                inputs: graph.inputs.len(),
                outputs: graph.outputs.len(),
            });
        };
        let values = ValueMap::of_input(graph, input);
        let shape = values.input();
        if shape.channels > MOST_CHANNELS || !can_be_followed(shape) {
            return Err(ModelError::Input(shape));
        }
        let mut builder = Builder::new(graph, values);
        for (in_graph, node) in graph.nodes.iter().enumerate() {
            match node {
                Node::Compute {
                    operator_index,
                    operator,
                    reads,
                    writes,
                } => builder.node((*operator_index, in_graph), operator, reads, *writes),
                Node::Load { .. } | Node::Store { .. } => return Err(ModelError::Variables),
            }
        }
        builder.build()
    }
}
