//! `G(h)`: a FastGRNN cell (Kusupati et al., NeurIPS 2018, "FastGRNN: a fast, accurate,
//! stable and tiny kilobyte sized gated recurrent neural network").

use super::bonsai::write_sparsity;
use super::tensors::{ShiftNames, TensorDtype, TensorRole, TensorShape};
use super::{Activation, AfterSums, MadeChannels, Method, Reads, Rules};
use crate::network::node::Node;
use crate::network::shape::Shape;
use crate::network::sums::SumShape;
use std::fmt;

/// `G(h)`: a gated recurrent cell over the steps of a map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recurrent {
    /// Hidden units of a cell, 1 to 255.
    pub hidden: u32,
    /// Which values of the map a step reads.
    pub feed: Feed,
    /// The ranks of its matrices; `None` where they are whole.
    pub rank: Option<Rank>,
    /// The gate's and the update's functions.
    pub gate: Gate,
    /// Whether it makes the state of each step, or the last one alone.
    pub sequence: Sequence,
    /// The share of its weights that training makes zero, 0 ≤ s < 1.
    pub sparsity: f64,
}

/// Which values of the map a step reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// A row, with all its columns and channels.
    Rows,
    /// A row of one channel: all rows of the first channel, then those of the next one.
    RowMajor,
    /// A row of one channel: the first row of every channel, then the next row.
    ChannelMajor,
    /// A row of one channel, which has a cell of its own; the states are beside one another.
    Multi,
}

/// The ranks of a cell's matrices, each of which is the product of two then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rank {
    /// Of what the input is multiplied by.
    pub input: u32,
    /// Of what the state is multiplied by.
    pub state: u32,
}

/// The functions of a cell's gate z and of its update c.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// `z = clamp((x + 1)/2, 0, 1)`, `c = clamp(x, −1, 1)`: EdgeML's `quantSigm` and `quantTanh`.
    Hard,
    /// `z` is the logistic function, `c` the hyperbolic tangent.
    Sigmoid,
    /// Both are the hyperbolic tangent, so that z may be negative: EdgeML's `tanh` twice.
    Tanh,
}

/// What of its states a cell makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sequence {
    /// The last one: `[1, 1, h]`.
    Last,
    /// That of each step: `[steps, 1, h]`.
    All,
}

impl Feed {
    /// As the declaration writes it.
    pub const fn written(self) -> &'static str {
        match self {
            Feed::Rows => "rows",
            Feed::RowMajor => "row_major",
            Feed::ChannelMajor => "channel_major",
            Feed::Multi => "multi",
        }
    }
}

impl Gate {
    /// As the declaration writes it.
    pub const fn written(self) -> &'static str {
        match self {
            Gate::Hard => "hard",
            Gate::Sigmoid => "sigmoid",
            Gate::Tanh => "tanh",
        }
    }

    /// Whether it is made of a table of the hyperbolic tangent.
    pub const fn has_table(self) -> bool {
        match self {
            Gate::Hard => false,
            Gate::Sigmoid | Gate::Tanh => true,
        }
    }
}

impl Recurrent {
    /// Steps over a map.
    pub const fn steps(&self, input: Shape) -> u32 {
        match self.feed {
            Feed::Rows | Feed::Multi => input.height,
            Feed::RowMajor | Feed::ChannelMajor => input.height.saturating_mul(input.channels),
        }
    }

    /// Values that a cell reads in a step.
    pub const fn step_values(&self, input: Shape) -> u32 {
        match self.feed {
            Feed::Rows => input.width.saturating_mul(input.channels),
            Feed::RowMajor | Feed::ChannelMajor | Feed::Multi => input.width,
        }
    }

    /// Cells, each with parameters of its own.
    pub const fn cells(&self, input: Shape) -> u32 {
        match self.feed {
            Feed::Rows | Feed::RowMajor | Feed::ChannelMajor => 1,
            Feed::Multi => input.channels,
        }
    }

    /// Whether the steps go over the map row by row, so that each row is needed once.
    pub const fn steps_by_row(&self, input: Shape) -> bool {
        match self.feed {
            Feed::Rows | Feed::ChannelMajor | Feed::Multi => true,
            Feed::RowMajor => input.channels == 1,
        }
    }

    /// Whether it makes an output a step, and a step reads a channel alone.
    pub(super) const fn splits_pixels_into_steps(&self) -> bool {
        match (self.sequence, self.feed) {
            (Sequence::All, Feed::RowMajor | Feed::ChannelMajor) => true,
            (Sequence::All, Feed::Rows | Feed::Multi) | (Sequence::Last, _) => false,
        }
    }

    /// The place, in flattening order, of a value that a cell reads in a step.
    pub const fn place(&self, input: Shape, cell: u32, step: u32, value: u32) -> u32 {
        let (row, channel) = match self.feed {
            Feed::Rows => return step * self.step_values(input) + value,
            Feed::RowMajor => (step % input.height, step / input.height),
            Feed::ChannelMajor => (step / input.channels, step % input.channels),
            Feed::Multi => (step, cell),
        };
        (row * input.width + value) * input.channels + channel
    }
}

