//! The parameters of recurrent cells, trees and prototypes, from the tensors of a file.

use super::Weights;
use super::error::WeightsError;
use super::expected::own_tensor_name;
use super::own::{CellParameters, Factors, OwnParameters, PrototypeParameters, TreeParameters};
use super::read::{long_words, words};
use crate::network::{Gate, Kind, Network, Node, Recurrent, TensorRole};

/// The entry of a recurrent cell's `shift` that is no shift of a sum.
pub(super) const FRACTION: &str = "fraction";
/// The least bits of a state's fraction.
const LEAST_FRACTION: u8 = 4;

impl OwnParameters {
    /// What a node has beside the parameters of its sums, of the bytes of its tensors, which have
    /// the lengths that its shape says.
    pub(super) fn read<'a>(node: &Node, data: impl Fn(TensorRole) -> &'a [u8]) -> Self {
        let weights = |role| integers(data(role));
        match node.kind {
            Kind::Recurrent(recurrent) => {
                let cells = recurrent.cells(node.input);
                let of = |cell| CellParameters::read(node, &recurrent, (cell, cells), &data);
                Self::Recurrent((0..cells).map(of).collect())
            }
            Kind::Tree(_) => Self::Tree(TreeParameters {
                score: weights(TensorRole::ScoreWeight),
                gate: weights(TensorRole::GateWeight),
                branch: weights(TensorRole::BranchWeight),
                gate_shift: shifts(node, &data).first().copied().unwrap_or(0),
            }),
            Kind::Prototypes(_) => Self::Prototypes(PrototypeParameters {
                prototype: words(data(TensorRole::Prototype)).collect(),
                label: weights(TensorRole::LabelWeight),
            }),
            Kind::Pool(_)
            | Kind::Convolution(_)
            | Kind::Depthwise(_)
            | Kind::Separable(_)
            | Kind::Dense(_)
            | Kind::Add(_)
            | Kind::Concat(_)
            | Kind::Projection(_)
            | Kind::Dropout(_)
            | Kind::Noise(_) => Self::None,
        }
    }
}

impl CellParameters {
    /// Those of one of the cells, which have the first axis of each tensor where there are more.
    fn read<'a>(
        node: &Node,
        recurrent: &Recurrent,
        (cell, cells): (u32, u32),
        data: &impl Fn(TensorRole) -> &'a [u8],
    ) -> Self {
        let part = |role| {
            let all = data(role);
            let length = all.len() / cells.max(1) as usize;
            &all[cell as usize * length..][..length]
        };
        let shifts = shifts(node, part);
        let shift = |place: usize| shifts.get(place).copied().unwrap_or(0);
        let ([first_input, input], [first_state, state], fraction) = match recurrent.rank {
            None => ([0, 0], [0, 1], 2),
            Some(_) => ([0, 1], [2, 3], 4),
        };
        let factors = |(first, weight), first_shift, last| Factors {
            first: recurrent
                .rank
                .map(|_| (integers(part(first)), shift(first_shift))),
            weight: integers(part(weight)),
            shift: shift(last),
        };
        let mut mix = words(part(TensorRole::Mix));
        let mut next = || mix.next().unwrap_or(0);
        Self {
            input: factors(
                (TensorRole::InputFirstWeight, TensorRole::InputWeight),
                first_input,
                input,
            ),
            input_bias: long_words(part(TensorRole::InputBias)).collect(),
            state: factors(
                (TensorRole::StateFirstWeight, TensorRole::StateWeight),
                first_state,
                state,
            ),
            gate_bias: words(part(TensorRole::GateBias)).collect(),
            update_bias: words(part(TensorRole::UpdateBias)).collect(),
            zeta: next(),
            nu: next(),
            fraction: shift(fraction),
        }
    }

    /// What a state can be after that many steps, on either side of 0. With |c| ≤ 1 and
    /// 0 ≤ z ≤ 1, z·m + zeta·(1 − z) ≤ m for any m ≥ zeta, so that a step adds nu at most, and
    /// half a unit for each of the two times that it rounds. A gate of −1 adds 2·zeta besides.
    pub fn state_bound(&self, gate: Gate, steps: u32) -> i64 {
        state_bound(gate, self.zeta.into(), self.nu.into(), steps)
    }

    /// What states are kept within, on either side of 0: what they can be after that many steps.
    /// Only a network that goes on after its input's end comes there, or one whose gates may be
    /// negative.
    pub fn most_state(&self, gate: Gate, steps: u32) -> i16 {
        self.state_bound(gate, steps).clamp(0, i16::MAX.into()) as i16
    }

    /// The most bits of a fraction, fewer than these, with which states fit 16 bits.
    fn fraction_that_fits(&self, gate: Gate, steps: u32) -> Option<u8> {
        let fits = |&fraction: &u8| {
            let shift = self.fraction - fraction;
            let up = |value: i16| i64::from(value) + (1 << shift) - 1;
            let bound = state_bound(gate, up(self.zeta) >> shift, up(self.nu) >> shift, steps);
            bound <= i16::MAX.into()
        };
        (LEAST_FRACTION..self.fraction).rev().find(fits)
    }
}

