//! The graph: what is computed for each inference, in the order of the file.

use std::collections::BTreeMap;

use crate::element::{Element, Values};
use crate::error::{Place, Problem, Problems};
use crate::file::{Code, File, FileOperator, Subgraph};
use crate::operators::{self, Call, Operator};
use crate::tensor::Tensor;

/// A tensor, by its number in the file's main graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TensorId(pub usize);

/// A variable: what is kept from one inference to the next.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Its values before the first inference.
    pub initial: Values,
}

/// What is done in one step of an inference.
// Of nodes that are no operators there are few: a box would save nothing.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A tensor is computed of others.
    Compute {
        /// The operator's number in the file.
        operator_index: usize,
        /// What is computed.
        operator: Operator,
        /// Of these, in the operator's order; constants among them.
        reads: Vec<TensorId>,
        /// What it makes.
        writes: TensorId,
    },
    /// A tensor is what a variable has kept.
    Load {
        /// The variable's number.
        state: usize,
        /// The tensor.
        writes: TensorId,
    },
    /// A variable keeps a tensor.
    Store {
        /// The variable's number.
        state: usize,
        /// The tensor.
        reads: TensorId,
    },
}

/// A model's main graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// Every tensor of the file, those that nothing uses included.
    pub tensors: Vec<Tensor>,
    /// What is computed, in order: what depends on the input, and leads to an output or to a
    /// variable.
    pub nodes: Vec<Node>,
    /// What an inference takes.
    pub inputs: Vec<TensorId>,
    /// What it gives.
    pub outputs: Vec<TensorId>,
    /// What is kept from one inference to the next.
    pub states: Vec<State>,
}

/// Values of all tensors that an inference makes, at most.
const MOST_VALUES: usize = 1 << 30;

impl Node {
    /// What it computes of.
    pub fn reads(&self) -> &[TensorId] {
        match self {
            Self::Compute { reads, .. } => reads,
            Self::Store { reads, .. } => std::slice::from_ref(reads),
            Self::Load { .. } => &[],
        }
    }

    /// What it makes.
    pub fn writes(&self) -> Option<TensorId> {
        match self {
            Self::Compute { writes, .. } | Self::Load { writes, .. } => Some(*writes),
            Self::Store { .. } => None,
        }
    }
}

impl Graph {
    /// Reads a model.
    ///
    /// # Errors
    /// Where the file is damaged, and, all at once, everything in it that is not understood.
    pub fn read(bytes: &[u8]) -> Result<Self, Problems> {
        let file = File::read(bytes)?;
        Reader::new(&file, bytes.len())?.read()
    }

    /// A tensor.
    pub fn tensor(&self, id: TensorId) -> &Tensor {
        &self.tensors[id.0]
    }

    /// Multiply-accumulates of an inference.
    pub fn multiply_accumulates(&self) -> u64 {
        self.nodes
            .iter()
            .map(|node| match node {
                Node::Compute { operator, .. } => operator.multiply_accumulates(),
                Node::Load { .. } | Node::Store { .. } => 0,
            })
            .sum()
    }
}

/// A graph while it is read.
struct Reader<'f> {
    file: &'f File<'f>,
    graph: &'f Subgraph<'f>,
    tensors: Vec<Tensor>,
    is_made: Vec<bool>,
    nodes: Vec<Node>,
    /// By tensor of type resource: its variable.
    handles: BTreeMap<usize, usize>,
    /// By name, container and own.
    variables: BTreeMap<[Vec<u8>; 2], usize>,
    /// By variable: what it begins with.
    initial: Vec<Option<Values>>,
    /// Values that may still be computed while reading.
    values_to_fold: usize,
    problems: Vec<Problem>,
}

impl<'f> Reader<'f> {
    fn new(file: &'f File<'f>, file_bytes: usize) -> Result<Self, Problems> {
        let graph = &file.subgraphs[0];
        let mut tensors = Vec::with_capacity(graph.tensors.len());
        let mut problems = Vec::new();
        let mut constant_bytes_left = 4 * file_bytes;
        for (index, tensor) in graph.tensors.iter().enumerate() {
            let mut made = Tensor {
                name: tensor.name.clone(),
                shape: tensor.shape.clone(),
                element: tensor.element,
                quantisation: tensor.quantisation.clone(),
                constant: None,
            };
            let wrong = |message: String| Problem {
                place: Place::Tensor {
                    index,
                    name: tensor.name.clone(),
                },
                message,
            };
            if let Some(data) = tensor.data {
                // Tensors may share their data.
                constant_bytes_left = constant_bytes_left
                    .checked_sub(data.len())
                    .ok_or_else(|| wrong("more constants than the file has bytes".to_owned()))?;
                made.constant = Values::of_bytes(tensor.element, made.values(), data);
                if tensor.is_sparse {
                    problems.push(wrong("sparse constants are not understood".to_owned()));
                } else if made.constant.is_none() {
                    problems.push(wrong(format!(
                        "its constant of {} bytes is not {:?} values of {}",
                        data.len(),
                        made.shape,
                        made.element
                    )));
                }
            }
            tensors.push(made);
        }
        let is_made = tensors
            .iter()
            .map(|tensor| tensor.constant.is_some())
            .collect();
        Ok(Self {
            file,
            graph,
            tensors,
            is_made,
            nodes: Vec::new(),
            handles: BTreeMap::new(),
            variables: BTreeMap::new(),
            initial: Vec::new(),
            values_to_fold: 4 * file_bytes + 65_536,
            problems,
        })
    }

