//! From the integers of a node's own parameters to numbers.

use herringbone_compiler::network::TensorRole;
use herringbone_compiler::weights::{Factors, OwnParameters};

use super::{Computes, GATE, NEARNESS, OwnPlace, OwnScales, PROTOTYPES, SCORE_BITS, gate_exponent};

/// The power of two of weights of 8 bits that are about 1.
const EIGHT_BITS: i32 = -7;

impl OwnPlace {
    /// Numbers and scales of parameters of that node, which reads what stands for 2^`input`.
    pub(crate) fn of_integers(
        &self,
        parameters: &OwnParameters,
        input: i32,
    ) -> (Vec<f32>, OwnScales) {
        let mut numbers = vec![0.0; self.len()];
        let mut scales = OwnScales {
            segments: vec![0; self.segments.len()],
            firsts: [0; 2],
            activation: 0,
        };
        let mut put = |role, cell, exponent: i32, integers: &mut dyn Iterator<Item = i32>| {
            let Some((index, segment)) = self.segment(role, cell) else {
                return;
            };
            scales.segments[index] = exponent;
            let step = (exponent as f32).exp2();
            for (number, integer) in numbers[segment.range.clone()].iter_mut().zip(integers) {
                *number = integer as f32 * step;
            }
        };
        match parameters {
            OwnParameters::None => {}
            OwnParameters::Recurrent(cells) => {
                // Cells of another fraction than the first have no such numbers.
                let fraction = -i32::from(cells.first().map_or(12, |cell| cell.fraction));
                let made = fraction + 2;
                for (index, cell) in cells.iter().enumerate() {
                    let mut factors = |factors: &Factors, first, last, read: i32| {
                        let mut read = read;
                        if let Some((weight, shift)) = &factors.first {
                            let exponent = made - read - i32::from(*shift);
                            put(
                                first,
                                index,
                                exponent,
                                &mut weight.iter().map(|&it| it.into()),
                            );
                            read = made;
                        }
                        let exponent = fraction - read - i32::from(factors.shift);
                        let mut weight = factors.weight.iter().map(|&it| it.into());
                        put(last, index, exponent, &mut weight);
                        exponent + read
                    };
                    let sum = factors(
                        &cell.input,
                        TensorRole::InputFirstWeight,
                        TensorRole::InputWeight,
                        input,
                    );
                    factors(
                        &cell.state,
                        TensorRole::StateFirstWeight,
                        TensorRole::StateWeight,
                        fraction,
                    );
                    let mut wide = cell.input_bias.iter().copied();
                    put(TensorRole::InputBias, index, sum, &mut wide);
                    for (role, integers) in [
                        (TensorRole::GateBias, &cell.gate_bias),
                        (TensorRole::UpdateBias, &cell.update_bias),
                        (TensorRole::Mix, &vec![cell.zeta, cell.nu]),
                    ] {
                        put(
                            role,
                            index,
                            fraction,
                            &mut integers.iter().map(|&it| it.into()),
                        );
                    }
                }
                scales.firsts = [made; 2];
                scales.activation = fraction;
            }
            OwnParameters::Tree(tree) => {
                let gate = gate_exponent(match &self.computes {
                    Computes::Tree(place) => place.is_hard,
                    Computes::Recurrence(_) | Computes::Prototypes(_) => false,
                });
                let gate = gate - input - i32::from(tree.gate_shift);
                for (role, exponent, integers) in [
                    (TensorRole::ScoreWeight, EIGHT_BITS, &tree.score),
                    (TensorRole::GateWeight, gate, &tree.gate),
                    (TensorRole::BranchWeight, EIGHT_BITS, &tree.branch),
                ] {
                    put(role, 0, exponent, &mut integers.iter().map(|&it| it.into()));
                }
                scales.activation = EIGHT_BITS + input + SCORE_BITS + GATE;
            }
            OwnParameters::Prototypes(prototypes) => {
                let mut wide = prototypes.prototype.iter().map(|&it| it.into());
                put(TensorRole::Prototype, 0, PROTOTYPES, &mut wide);
                let mut label = prototypes.label.iter().map(|&it| it.into());
                put(TensorRole::LabelWeight, 0, EIGHT_BITS, &mut label);
                scales.activation = EIGHT_BITS + NEARNESS;
            }
        }
        (numbers, scales)
    }
}
