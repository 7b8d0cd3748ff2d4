//! The sums of recurrent cells, trees and prototypes, all of which have 32 bits.

use super::{SumTooWide, ValueRange};
use crate::network::{Kind, Node, Tree, TreeGate};
use crate::program::Accumulator;
use crate::weights::{CellParameters, Factors, OwnParameters, TreeParameters};

/// Values of 16 bits.
pub(super) const WIDE: ValueRange = ValueRange {
    low: i16::MIN as i128,
    high: i16::MAX as i128,
};

/// The first sum that could pass 32 bits, of a node that reads values of that range.
pub(super) fn of_node(
    node: &Node,
    own: &OwnParameters,
    values: ValueRange,
) -> Result<(), SumTooWide> {
    match (node.kind, own) {
        (Kind::Recurrent(_), OwnParameters::Recurrent(cells)) => {
            cells.iter().try_for_each(|cell| of_cell(cell, values))
        }
        (Kind::Tree(kind), OwnParameters::Tree(tree)) => {
            let most = |class: usize| {
                let score = TreeScore {
                    tree,
                    kind,
                    class,
                    values: node.input.values() as usize,
                };
                score.most(0)
            };
            (0..kind.classes as usize).try_for_each(|class| {
                let most = most(class);
                let range = ValueRange {
                    low: -most,
                    high: most,
                };
                fits(class, range).map(|_| ())
            })
        }
        // Their number and values are such that no score passes 32 bits.
        (Kind::Prototypes(_), OwnParameters::Prototypes(_)) => Ok(()),
        (_, OwnParameters::None) => Ok(()),
        (_, OwnParameters::Recurrent(_))
        | (_, OwnParameters::Tree(_))
        | (_, OwnParameters::Prototypes(_)) => {
            unreachable!("each kind has parameters of its own")
        }
    }
}

fn fits(output: usize, range: ValueRange) -> Result<ValueRange, SumTooWide> {
    match Accumulator::holding(range) {
        Some(_) => Ok(range),
        None => Err(SumTooWide {
            output,
            range,
            widest: Accumulator::I32,
        }),
    }
}

fn of_cell(cell: &CellParameters, values: ValueRange) -> Result<(), SumTooWide> {
    let units = cell.input_bias.len();
    let inputs = sums(&cell.input, units, values)?;
    let states = sums(&cell.state, units, WIDE)?;
    let one = ValueRange::just(1 << cell.fraction.min(14));
    for (unit, (input, state)) in inputs.into_iter().zip(states).enumerate() {
        let bias = ValueRange::just(cell.input_bias[unit].into());
        let input = fits(unit, input.plus(bias))?;
        let pre = shifted_down(input, cell.input.shift).plus(shifted_down(state, cell.state.shift));
        let pre = fits(unit, pre)?;
        let biases = [cell.gate_bias[unit], cell.update_bias[unit]];
        for bias in biases {
            fits(unit, pre.plus(ValueRange::just(bias.into())).plus(one))?;
        }
    }
    Ok(())
}

/// What each sum of a matrix of that many rows, or of the second of two, can be.
fn sums(factors: &Factors, rows: usize, values: ValueRange) -> Result<Vec<ValueRange>, SumTooWide> {
    let of = |weights: &[i8], rows: usize, values: ValueRange| {
        let columns = (weights.len() / rows.max(1)).max(1);
        let rows = weights.chunks(columns).enumerate();
        rows.map(|(row, weights)| fits(row, values.weighted_sum(weights.iter().copied())))
            .collect::<Result<Vec<_>, _>>()
    };
    let Some((first, _)) = &factors.first else {
        return of(&factors.weight, rows, values);
    };
    of(first, factors.weight.len() / rows.max(1), values)?;
    of(&factors.weight, rows, WIDE)
}

/// Values that are shifted down, halves going up.
fn shifted_down(range: ValueRange, right: u8) -> ValueRange {
    let down = |value: i128| match right {
        0 => value,
        bits => (value + (1 << (bits - 1))) >> bits,
    };
    ValueRange {
        low: down(range.low),
        high: down(range.high),
    }
}

/// The scores of a class from a node on.
struct TreeScore<'a> {
    tree: &'a TreeParameters,
    kind: Tree,
    class: usize,
    /// Wide values of a row.
    values: usize,
}

impl TreeScore<'_> {
    /// The most that the nodes of a path from that one on add, on either side of 0.
    fn most(&self, node: usize) -> i128 {
        let row = node * self.kind.classes as usize + self.class;
        let weights = &self.tree.score[row * self.values..][..self.values];
        let sum = WIDE.weighted_sum(weights.iter().copied());
        let most = shifted_down(sum, 8);
        let gate = match self.kind.gate {
            TreeGate::Tanh => 127,
            TreeGate::Hard => 128,
        };
        let own = gate * most.high.max(-most.low);
        let children = match node < self.kind.inner_nodes() as usize {
            true => self.most(2 * node + 1).max(self.most(2 * node + 2)),
            false => 0,
        };
        own + children
    }
}
