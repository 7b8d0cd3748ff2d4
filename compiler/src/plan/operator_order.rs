//! The order in which the operators of a branched graph run with the fewest
//! bytes alive at once.
//!
//! A tensor is alive from the operator that makes it to its last reader; a
//! network's input from the start, an output to the end. While an operator
//! runs, what it reads, what it makes and its scratch are alive together,
//! unless it makes its output over an input that nobody reads after it.
//!
//! What has been computed is a *set* of operators, whichever order led to it,
//! and so are the bytes that are then alive. The search (Liberis & Lane 2019,
//! arXiv 1910.05110, walks the same sets from the other end) is over these
//! sets, of which there are as many as the graph is wide: of a chain of n
//! operators n + 1, of n operators side by side 2ⁿ. Three things keep it small:
//!
//! - An operator that is an ancestor or a descendant of every other one has one
//!   position in every order. The graph is cut there, and the subgraphs are
//!   searched one by one; their sets add up instead of multiplying.
//! - Sets are taken by the least peak that leads to them, bounded from below by
//!   what every order still has to hold. So no set is looked at whose peak
//!   is above the best one (`subgraph.rs`, where the bounds are proven).
//! - A subgraph that takes more than [`MOST_LOOKS`], or [`EXACT_LOOKS`] where it has
//!   no more than [`EXACT_OPERATORS`] operators, is searched by a beam instead, and
//!   [`OperatorOrder::abandoned`] says so.

mod subgraph;
#[cfg(test)]
mod tests;

use subgraph::{LeastPeak, Subgraph};

/// Operators of a subgraph whose search may take [`EXACT_LOOKS`].
pub const EXACT_OPERATORS: usize = 24;

/// Looks at a subgraph of no more than [`EXACT_OPERATORS`] before its exact search is
/// given up. Random graphs of 24 operators take up to 400,000; those of twelve
/// inputs of twelve outputs, the widest ones tried, 3,400,000.
pub const EXACT_LOOKS: usize = 5_000_000;

/// Looks at a larger subgraph, each at what one more operator makes of a set, before
/// its exact search is given up.
pub const MOST_LOOKS: usize = 60_000;

/// Operators of a subgraph beyond which it keeps the order that it is given in.
pub const MOST_OPERATORS: usize = 512;

/// A tensor of the graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tensor {
    /// Bytes that it takes while it is alive.
    pub bytes: u32,
    /// The operator that makes it; `None` is an input of the network.
    pub operator: Option<Operator>,
    /// Whether it stays alive to the end.
    pub is_output: bool,
}

/// What makes a tensor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operator {
    /// Indices of the tensors that it reads, each before its own.
    pub reads: Vec<usize>,
    /// Those of them that its output may overwrite. Where several are dead after
    /// it, the one that saves the most counts.
    pub overwrites: Vec<Overwrite>,
    /// Bytes that are alive beside the tensors while it runs.
    pub scratch_bytes: u32,
}

/// An output in place of an input, where its operator is the last to read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overwrite {
    /// The index of the tensor that is overwritten.
    pub input: usize,
    /// Bytes fewer than both take apart: an output that begins `lead` bytes before
    /// the input needs max(input + lead, output) for both.
    pub saved_bytes: u32,
}

/// An order, and what is known of the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorOrder {
    /// The operators in the order in which they run, as indices of the tensors
    /// that they make.
    pub order: Vec<usize>,
    /// Bytes alive at its worst moment.
    pub peak_bytes: u64,
    /// Bytes that every order has alive at its worst moment.
    pub least_bytes: u64,
    /// Segments of the graph whose exact search was given up.
    pub abandoned: Vec<Abandoned>,
}

impl OperatorOrder {
    /// Whether no order has a lower peak.
    pub fn is_exact(&self) -> bool {
        self.peak_bytes == self.least_bytes
    }
}

/// A part of the graph that is too wide for an exact search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abandoned {
    /// Its operators, as indices of the tensors that they make.
    pub operators: Vec<usize>,
    /// Looks that the exact search took.
    pub looks: usize,
    /// Orders that the beam followed side by side; 0 where there are more than
    /// [`MOST_OPERATORS`] operators, which keep their order.
    pub beam: usize,
}

/// The order with the least peak, of all orders or as far as the search goes.
///
/// Deterministic. The operators are taken to be in an order in which they can
/// run.
///
/// # Panics
///
/// Where an operator reads a tensor that does not come before its own.
pub fn least_peak(tensors: &[Tensor]) -> OperatorOrder {
    search(tensors, EXACT_OPERATORS, MOST_LOOKS)
}

