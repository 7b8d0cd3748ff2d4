//! Channels that have the same value for every input: they are left out, and their contribution
//! goes into the biases of what reads them. No output changes.
//!
//! Ranges go from operator to operator: a sum is between those of its least and of its most
//! products, and rescaling never falls.

mod ranges;

use crate::graph::{Graph, Node};
use crate::operators::{Depthwise, Operator, Requantise, WholeSums};
use ranges::{Ranges, is_padded};

/// Tensors whose channels are the same ones: of each, all have it or none.
struct Tied {
    /// Their numbers; the first is made by weighted sums over other channels.
    tensors: Vec<usize>,
    channels: usize,
    /// Whether something reads them that needs every channel.
    is_needed_whole: bool,
}

impl Graph {
    /// The same model without the channels of feature maps that are constant whatever the input.
    #[must_use]
    pub fn without_constant_channels(&self) -> Self {
        let ranges = ranges::of(self);
        let mut graph = self.clone();
        for tied in self.tied_tensors() {
            if let Some(constants) = self.removable(&tied, &ranges) {
                graph.remove(&tied, &constants);
            }
        }
        graph
    }

    /// Every set of tensors that are tied.
    fn tied_tensors(&self) -> Vec<Tied> {
        let mut sets: Vec<Tied> = Vec::new();
        let mut set_of: Vec<Option<usize>> = vec![None; self.tensors.len()];
        for node in &self.nodes {
            let Node::Compute {
                operator,
                reads,
                writes,
                ..
            } = node
            else {
                for set in node.reads().iter().filter_map(|read| set_of[read.0]) {
                    sets[set].is_needed_whole = true;
                }
                continue;
            };
            let of_input = reads.first().and_then(|read| set_of[read.0]);
            let side = self.tensor(*writes).shape.last().copied().unwrap_or(1);
            let role = role(operator, of_input.map(|set| sets[set].channels), side);
            if let Role::Makes { channels, .. } = role {
                set_of[writes.0] = Some(sets.len());
                sets.push(Tied {
                    tensors: vec![writes.0],
                    channels,
                    is_needed_whole: false,
                });
            }
            match (role, of_input) {
                (Role::Keeps, Some(set)) => {
                    set_of[writes.0] = Some(set);
                    sets[set].tensors.push(writes.0);
                }
                (
                    Role::Makes {
                        reads_any: true, ..
                    },
                    _,
                )
                | (Role::Keeps, None) => {}
                (
                    Role::Makes {
                        reads_any: false, ..
                    }
                    | Role::NeedsAll,
                    _,
                ) => {
                    for set in reads.iter().filter_map(|read| set_of[read.0]) {
                        sets[set].is_needed_whole = true;
                    }
                }
            }
        }
        for set in self.outputs.iter().filter_map(|output| set_of[output.0]) {
            sets[set].is_needed_whole = true;
        }
        sets.retain(|set| !set.is_needed_whole);
        sets
    }

    /// By channel: for each of the tensors the value that it always has, where the channel can be
    /// left out. `None` where all stay.
    fn removable(&self, tied: &Tied, ranges: &[Option<Ranges>]) -> Option<Vec<Option<Vec<i8>>>> {
        let constant = |channel: usize| -> Option<Vec<i8>> {
            let of_tensor = |&tensor: &usize| ranges[tensor].as_ref()?.get(channel)?.constant();
            let values: Vec<i8> = tied.tensors.iter().map(of_tensor).collect::<Option<_>>()?;
            self.border_is_the_same(tied, &values).then_some(values)
        };
        let mut constants: Vec<Option<Vec<i8>>> = (0..tied.channels).map(constant).collect();
        if constants.iter().all(Option::is_some) {
            // A map of no channels is none.
            constants[0] = None;
        }
        constants.iter().any(Option::is_some).then_some(constants)
    }

    /// Whether padded kernels that read a channel of those values have the same sums at the border
    /// as elsewhere: outside of the map, values stand for 0.
    fn border_is_the_same(&self, tied: &Tied, values: &[i8]) -> bool {
        self.nodes.iter().all(|node| {
            let Node::Compute {
                operator, reads, ..
            } = node
            else {
                return true;
            };
            let read = reads.first().map(|read| read.0);
            let index = tied.tensors.iter().position(|&tensor| Some(tensor) == read);
            let Some(index) = index else { return true };
            let Some((window, zero_point)) = operator.kernel_window() else {
                return true;
            };
            !is_padded(window) || i32::from(values[index]) == zero_point
        })
    }

    /// Leaves those channels out.
    fn remove(&mut self, tied: &Tied, constants: &[Option<Vec<i8>>]) {
        let keeps: Vec<bool> = constants.iter().map(Option::is_none).collect();
        let kept = keeps.iter().filter(|&&keep| keep).count();
        for &tensor in &tied.tensors {
            if let Some(last) = self.tensors[tensor].shape.last_mut() {
                *last = *last / tied.channels * kept;
            }
        }
        for node in &mut self.nodes {
            let Node::Compute {
                operator,
                reads,
                writes,
                ..
            } = node
            else {
                continue;
            };
            let place = |tensor: usize| tied.tensors.iter().position(|&other| other == tensor);
            let (read, written) = (
                reads.first().and_then(|read| place(read.0)),
                place(writes.0),
            );
            match (read, written) {
                (None, None) => {}
                (None, Some(_)) => {
                    let sums = operator.whole_sums();
                    keep_outputs(sums.expect("sums make the first of tied tensors"), &keeps);
                }
                (Some(read), None) => {
                    let values = constants.iter().map(|it| it.as_ref().map(|of| of[read]));
                    let values: Vec<Option<i8>> = values.collect();
                    let sums = operator.whole_sums();
                    fold_inputs(sums.expect("only sums read some of the channels"), &values);
                }
                (Some(_), Some(_)) => keep_channels(operator, &keeps),
            }
        }
    }
}

