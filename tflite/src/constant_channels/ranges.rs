//! What values each channel of a tensor can have, whatever the input.

use crate::element::Element;
use crate::graph::{Graph, Node};
use crate::operators::{Axis, Convolution, Dense, Depthwise, Operator, Requantise, Window};

/// The least and the most of a channel's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChannelRange {
    pub(super) least: i8,
    pub(super) most: i8,
}

impl ChannelRange {
    const ALL: Self = Self {
        least: i8::MIN,
        most: i8::MAX,
    };

    pub(super) fn constant(self) -> Option<i8> {
        (self.least == self.most).then_some(self.least)
    }

    /// Of a function that never falls.
    fn map(self, function: impl Fn(i8) -> i8) -> Self {
        Self {
            least: function(self.least),
            most: function(self.most),
        }
    }
}

/// The ranges of a tensor whose value number `i` is of channel `i % ranges.len()`.
pub(super) type Ranges = Vec<ChannelRange>;

/// The ranges of every tensor that is made of int8 channels, by its number.
pub(super) fn of(graph: &Graph) -> Vec<Option<Ranges>> {
    let mut all: Vec<Option<Ranges>> = vec![None; graph.tensors.len()];
    for (tensor, ranges) in graph.tensors.iter().zip(&mut all) {
        if tensor.element == Element::Int8 && tensor.constant.is_none() {
            let channels = tensor.shape.last().copied().unwrap_or(1);
            *ranges = Some(vec![ChannelRange::ALL; channels]);
        }
    }
    for node in &graph.nodes {
        if let Node::Compute {
            operator,
            reads,
            writes,
            ..
        } = node
        {
            let inputs: Option<Vec<&Ranges>> =
                reads.iter().map(|read| all[read.0].as_ref()).collect();
            let made = inputs.and_then(|inputs| made(operator, &inputs));
            if made.is_some() {
                all[writes.0] = made;
            }
        }
    }
    all
}

/// `None` where nothing is known.
fn made(operator: &Operator, inputs: &[&Ranges]) -> Option<Ranges> {
    let input = *inputs.first()?;
    match operator {
        Operator::Convolution(it) if it.groups == 1 && it.inputs == input.len() => {
            Some(convolution(it, input))
        }
        Operator::Depthwise(it) if it.inputs == input.len() => Some(depthwise(it, input)),
        Operator::Dense(it) if it.inputs.is_multiple_of(input.len()) => Some(dense(it, input)),
        Operator::Pool(it) if it.channels == input.len() => {
            let clamped = |value: i8| it.range.clamp(value.into());
            Some(input.iter().map(|range| range.map(clamped)).collect())
        }
        Operator::Mean(it)
            if it.is_summed.last() == Some(&false) && it.shape.last() == Some(&input.len()) =>
        {
            let sum = |value: i8| (it.count as i32).wrapping_mul(value.into());
            let above = |value: i8| sum(value).checked_sub(it.zero_of_sum());
            let of_range = |range: &ChannelRange| {
                let ends = above(range.least).zip(above(range.most));
                match ends.is_some_and(|(least, most)| it.rescale.never_falls(least, most)) {
                    true => range.map(|value| it.of_sum(sum(value))),
                    false => ChannelRange::ALL,
                }
            };
            Some(input.iter().map(of_range).collect())
        }
        Operator::View => Some(input.clone()),
        Operator::Convolution(_)
        | Operator::Depthwise(_)
        | Operator::Dense(_)
        | Operator::Pool(_)
        | Operator::Mean(_)
        | Operator::Addition(_)
        | Operator::Multiplication(_)
        | Operator::Softmax(_)
        | Operator::ByteMap(_)
        | Operator::Quantise(_)
        | Operator::Dequantise(_)
        | Operator::Concatenation(_)
        | Operator::Move(_) => None,
    }
}

/// Whether some field reaches beyond the map.
pub(super) fn is_padded(window: &Window) -> bool {
    [window.rows, window.columns].iter().any(|axis: &Axis| {
        let reach = (axis.kernel - 1) * axis.dilation + 1;
        axis.before > 0 || (axis.output - 1) * axis.stride + reach > axis.input + axis.before
    })
}

/// The least and the most of a sum.
#[derive(Clone, Copy, Default)]
struct Sum {
    least: i64,
    most: i64,
}

impl Sum {
    /// Adds `weight · (value − zero point)`.
    fn add(&mut self, weight: i32, range: ChannelRange, zero_point: i32) {
        let product = |value: i8| i64::from(weight) * i64::from(i32::from(value) - zero_point);
        let (a, b) = (product(range.least), product(range.most));
        self.least += a.min(b);
        self.most += a.max(b);
    }

    /// Adds what a tap gives, which is 0 where it may be outside of the map.
    fn add_tap(&mut self, tap: Self, may_be_outside: bool) {
        let (zero_least, zero_most) = match may_be_outside {
            true => (tap.least.min(0), tap.most.max(0)),
            false => (tap.least, tap.most),
        };
        self.least += zero_least;
        self.most += zero_most;
    }

    /// What becomes of it, as that output.
    fn range(self, bias: i32, requantise: &Requantise, output: usize) -> ChannelRange {
        let total = |sum: i64| i32::try_from(sum + i64::from(bias)).ok();
        let ends = total(self.least).zip(total(self.most));
        match ends.and_then(|(least, most)| requantise.ends(output, least, most)) {
            Some((least, most)) => ChannelRange { least, most },
            // Something may wrap.
            None => ChannelRange::ALL,
        }
    }
}

fn convolution(it: &Convolution, input: &Ranges) -> Ranges {
    let padded = is_padded(&it.window);
    let taps = it.window.kernel();
    let of_output = |output: usize| {
        let mut sum = Sum::default();
        for tap in 0..taps {
            let weights = &it.weights[(output * taps + tap) * it.inputs..][..it.inputs];
            let mut of_tap = Sum::default();
            for (&weight, &range) in weights.iter().zip(input) {
                of_tap.add(weight.into(), range, it.input_zero_point);
            }
            sum.add_tap(of_tap, padded);
        }
        sum.range(it.biases[output], &it.requantise, output)
    };
    (0..it.outputs).map(of_output).collect()
}

fn depthwise(it: &Depthwise, input: &Ranges) -> Ranges {
    let padded = is_padded(&it.window);
    let outputs = it.inputs * it.multiplier;
    let of_output = |output: usize| {
        let mut sum = Sum::default();
        for tap in 0..it.window.kernel() {
            let mut of_tap = Sum::default();
            let weight = it.weights[tap * outputs + output];
            let range = input[output / it.multiplier];
            of_tap.add(weight.into(), range, it.input_zero_point);
            sum.add_tap(of_tap, padded);
        }
        sum.range(it.biases[output], &it.requantise, output)
    };
    (0..outputs).map(of_output).collect()
}

fn dense(it: &Dense, input: &Ranges) -> Ranges {
    let of_output = |output: usize| {
        let mut sum = Sum::default();
        let weights = &it.weights[output * it.inputs..][..it.inputs];
        for (&weight, &range) in weights.iter().zip(input.iter().cycle()) {
            let weight = i32::from(weight) - it.weight_zero_point;
            sum.add(weight, range, it.input_zero_point);
        }
        sum.range(it.biases[output], &it.requantise, output)
    };
    (0..it.outputs).map(of_output).collect()
}