/// Bytes alive at the worst moment of an order, given as indices of the tensors
/// that are made one after the other.
///
/// # Panics
///
/// Where the order does not have every operator once, after those whose tensors
/// it reads.
pub fn peak_bytes(tensors: &[Tensor], order: &[usize]) -> u64 {
    let graph = Graph::new(tensors);
    assert_eq!(graph.operators.len(), order.len(), "every operator once");
    let moments = graph.moments(order);
    let running = moments.iter().map(|moment| moment.running_bytes);
    running.fold(graph.input_bytes(), u64::max)
}

fn search(tensors: &[Tensor], exact_operators: usize, most_looks: usize) -> OperatorOrder {
    let graph = Graph::new(tensors);
    let parts = graph.parts();
    let least = parts.iter().map(Stretch::least_bytes);
    // No part gains from a peak below another part's.
    let mut least_bytes = least.fold(graph.input_bytes(), u64::max);
    let mut bound_bytes = least_bytes;
    let mut order = Vec::new();
    let mut abandoned = Vec::new();
    for part in parts {
        let operators = part.operators();
        let most = if operators.len() <= exact_operators {
            EXACT_LOOKS
        } else {
            most_looks
        };
        let outcome = part.order(bound_bytes, most);
        if outcome.least_bytes > bound_bytes {
            least_bytes = least_bytes.max(outcome.least_bytes);
        }
        bound_bytes = bound_bytes.max(outcome.peak_bytes);
        if let Some((looks, beam)) = outcome.gave_up {
            abandoned.push(Abandoned {
                operators: operators.to_vec(),
                looks,
                beam,
            });
        }
        order.extend(outcome.order.iter().map(|&local| operators[local]));
    }
    OperatorOrder {
        peak_bytes: peak_bytes(tensors, &order),
        order,
        least_bytes,
        abandoned,
    }
}

/// The tensors with who reads whom.
struct Graph<'a> {
    tensors: &'a [Tensor],
    /// Tensors that have an operator, ascending.
    operators: Vec<usize>,
    /// Of each tensor, those that its operator reads, each once.
    reads: Vec<Vec<usize>>,
    /// Of each tensor, those whose operators read it.
    readers: Vec<Vec<usize>>,
}

impl<'a> Graph<'a> {
    fn new(tensors: &'a [Tensor]) -> Self {
        let mut operators = Vec::new();
        let mut reads = vec![Vec::new(); tensors.len()];
        let mut readers = vec![Vec::new(); tensors.len()];
        for (index, tensor) in tensors.iter().enumerate() {
            let Some(operator) = &tensor.operator else {
                continue;
            };
            operators.push(index);
            reads[index] = operator.reads.clone();
            reads[index].sort_unstable();
            reads[index].dedup();
            for &read in &reads[index] {
                assert!(read < index, "tensor {index} reads {read}, a later one");
                readers[read].push(index);
            }
            let read = |overwrite: &Overwrite| operator.reads.contains(&overwrite.input);
            assert!(
                operator.overwrites.iter().all(read),
                "tensor {index} overwrites one that it does not read"
            );
        }
        Self {
            tensors,
            operators,
            reads,
            readers,
        }
    }

    /// What is alive as each operator of an order runs.
    fn moments(&self, order: &[usize]) -> Vec<Moment> {
        let mut waits: Vec<usize> = self.readers.iter().map(Vec::len).collect();
        let stays =
            |tensor: usize, waits: &[usize]| self.tensors[tensor].is_output || waits[tensor] > 0;
        let bytes = |tensor: usize| u64::from(self.tensors[tensor].bytes);
        let inputs = self.tensors.iter();
        let mut made: Vec<bool> = inputs.map(|tensor| tensor.operator.is_none()).collect();
        let inputs = (0..made.len()).filter(|&tensor| made[tensor] && stays(tensor, &waits));
        let mut alive_bytes: u64 = inputs.map(bytes).sum();
        let moments = order.iter().map(|&tensor| {
            let operator = self.tensors[tensor].operator.as_ref();
            let operator = operator.expect("an order has operators alone");
            assert!(!made[tensor], "an operator runs once");
            let mut dead_bytes = 0;
            for &read in &self.reads[tensor] {
                assert!(made[read], "an operator runs after those that it reads");
                waits[read] -= 1;
                if !stays(read, &waits) {
                    dead_bytes += bytes(read);
                }
            }
            let saved = operator.overwrites.iter();
            let saved = saved.filter(|overwrite| !stays(overwrite.input, &waits));
            let saved = saved.map(|overwrite| overwrite.saved_bytes).max();
            let own_bytes = bytes(tensor) + u64::from(operator.scratch_bytes);
            let moment = Moment {
                alive_bytes,
                running_bytes: (alive_bytes + own_bytes)
                    .saturating_sub(u64::from(saved.unwrap_or(0))),
            };
            made[tensor] = true;
            alive_bytes -= dead_bytes;
            if stays(tensor, &waits) {
                alive_bytes += bytes(tensor);
            }
            moment
        });
        moments.collect()
    }