fn state_bound(gate: Gate, zeta: i64, nu: i64, steps: u32) -> i64 {
    let steps = i64::from(steps);
    match gate {
        Gate::Hard | Gate::Sigmoid => zeta + steps * (nu + 1),
        Gate::Tanh => steps * (2 * zeta + nu + 1),
    }
}

impl Gate {
    /// The most bits of a state's fraction. A sum of 16 bits with 12 reaches ±8, where both
    /// functions of the table are flat.
    pub const fn most_fraction(self) -> u8 {
        match self {
            Gate::Hard => 14,
            Gate::Sigmoid | Gate::Tanh => 12,
        }
    }

    /// Whether states that would pass 16 bits are the nearest that there is. Gates that may be
    /// negative could let them grow by more than 1 with every step, and few bits of a fraction
    /// would be left, although states seldom do.
    const fn saturates(self) -> bool {
        match self {
            Gate::Hard | Gate::Sigmoid => false,
            Gate::Tanh => true,
        }
    }
}

/// The `shift` tensor of a node.
fn shifts<'a>(node: &Node, data: impl Fn(TensorRole) -> &'a [u8]) -> Vec<u8> {
    let tensors = node.tensors().into_iter();
    let mut roles = tensors.map(|tensor| tensor.role);
    let shift = roles.find(|role| match role {
        TensorRole::Shift(_) => true,
        TensorRole::InputFirstWeight
        | TensorRole::InputWeight
        | TensorRole::InputBias
        | TensorRole::StateFirstWeight
        | TensorRole::StateWeight
        | TensorRole::GateBias
        | TensorRole::UpdateBias
        | TensorRole::Mix
        | TensorRole::ScoreWeight
        | TensorRole::GateWeight
        | TensorRole::BranchWeight
        | TensorRole::Prototype
        | TensorRole::LabelWeight => false,
    });
    shift.map(|role| data(role).to_vec()).unwrap_or_default()
}

/// Integers of 8 bits.
fn integers(data: &[u8]) -> Vec<i8> {
    data.iter().map(|&byte| i8::from_le_bytes([byte])).collect()
}

/// What is wrong with integers that each fit their tensors.
pub(super) fn wrong(network: &Network, weights: &Weights) -> Vec<WeightsError> {
    let mut errors = Vec::new();
    for node in network.nodes() {
        let (Kind::Recurrent(recurrent), OwnParameters::Recurrent(cells)) =
            (node.kind, weights.own(node.id))
        else {
            continue;
        };
        let steps = recurrent.steps(node.input);
        for cell in cells {
            errors.extend(wrong_cell(node, recurrent.gate, cell, steps));
        }
    }
    errors
}

fn wrong_cell(node: &Node, gate: Gate, cell: &CellParameters, steps: u32) -> Vec<WeightsError> {
    let fraction = cell.fraction;
    let most = gate.most_fraction();
    if !(LEAST_FRACTION..=most).contains(&fraction) {
        return vec![WeightsError::Fraction {
            name: format!("{}.shift", node.layer),
            bits: fraction,
            least: LEAST_FRACTION,
            most,
            gate: gate.written(),
        }];
    }
    let name = own_tensor_name(node, TensorRole::Mix);
    let factors = [("zeta", cell.zeta), ("nu", cell.nu)].into_iter();
    let outside = factors.filter(|(_, value)| !(0..=1 << fraction).contains(value));
    let errors: Vec<WeightsError> = outside
        .map(|(factor, value)| WeightsError::Mix {
            name: name.clone(),
            factor,
            value,
            fraction,
        })
        .collect();
    let bound = cell.state_bound(gate, steps);
    if errors.is_empty() && bound > i16::MAX.into() && !gate.saturates() {
        return vec![WeightsError::State {
            name,
            steps,
            bound,
            fraction,
            fits: cell.fraction_that_fits(gate, steps),
        }];
    }
    errors
}