    fn read(mut self) -> Result<Graph, Problems> {
        let graph = self.graph;
        for &input in &graph.inputs {
            self.is_made[input] = true;
        }
        for (index, operator) in graph.operators.iter().enumerate() {
            if let Err(message) = self.operator(index, operator) {
                let makes = operator.outputs.first();
                let makes = makes.map_or(String::new(), |&it| self.tensors[it].name.clone());
                self.problems.push(Problem {
                    place: Place::Operator {
                        index,
                        name: operator.code.to_string(),
                        makes,
                    },
                    message,
                });
                // What reads it is not wrong for that.
                for &output in &operator.outputs {
                    self.is_made[output] = true;
                }
            }
        }
        for &output in &graph.outputs {
            if !self.is_made[output] {
                self.problems.push(Problem {
                    place: Place::Tensor {
                        index: output,
                        name: self.tensors[output].name.clone(),
                    },
                    message: "it is an output, and no operator makes it".to_owned(),
                });
            }
        }
        let made = self.nodes.iter().filter_map(Node::writes);
        let values: usize = made.map(|id| self.tensors[id.0].values()).sum();
        if values > MOST_VALUES {
            self.problems.push(Problem {
                place: Place::File,
                message: format!(
                    "an inference makes {values} values: at most {MOST_VALUES} are understood"
                ),
            });
        }
        if !self.problems.is_empty() {
            return Err(Problems::new(self.problems));
        }
        let ids = |indices: &[usize]| indices.iter().copied().map(TensorId).collect();
        let (inputs, outputs) = (ids(&graph.inputs), ids(&graph.outputs));
        // A variable that nothing uses holds nothing.
        let states = self.initial.into_iter();
        let states = states.map(|initial| initial.unwrap_or(Values::Int8(Vec::new())));
        let states = states.map(|initial| State { initial }).collect();
        let mut read = Graph {
            tensors: self.tensors,
            nodes: self.nodes,
            inputs,
            outputs,
            states,
        };
        read.join_slices();
        read.leave_out_what_leads_nowhere();
        Ok(read)
    }

    fn operator(&mut self, index: usize, operator: &FileOperator<'_>) -> Result<(), String> {
        match operator.code {
            Code::CALL_ONCE => return self.call_once(operator),
            Code::VAR_HANDLE => return self.handle(operator),
            Code::SHAPE => return self.shape(operator),
            _ => {}
        }
        for (index, input) in operator.inputs.iter().enumerate() {
            let Some(input) = *input else { continue };
            let names_variable =
                index == 0 && operator.code.is_of_variables() && self.handles.contains_key(&input);
            if !self.is_made[input] && !names_variable {
                return Err(format!(
                    "it reads `{}` before that is made",
                    self.tensors[input].name
                ));
            }
        }
        for &output in &operator.outputs {
            if std::mem::replace(&mut self.is_made[output], true) {
                return Err(format!(
                    "it makes `{}`, which is there already",
                    self.tensors[output].name
                ));
            }
        }
        match operator.code {
            Code::READ_VARIABLE => return self.load(operator),
            Code::ASSIGN_VARIABLE => return self.store(operator),
            _ => {}
        }
        let call = self.call(operator);
        for operators::Read {
            operator,
            reads,
            writes,
        } in operators::read(&call)?
        {
            let constants: Option<Vec<&Values>> = reads
                .iter()
                .map(|read| self.tensors[read.0].constant.as_ref())
                .collect();
            let constant = match constants {
                Some(constants) => {
                    let values = self.tensors[writes.0].values();
                    let left = self.values_to_fold.checked_sub(values);
                    self.values_to_fold =
                        left.ok_or("it makes more constants than the file has")?;
                    Some(operator.compute(&constants))
                }
                None => None,
            };
            match constant {
                Some(constant) => self.tensors[writes.0].constant = Some(constant),
                None => self.nodes.push(Node::Compute {
                    operator_index: index,
                    operator,
                    reads,
                    writes,
                }),
            }
        }
        Ok(())
    }