    fn input_bytes(&self) -> u64 {
        let inputs = self.tensors.iter();
        let inputs = inputs.filter(|tensor| tensor.operator.is_none());
        inputs.map(|tensor| u64::from(tensor.bytes)).sum()
    }

    /// The operators, cut before and after each one that has the same position in
    /// every order.
    fn parts(&self) -> Vec<Stretch<'_>> {
        let moments = self.moments(&self.operators);
        let forwards = self.operators.iter();
        let branches = self.alone(forwards, &self.reads, &self.readers);
        let backwards = self.operators.iter().rev();
        let mut rejoins = self.alone(backwards, &self.readers, &self.reads);
        rejoins.reverse();
        let mut parts = Vec::new();
        let mut start = 0;
        for position in 0..=self.operators.len() {
            let fixed = position == self.operators.len() || branches[position] && rejoins[position];
            if fixed && start < position {
                let operators = &self.operators[start..position];
                parts.push(Stretch::new(self, operators, moments[start].alive_bytes));
            }
            if fixed && position < self.operators.len() {
                let operator = &self.operators[position..=position];
                parts.push(Stretch::Fixed(operator, moments[position].running_bytes));
                start = position + 1;
            }
        }
        parts
    }

    /// By position, whether an operator is the only one that can be next when
    /// those before it have run: then every later one is its descendant.
    fn alone<'o>(
        &self,
        operators: impl Iterator<Item = &'o usize> + Clone,
        before: &[Vec<usize>],
        after: &[Vec<usize>],
    ) -> Vec<bool> {
        let is_operator = |index: &&usize| self.tensors[**index].operator.is_some();
        let mut waits: Vec<usize> = (before.iter())
            .map(|before| before.iter().filter(is_operator).count())
            .collect();
        let mut ready = operators
            .clone()
            .filter(|&&index| waits[index] == 0)
            .count();
        let alone = operators.map(|&index| {
            let alone = ready == 1;
            ready -= 1;
            for &next in after[index].iter().filter(is_operator) {
                waits[next] -= 1;
                ready += usize::from(waits[next] == 0);
            }
            alone
        });
        alone.collect()
    }
}

/// Bytes before and while an operator runs.
struct Moment {
    alive_bytes: u64,
    running_bytes: u64,
}

/// A part of the graph that runs after all before it and before all after it.
enum Stretch<'a> {
    /// An operator that has the same position in every order.
    Fixed(&'a [usize], u64),
    /// Operators in an order to be found, by sets as wide as it takes.
    Narrow(&'a [usize], Box<Subgraph<1>>),
    Wide(&'a [usize], Box<Subgraph<{ MOST_OPERATORS / 64 }>>),
    /// Operators in the order that they are given in.
    Kept(&'a [usize]),
}

impl<'a> Stretch<'a> {
    fn new(graph: &Graph<'_>, operators: &'a [usize], start_bytes: u64) -> Self {
        if operators.len() <= 64 {
            let subgraph = Subgraph::new(graph, operators, start_bytes);
            Self::Narrow(operators, Box::new(subgraph))
        } else if operators.len() <= MOST_OPERATORS {
            let subgraph = Subgraph::new(graph, operators, start_bytes);
            Self::Wide(operators, Box::new(subgraph))
        } else {
            Self::Kept(operators)
        }
    }

    fn operators(&self) -> &'a [usize] {
        match *self {
            Self::Fixed(operators, _)
            | Self::Narrow(operators, _)
            | Self::Wide(operators, _)
            | Self::Kept(operators) => operators,
        }
    }

    /// Bytes that every order has alive at some moment of it.
    fn least_bytes(&self) -> u64 {
        match self {
            Self::Fixed(_, running_bytes) => *running_bytes,
            Self::Narrow(_, subgraph) => subgraph.least_bytes(),
            Self::Wide(_, subgraph) => subgraph.least_bytes(),
            Self::Kept(_) => 0,
        }
    }

    fn order(&self, bound_bytes: u64, most_looks: usize) -> LeastPeak {
        let as_given = |operators: &[usize], gave_up| LeastPeak {
            order: (0..operators.len()).collect(),
            peak_bytes: bound_bytes,
            least_bytes: bound_bytes,
            gave_up,
        };
        match self {
            Self::Fixed(operator, _) => as_given(operator, None),
            Self::Narrow(_, subgraph) => subgraph.search(bound_bytes, most_looks),
            Self::Wide(_, subgraph) => subgraph.search(bound_bytes, most_looks),
            Self::Kept(operators) => as_given(operators, Some((0, 0))),
        }
    }
}
