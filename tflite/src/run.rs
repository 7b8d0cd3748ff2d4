//! An inference on this machine.

use std::fmt;

use crate::element::{Element, Values};
use crate::graph::{Graph, Node};

/// Inputs that a graph does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunError {
    /// Another number of inputs.
    Count {
        /// Those that the graph takes.
        needed: usize,
        /// Those that were given.
        found: usize,
    },
    /// An input of another type or length.
    Input {
        /// Its number.
        index: usize,
        /// The type and the number of values that the graph takes.
        needed: (Element, usize),
        /// Those that were given.
        found: (Element, usize),
    },
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count { needed, found } => {
                write!(f, "expected {needed} inputs, found {found}")
            }
            Self::Input {
                index,
                needed,
                found,
            } => write!(
                f,
                "input {index}: expected {} values of {}, found {} of {}",
                needed.1, needed.0, found.1, found.0
            ),
        }
    }
}

impl std::error::Error for RunError {}

impl Graph {
    /// What variables hold before the first inference.
    pub fn state(&self) -> Vec<Values> {
        let initial = self.states.iter().map(|state| &state.initial);
        initial.cloned().collect()
    }

    /// Computes an inference: the outputs, and what variables then hold.
    ///
    /// # Errors
    /// Where an input has another type or another number of values than the graph takes.
    pub fn run(&self, state: &mut [Values], inputs: &[Values]) -> Result<Vec<Values>, RunError> {
        let mut values = self.inputs_of(inputs)?;
        let mut uses_left = self.uses();
        for node in &self.nodes {
            match node {
                Node::Compute {
                    operator,
                    reads,
                    writes,
                    ..
                } => {
                    let reads = reads.iter().map(|&id| self.value(&values, id.0));
                    let made = operator.compute(&reads.collect::<Vec<_>>());
                    values[writes.0] = Some(made);
                }
                Node::Load {
                    state: index,
                    writes,
                } => values[writes.0] = Some(state[*index].clone()),
                Node::Store {
                    state: index,
                    reads,
                } => state[*index] = self.value(&values, reads.0).clone(),
            }
            for read in node.reads() {
                uses_left[read.0] -= 1;
                if uses_left[read.0] == 0 {
                    values[read.0] = None;
                }
            }
        }
        let outputs = self.outputs.iter();
        Ok(outputs
            .map(|&id| self.value(&values, id.0).clone())
            .collect())
    }

    fn inputs_of(&self, inputs: &[Values]) -> Result<Vec<Option<Values>>, RunError> {
        if inputs.len() != self.inputs.len() {
            return Err(RunError::Count {
                needed: self.inputs.len(),
                found: inputs.len(),
            });
        }
        let mut values: Vec<Option<Values>> = vec![None; self.tensors.len()];
        for (index, (&id, input)) in self.inputs.iter().zip(inputs).enumerate() {
            let tensor = self.tensor(id);
            let needed = (tensor.element, tensor.values());
            let found = (input.element(), input.len());
            if needed != found {
                return Err(RunError::Input {
                    index,
                    needed,
                    found,
                });
            }
            values[id.0] = Some(input.clone());
        }
        Ok(values)
    }

    /// How often each tensor is read, by its number; outputs once more.
    pub fn uses(&self) -> Vec<usize> {
        let mut uses = vec![0; self.tensors.len()];
        let reads = self.nodes.iter().flat_map(Node::reads);
        for id in reads.chain(&self.outputs) {
            uses[id.0] += 1;
        }
        uses
    }

    fn value<'a>(&'a self, values: &'a [Option<Values>], index: usize) -> &'a Values {
        values[index]
            .as_ref()
            .or(self.tensors[index].constant.as_ref())
            .expect("nodes are in an order in which each is computed of what is there")
    }
}
