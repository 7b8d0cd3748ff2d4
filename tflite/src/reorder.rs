//! The same model with its operators in another order, for runtimes that keep tensors whole.

use crate::element::Element;
use crate::error::{Place, Problem, Problems};
use crate::file::File;

/// The operators of a file's main graph, and the tensors that they read and make.
#[derive(Clone, Debug)]
pub struct Reorder {
    /// Bytes of each tensor; 0 of constants, which are not in working memory.
    pub tensor_bytes: Vec<usize>,
    /// In the order of the file.
    pub operators: Vec<ReorderOperator>,
    /// The graph's inputs.
    pub inputs: Vec<usize>,
    /// The graph's outputs.
    pub outputs: Vec<usize>,
    /// The byte of each operator's offset in the file, and what that points to.
    offsets: Vec<(usize, usize)>,
}

/// An operator by the tensors that it reads and makes, constants left out.
#[derive(Clone, Debug)]
pub struct ReorderOperator {
    /// What it reads, each once.
    pub reads: Vec<usize>,
    /// What it makes.
    pub writes: Vec<usize>,
}

impl Reorder {
    /// Reads a file; the operators need not be understood.
    ///
    /// # Errors
    /// Where the file is damaged, where it keeps variables, whose order counts, or where its
    /// operators are in an order in which they can't run.
    pub fn read(bytes: &[u8]) -> Result<Self, Problems> {
        let file = File::read(bytes)?;
        let graph = &file.subgraphs[0];
        for (index, operator) in graph.operators.iter().enumerate() {
            if operator.code.is_of_variables() {
                return Err(Problem {
                    place: Place::Operator {
                        index,
                        name: operator.code.to_string(),
                        makes: String::new(),
                    },
                    message: "the model keeps variables: the order of its operators counts"
                        .to_owned(),
                }
                .into());
            }
        }
        let is_kept = |index: usize| {
            let tensor = &graph.tensors[index];
            tensor.data.is_none() && tensor.element != Element::Resource
        };
        let tensor_bytes = graph.tensors.iter().enumerate().map(|(index, tensor)| {
            let values: usize = tensor.shape.iter().product();
            match is_kept(index) {
                true => values * tensor.element.bytes(),
                false => 0,
            }
        });
        let operators = graph.operators.iter().map(|operator| {
            let mut reads: Vec<usize> = operator.inputs.iter().flatten().copied().collect();
            reads.retain(|&index| is_kept(index));
            reads.sort_unstable();
            reads.dedup();
            ReorderOperator {
                reads,
                writes: operator.outputs.clone(),
            }
        });
        let read = Self {
            tensor_bytes: tensor_bytes.collect(),
            operators: operators.collect(),
            inputs: graph.inputs.clone(),
            outputs: graph.outputs.clone(),
            offsets: graph.operator_offsets.clone(),
        };
        let all: Vec<usize> = (0..read.operators.len()).collect();
        match read.runs(&all) {
            true => Ok(read),
            false => Err(Problem {
                place: Place::File,
                message: "its operators read tensors before these are made, or make one twice"
                    .to_owned(),
            }
            .into()),
        }
    }

    /// Whether that is an order of all operators in which each reads what is there.
    fn runs(&self, order: &[usize]) -> bool {
        let mut is_there = vec![false; self.tensor_bytes.len()];
        for &input in &self.inputs {
            is_there[input] = true;
        }
        let mut is_run = vec![false; self.operators.len()];
        let all = order.iter().all(|&index| {
            let Some(operator) = self.operators.get(index) else {
                return false;
            };
            let reads = operator.reads.iter().all(|&read| is_there[read]);
            let writes = operator
                .writes
                .iter()
                .all(|&write| !std::mem::replace(&mut is_there[write], true));
            reads && writes && !std::mem::replace(&mut is_run[index], true)
        });
        all && is_run.into_iter().all(|is_run| is_run)
    }

    /// Bytes of the tensors that are alive at the worst moment of an order: each from the operator
    /// that makes it to the last that reads it, inputs from the start, outputs to the end.
    ///
    /// # Panics
    /// Where the operators can't run in that order.
    pub fn peak_bytes(&self, order: &[usize]) -> usize {
        assert!(self.runs(order), "each operator once, after what it reads");
        let mut last_use = vec![None; self.tensor_bytes.len()];
        for (time, &index) in order.iter().enumerate() {
            let operator = &self.operators[index];
            for &tensor in operator.reads.iter().chain(&operator.writes) {
                last_use[tensor] = Some(time);
            }
        }
        for &output in &self.outputs {
            last_use[output] = Some(order.len());
        }
        let bytes = |tensors: &[usize]| -> usize {
            tensors
                .iter()
                .map(|&tensor| self.tensor_bytes[tensor])
                .sum()
        };
        let mut alive = bytes(&self.inputs);
        let mut peak = alive;
        for (time, &index) in order.iter().enumerate() {
            let ReorderOperator { reads, writes } = &self.operators[index];
            alive += bytes(writes);
            peak = peak.max(alive);
            let dies = |tensor: &&usize| last_use[**tensor] == Some(time);
            let dead: Vec<usize> = reads.iter().chain(writes).filter(dies).copied().collect();
            alive -= bytes(&dead);
        }
        peak
    }

    /// The same file with its operators in that order; `file` is what was read.
    ///
    /// A file has its operators as a list of offsets: only these change.
    ///
    /// # Panics
    /// Where the operators can't run in that order, or `file` is another one.
    pub fn write(&self, file: &[u8], order: &[usize]) -> Vec<u8> {
        assert!(self.runs(order), "each operator once, after what it reads");
        let mut file = file.to_vec();
        for (&(place, _), &index) in self.offsets.iter().zip(order) {
            let (_, target) = self.offsets[index];
            let offset = u32::try_from(target - place).expect("offsets of the file have 32 bits");
            file[place..place + 4].copy_from_slice(&offset.to_le_bytes());
        }
        file
    }
}