/// What an operator does with channels.
#[derive(Clone, Copy)]
enum Role {
    /// It makes others, and reads any, or needs those that it reads as they are.
    Makes { channels: usize, reads_any: bool },
    /// It makes one of each.
    Keeps,
    /// It makes no channels that could be left out, and needs those that it reads.
    NeedsAll,
}

/// `channels`: those of what it reads, where these could be left out; `side`: the last one of what
/// it makes.
fn role(operator: &Operator, channels: Option<usize>, side: usize) -> Role {
    let reads = |inputs: usize| channels.is_none_or(|channels| channels == inputs);
    match operator {
        Operator::Convolution(it) if it.groups == 1 => Role::Makes {
            channels: it.outputs,
            reads_any: reads(it.inputs),
        },
        Operator::Dense(it) if it.rows == 1 => Role::Makes {
            channels: it.outputs,
            reads_any: channels.is_none_or(|channels| it.inputs.is_multiple_of(channels)),
        },
        Operator::Depthwise(it) if it.multiplier == 1 && reads(it.inputs) => Role::Keeps,
        Operator::Pool(it) if reads(it.channels) => Role::Keeps,
        Operator::Mean(it)
            if it.is_summed.last() == Some(&false)
                && it.shape.last().is_some_and(|&last| reads(last)) =>
        {
            Role::Keeps
        }
        Operator::View if channels.is_none_or(|channels| side.is_multiple_of(channels)) => {
            Role::Keeps
        }
        Operator::Convolution(_)
        | Operator::Dense(_)
        | Operator::Depthwise(_)
        | Operator::Pool(_)
        | Operator::Mean(_)
        | Operator::View
        | Operator::Addition(_)
        | Operator::Multiplication(_)
        | Operator::Softmax(_)
        | Operator::ByteMap(_)
        | Operator::Quantise(_)
        | Operator::Dequantise(_)
        | Operator::Concatenation(_)
        | Operator::Move(_) => Role::NeedsAll,
    }
}

/// Of items, those that are kept; `keeps` goes on from its beginning.
fn kept<T: Copy>(items: &[T], keeps: &[bool]) -> Vec<T> {
    let pairs = items.iter().zip(keeps.iter().cycle());
    pairs
        .filter(|(_, keep)| **keep)
        .map(|(&item, _)| item)
        .collect()
}

fn keep_rescales(requantise: &mut Requantise, keeps: &[bool]) {
    if requantise.rescales.len() > 1 {
        requantise.rescales = kept(&requantise.rescales, keeps);
    }
}

/// Leaves outputs of weighted sums out.
fn keep_outputs(sums: WholeSums<'_>, keeps: &[bool]) {
    let row = sums.weights.len() / keeps.len();
    let rows = sums.weights.chunks_exact(row).zip(keeps);
    let rows = rows.filter(|(_, keep)| **keep);
    *sums.weights = rows.flat_map(|(row, _)| row.iter().copied()).collect();
    *sums.biases = kept(sums.biases, keeps);
    keep_rescales(sums.requantise, keeps);
    *sums.outputs = sums.biases.len();
}

/// Leaves channels of an operator out that makes one of each.
fn keep_channels(operator: &mut Operator, keeps: &[bool]) {
    let count = keeps.iter().filter(|&&keep| keep).count();
    match operator {
        Operator::Depthwise(Depthwise {
            inputs,
            weights,
            biases,
            requantise,
            ..
        }) => {
            *weights = kept(weights, keeps);
            *biases = kept(biases, keeps);
            keep_rescales(requantise, keeps);
            *inputs = count;
        }
        Operator::Pool(it) => it.channels = count,
        Operator::Mean(it) => {
            if let Some(last) = it.shape.last_mut() {
                *last = count;
            }
        }
        Operator::View => {}
        Operator::Convolution(_)
        | Operator::Dense(_)
        | Operator::Addition(_)
        | Operator::Multiplication(_)
        | Operator::Softmax(_)
        | Operator::ByteMap(_)
        | Operator::Quantise(_)
        | Operator::Dequantise(_)
        | Operator::Concatenation(_)
        | Operator::Move(_) => unreachable!("these tie no tensors"),
    }
}

/// Leaves inputs of weighted sums out, whose contribution goes into the biases; `values` are those
/// of the channels that are left out.
fn fold_inputs(sums: WholeSums<'_>, values: &[Option<i8>]) {
    let keeps: Vec<bool> = values.iter().map(Option::is_none).collect();
    let share = |weights: &[i8]| {
        let pairs = weights.iter().zip(values.iter().cycle());
        pairs.fold(0_i32, |sum, (&weight, value)| match value {
            Some(value) => {
                let weight = i32::from(weight) - sums.weight_zero_point;
                sum.wrapping_add(weight.wrapping_mul(i32::from(*value) - sums.input_zero_point))
            }
            None => sum,
        })
    };
    let row = sums.weights.len() / sums.biases.len();
    for (bias, weights) in sums.biases.iter_mut().zip(sums.weights.chunks_exact(row)) {
        *bias = bias.wrapping_add(share(weights));
    }
    *sums.weights = kept(sums.weights, &keeps);
    *sums.inputs = *sums.inputs / keeps.len() * keeps.iter().filter(|&&keep| keep).count();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_kept_over_and_over() {
        assert_eq!(
            kept(&[1, 2, 3, 4, 5, 6], &[true, false, true]),
            [1, 3, 4, 6]
        );
    }
}
