//! From a node's own parameters to the integers that it runs with.

use herringbone_compiler::network::{Bits, TensorRole};

use super::{
    Computes, GATE, NEARNESS, OwnPlace, OwnScales, PROTOTYPES, SCORE_BITS, Segment, gate_exponent,
};
use crate::quantise::closest_exponent;

/// Bits that a cell's sums are shifted down by at most.
const MOST_SHIFT: i32 = 24;

impl OwnPlace {
    /// The power of two of what a cell makes: 12 bits of fraction, fewer where many steps need
    /// room for what ν adds in each.
    pub(crate) fn fraction(&self) -> i32 {
        match &self.computes {
            Computes::Recurrence(recurrence) => match recurrence.steps {
                0..=128 => -12,
                129..=512 => -10,
                _ => -8,
            },
            Computes::Tree(_) | Computes::Prototypes(_) => 0,
        }
    }

    /// Scales of these numbers, or those of `former` as far as they fit, of a node that reads
    /// what stands for 2^`input`.
    pub(crate) fn scales(
        &self,
        bits: Bits,
        numbers: &[f32],
        former: Option<&OwnScales>,
        input: i32,
    ) -> OwnScales {
        let closest = |index: usize| match former {
            Some(former) => former.segments[index],
            None => closest_exponent(
                &numbers[self.segments[index].range.clone()],
                bits.weights,
                true,
            ),
        };
        match &self.computes {
            Computes::Recurrence(_) => {
                let fraction = former.map_or(self.fraction(), |former| former.activation);
                // The two factors share what is between them.
                let firsts = former.map_or([fraction + 2; 2], |former| former.firsts);
                let mut segments = vec![fraction; self.segments.len()];
                for (index, segment) in self.segments.iter().enumerate() {
                    let has_first = |role| self.segment(role, segment.cell).is_some();
                    // No product is finer than its sum, so that sums are shifted down.
                    let most = match segment.role {
                        TensorRole::InputFirstWeight => firsts[0] - input,
                        TensorRole::InputWeight if has_first(TensorRole::InputFirstWeight) => {
                            fraction - firsts[0]
                        }
                        TensorRole::InputWeight => fraction - input,
                        TensorRole::StateFirstWeight => firsts[1] - fraction,
                        TensorRole::StateWeight if has_first(TensorRole::StateFirstWeight) => {
                            fraction - firsts[1]
                        }
                        TensorRole::StateWeight => 0,
                        TensorRole::InputBias
                        | TensorRole::GateBias
                        | TensorRole::UpdateBias
                        | TensorRole::Mix
                        | TensorRole::ScoreWeight
                        | TensorRole::GateWeight
                        | TensorRole::BranchWeight
                        | TensorRole::Prototype
                        | TensorRole::LabelWeight
                        | TensorRole::Shift(_) => continue,
                    };
                    segments[index] = closest(index).clamp(most - MOST_SHIFT, most);
                }
                for (index, segment) in self.segments.iter().enumerate() {
                    if segment.role == TensorRole::InputBias {
                        let (weight, _) = self
                            .segment(TensorRole::InputWeight, segment.cell)
                            .expect("a cell has it");
                        let first = self.segment(TensorRole::InputFirstWeight, segment.cell);
                        let read = first.map_or(input, |_| firsts[0]);
                        segments[index] = segments[weight] + read;
                    }
                }
                OwnScales {
                    segments,
                    firsts,
                    activation: fraction,
                }
            }
            Computes::Tree(tree) => {
                let gate = gate_exponent(tree.is_hard);
                let mut score = 0;
                let of = |(index, segment): (usize, &Segment)| match segment.role {
                    TensorRole::GateWeight => closest(index).min(gate - input),
                    TensorRole::ScoreWeight => {
                        score = closest(index);
                        score
                    }
                    _ => closest(index),
                };
                let segments = self.segments.iter().enumerate().map(of).collect();
                OwnScales {
                    segments,
                    firsts: [0; 2],
                    activation: score + input + SCORE_BITS + GATE,
                }
            }
            Computes::Prototypes(_) => {
                let mut label = 0;
                let of = |(index, segment): (usize, &Segment)| match segment.role {
                    TensorRole::LabelWeight => {
                        label = closest(index);
                        label
                    }
                    _ => PROTOTYPES,
                };
                let segments = self.segments.iter().enumerate().map(of).collect();
                OwnScales {
                    segments,
                    firsts: [0; 2],
                    activation: label + NEARNESS,
                }
            }
        }
    }

    /// The integers of each segment, and the shifts of each cell, in the order of the file.
    pub(crate) fn integers(
        &self,
        bits: Bits,
        numbers: &[f32],
        scales: &OwnScales,
        input: i32,
    ) -> (Vec<Vec<i32>>, Vec<Vec<i32>>) {
        let grids = self.grids(bits, scales);
        let segments = self.segments.iter().zip(grids).map(|(segment, grid)| {
            let numbers = numbers[segment.range.clone()].iter();
            numbers
                .map(|&number| (grid.nearest(number) / grid.step) as i32)
                .collect()
        });
        let exponent = |role, cell| {
            self.segment(role, cell)
                .map(|(index, _)| scales.segments[index])
        };
        let shifts = match &self.computes {
            Computes::Recurrence(recurrence) => {
                let of_cell = |cell| {
                    let product = |first, last, read: i32, made: i32| {
                        let last = exponent(last, cell).expect("a cell has it");
                        match exponent(first, cell) {
                            Some(first) => {
                                vec![made - (first + read), scales.activation - (last + made)]
                            }
                            None => vec![scales.activation - (last + read)],
                        }
                    };
                    let mut shifts = product(
                        TensorRole::InputFirstWeight,
                        TensorRole::InputWeight,
                        input,
                        scales.firsts[0],
                    );
                    shifts.extend(product(
                        TensorRole::StateFirstWeight,
                        TensorRole::StateWeight,
                        scales.activation,
                        scales.firsts[1],
                    ));
                    shifts.push(-scales.activation);
                    shifts
                };
                (0..recurrence.cells.len()).map(of_cell).collect()
            }
            Computes::Tree(tree) => {
                let gate = exponent(TensorRole::GateWeight, 0).expect("a tree has it");
                vec![vec![gate_exponent(tree.is_hard) - (gate + input)]]
            }
            Computes::Prototypes(_) => Vec::new(),
        };
        (segments.collect(), shifts)
    }
}