impl Rules for Recurrent {
    fn method(&self) -> Method {
        Method::Recurrent
    }

    fn reads(&self) -> Reads {
        Reads::WholeMap
    }

    fn channels(&self) -> MadeChannels {
        match self.feed {
            Feed::Rows | Feed::RowMajor | Feed::ChannelMajor => MadeChannels::Chosen(self.hidden),
            Feed::Multi => MadeChannels::OfEachChannel(self.hidden),
        }
    }

    fn steps(&self, input: Shape) -> Option<u32> {
        match self.sequence {
            Sequence::Last => None,
            Sequence::All => Some(self.steps(input)),
        }
    }

    fn after_sums(&self) -> Option<AfterSums> {
        Some(AfterSums {
            activation: Activation::Linear,
            adds: false,
        })
    }

    fn sums(&self, _: &Node) -> Vec<SumShape> {
        Vec::new()
    }

    fn tensors(&self, node: &Node) -> Vec<TensorShape> {
        let (hidden, values) = (self.hidden, self.step_values(node.input));
        let mut tensors = Vec::new();
        let mut add = |role, dtype, shape: &[u32], axes: (&'static str, &'static str)| {
            tensors.push(match self.feed {
                Feed::Rows | Feed::RowMajor | Feed::ChannelMajor => {
                    TensorShape::new(role, dtype, (shape.to_vec(), axes.0))
                }
                Feed::Multi => {
                    let mut of_each = vec![self.cells(node.input)];
                    of_each.extend(shape);
                    TensorShape::new(role, dtype, (of_each, axes.1))
                }
            });
        };
        let weight = TensorDtype::I8;
        match self.rank {
            None => {
                let axes = ("[h, values]", "[channels, h, values]");
                add(TensorRole::InputWeight, weight, &[hidden, values], axes);
            }
            Some(Rank { input, state: _ }) => {
                let axes = ("[rank, values]", "[channels, rank, values]");
                add(TensorRole::InputFirstWeight, weight, &[input, values], axes);
                let axes = ("[h, rank]", "[channels, h, rank]");
                add(TensorRole::InputWeight, weight, &[hidden, input], axes);
            }
        }
        let each = ("[h]", "[channels, h]");
        add(TensorRole::InputBias, TensorDtype::I32, &[hidden], each);
        match self.rank {
            None => {
                let axes = ("[h, h]", "[channels, h, h]");
                add(TensorRole::StateWeight, weight, &[hidden, hidden], axes);
            }
            Some(Rank { input: _, state }) => {
                let axes = ("[rank, h]", "[channels, rank, h]");
                add(TensorRole::StateFirstWeight, weight, &[state, hidden], axes);
                let axes = ("[h, rank]", "[channels, h, rank]");
                add(TensorRole::StateWeight, weight, &[hidden, state], axes);
            }
        }
        add(TensorRole::GateBias, TensorDtype::I16, &[hidden], each);
        add(TensorRole::UpdateBias, TensorDtype::I16, &[hidden], each);
        let axes = ("[zeta, nu]", "[channels, 2 (zeta, nu)]");
        add(TensorRole::Mix, TensorDtype::I16, &[2], axes);
        let (names, axes) = match self.rank {
            None => (
                ShiftNames::Cell,
                (
                    "[input, state, fraction]",
                    "[channels, 3 (input, state, fraction)]",
                ),
            ),
            Some(_) => (
                ShiftNames::FactoredCell,
                (
                    "[first input, input, first state, state, fraction]",
                    "[channels, 5 (first input, input, first state, state, fraction)]",
                ),
            ),
        };
        let count = names.names().len() as u32;
        add(TensorRole::Shift(names), TensorDtype::U8, &[count], axes);
        tensors
    }

    fn own_multiply_accumulates(&self, node: &Node) -> u64 {
        let weights = self.tensors(node).into_iter();
        let weights = weights.filter(|tensor| tensor.role.is_weight());
        let steps = u64::from(self.steps(node.input));
        steps.saturating_mul(weights.map(|tensor| tensor.values()).sum())
    }

    fn sparsity(&self) -> f64 {
        self.sparsity
    }
}

impl fmt::Display for Recurrent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            hidden,
            feed,
            rank,
            gate,
            sequence,
            sparsity,
        } = *self;
        write!(f, "G({hidden}")?;
        if !f.alternate() {
            match feed {
                Feed::Rows => {}
                Feed::RowMajor | Feed::ChannelMajor | Feed::Multi => {
                    write!(f, ", feed: {}", feed.written())?;
                }
            }
            if let Some(Rank { input, state }) = rank {
                write!(f, ", rank: {input}x{state}")?;
            }
            match gate {
                Gate::Hard => {}
                Gate::Sigmoid | Gate::Tanh => write!(f, ", gate: {}", gate.written())?,
            }
            match sequence {
                Sequence::Last => {}
                Sequence::All => f.write_str(", sequence: all")?,
            }
            write_sparsity(f, sparsity)?;
        }
        f.write_str(")")
    }
}