    fn call<'g>(&'g self, operator: &'g FileOperator<'g>) -> Call<'g> {
        Call {
            code: operator.code,
            options: operator.options,
            inputs: &operator.inputs,
            outputs: &operator.outputs,
            tensors: &self.tensors,
        }
    }

    /// `SHAPE`: shapes are known.
    fn shape(&mut self, operator: &FileOperator<'_>) -> Result<(), String> {
        let ([Some(input)], [output]) = (&operator.inputs[..], &operator.outputs[..]) else {
            return Err("it has no input or no output".to_owned());
        };
        let shape = self.tensors[*input].shape.iter();
        let shape = shape.map(|&side| i32::try_from(side).unwrap_or(i32::MAX));
        let constant = Values::Int32(shape.collect());
        let tensor = &mut self.tensors[*output];
        match tensor.element {
            Element::Int32 | Element::Int64 if tensor.values() == constant.len() => {}
            _ => {
                return Err(format!(
                    "`{}` is {:?} of {}: expected {} integers",
                    tensor.name,
                    tensor.shape,
                    tensor.element,
                    constant.len()
                ));
            }
        }
        tensor.constant = Some(constant);
        self.is_made[*output] = true;
        Ok(())
    }

    fn handle(&mut self, operator: &FileOperator<'_>) -> Result<(), String> {
        let [output] = operator.outputs[..] else {
            return Err("it makes no handle".to_owned());
        };
        let state = self.variable_named(operator.options.texts([0, 1])?);
        self.handles.insert(output, state);
        Ok(())
    }

    /// The variable of that container and name, new or not.
    fn variable_named(&mut self, name: [Vec<u8>; 2]) -> usize {
        let new = self.initial.len();
        let state = *self.variables.entry(name).or_insert(new);
        if state == new {
            self.initial.push(None);
        }
        state
    }

    /// The variable of the first input, and the shape and type that it is used with.
    fn variable(&self, operator: &FileOperator<'_>) -> Result<usize, String> {
        let handle = operator.inputs.first().copied().flatten();
        let state = handle.and_then(|handle| self.handles.get(&handle));
        state
            .copied()
            .ok_or_else(|| "it names no variable".to_owned())
    }

    /// A variable that is used as `tensor` begins with zeros, or with what the file says.
    fn use_variable(&mut self, state: usize, tensor: usize) -> Result<(), String> {
        let tensor = &self.tensors[tensor];
        let zeros = match tensor.element {
            Element::Int8 => Values::Int8(vec![0; tensor.values()]),
            Element::Uint8 => Values::Uint8(vec![0; tensor.values()]),
            Element::Int32 => Values::Int32(vec![0; tensor.values()]),
            Element::Float32 => Values::Float32(vec![0.0; tensor.values()]),
            Element::Int64 | Element::Resource | Element::Other(_) => {
                return Err(format!("`{}` is {}", tensor.name, tensor.element));
            }
        };
        let initial = self.initial[state].get_or_insert(zeros);
        if (initial.element(), initial.len()) != (tensor.element, tensor.values()) {
            return Err(format!(
                "`{}` is {:?} of {}, and its variable has {} values of {}",
                tensor.name,
                tensor.shape,
                tensor.element,
                initial.len(),
                initial.element()
            ));
        }
        Ok(())
    }

    fn load(&mut self, operator: &FileOperator<'_>) -> Result<(), String> {
        let state = self.variable(operator)?;
        let [output] = operator.outputs[..] else {
            return Err("it has no output".to_owned());
        };
        self.use_variable(state, output)?;
        let writes = TensorId(output);
        self.nodes.push(Node::Load { state, writes });
        Ok(())
    }

    fn store(&mut self, operator: &FileOperator<'_>) -> Result<(), String> {
        let state = self.variable(operator)?;
        let Some(&Some(input)) = operator.inputs.get(1) else {
            return Err("it keeps no tensor".to_owned());
        };
        self.use_variable(state, input)?;
        let reads = TensorId(input);
        self.nodes.push(Node::Store { state, reads });
        Ok(())
    }

    /// `CALL_ONCE`: a graph of its own says what variables begin with.
    fn call_once(&mut self, operator: &FileOperator<'_>) -> Result<(), String> {
        let index = operator.options.int(0, 0)?;
        let graph = usize::try_from(index)
            .ok()
            .filter(|&index| index > 0)
            .and_then(|index| self.file.subgraphs.get(index))
            .ok_or_else(|| format!("it calls graph {index}, which there is not"))?;
        let mut handles: BTreeMap<usize, [Vec<u8>; 2]> = BTreeMap::new();
        for operator in &graph.operators {
            match operator.code {
                Code::VAR_HANDLE => {
                    let name = operator.options.texts([0, 1])?;
                    if let Some(&output) = operator.outputs.first() {
                        handles.insert(output, name);
                    }
                }
                Code::ASSIGN_VARIABLE => {
                    let [Some(handle), Some(value)] = operator.inputs[..] else {
                        return Err("the graph that it calls keeps no tensor".to_owned());
                    };
                    let name = handles
                        .get(&handle)
                        .ok_or("the graph that it calls names no variable")?;
                    let tensor = &graph.tensors[value];
                    let values = tensor.shape.iter().product();
                    let initial = tensor
                        .data
                        .and_then(|data| Values::of_bytes(tensor.element, values, data))
                        .ok_or_else(|| {
                            format!(
                                "`{}`, which a variable begins with, is no constant",
                                tensor.name
                            )
                        })?;
                    let state = self.variable_named(name.clone());
                    self.initial[state] = Some(initial);
                }
                code => {
                    return Err(format!(
                        "the graph that it calls has {code}: expected VAR_HANDLE and \
                         ASSIGN_VARIABLE alone"
                    ));
                }
            }
        }
        Ok(())
    }
}
