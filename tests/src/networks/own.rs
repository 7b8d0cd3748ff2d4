//! The parameters of recurrent cells, trees and prototypes, and their tensors, named as
//! `docs/architecture.md` names them.

use super::numbers::Fill;
use herringbone_compiler::network::{Bits, Element, Kind, Node, Rank, Recurrent};
use herringbone_compiler::weights::{
    CellParameters, Factors, OwnParameters, PrototypeParameters, TreeParameters,
};
use safetensors::Dtype;

/// What fills the tensors of a node that are not of weighted sums.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnNumbers {
    /// What weights are filled with.
    pub(super) weights: Fill,
    /// What biases and prototypes are filled with.
    pub(super) biases: Fill,
    /// Bits of a state's fraction.
    pub(super) fraction: u8,
    /// Bits by which sums are shifted beyond what makes them about as large as they may be.
    pub(super) right: i32,
}

impl OwnNumbers {
    pub(super) const PLAIN: Self = Self {
        weights: Fill::Random(3),
        biases: Fill::Random(4),
        fraction: 10,
        right: 0,
    };

    fn weights(&self, bits: Bits, salt: u64, count: u32) -> Vec<i8> {
        let half = 1i64 << (bits.weights - 1);
        let values = self.weights.salted(salt).values(-half, half - 1, count);
        values.into_iter().map(|value| value as i8).collect()
    }

    fn shift(&self, about: i32) -> u8 {
        (about + self.right).clamp(0, 31) as u8
    }

    /// The parameters of a node.
    pub(super) fn parameters(&self, node: &Node, bits: Bits) -> OwnParameters {
        let values = node.input.values();
        let weight_log2 = bits.weights as i32 - 2;
        match node.kind {
            Kind::Recurrent(kind) => {
                let cells = 0..kind.cells(node.input);
                let cell = |cell| self.cell(node, &kind, bits, 16 * u64::from(cell));
                OwnParameters::Recurrent(cells.map(cell).collect())
            }
            Kind::Tree(tree) => {
                let scores = tree.nodes() * tree.classes * values;
                OwnParameters::Tree(TreeParameters {
                    score: self.weights(bits, 1, scores),
                    gate: self.weights(bits, 2, scores),
                    branch: self.weights(bits, 3, tree.inner_nodes() * values),
                    gate_shift: self.shift(weight_log2 + 8),
                })
            }
            Kind::Prototypes(kind) => {
                let prototypes = self.biases.values(-200, 200, kind.count * values);
                OwnParameters::Prototypes(PrototypeParameters {
                    prototype: prototypes.into_iter().map(|value| value as i16).collect(),
                    label: self.weights(bits, 1, kind.count * kind.classes),
                })
            }
            Kind::Pool(_)
            | Kind::Convolution(_)
            | Kind::Depthwise(_)
            | Kind::Separable(_)
            | Kind::Dense(_)
            | Kind::Add(_)
            | Kind::Concat(_)
            | Kind::Projection(_)
            | Kind::Dropout(_)
            | Kind::Noise(_) => OwnParameters::None,
        }
    }

    fn cell(&self, node: &Node, kind: &Recurrent, bits: Bits, salt: u64) -> CellParameters {
        let values = kind.step_values(node.input);
        let fraction = self.fraction.min(kind.gate.most_fraction());
        let fraction = i32::from(fraction);
        let weight_log2 = bits.weights as i32 - 2;
        let input_log2 = match node.input_element {
            Element::Activation => bits.activations as i32 - 1,
            Element::Wide => fraction,
        };
        let spread = |count: u32| (count.ilog2() / 2) as i32;
        let factors = |salt, inputs, from, rank: Option<u32>| match rank {
            None => Factors {
                first: None,
                weight: self.weights(bits, salt, kind.hidden * inputs),
                shift: self.shift(weight_log2 + spread(inputs) + from - fraction),
            },
            Some(rank) => Factors {
                first: Some((
                    self.weights(bits, salt, rank * inputs),
                    self.shift(weight_log2 + spread(inputs) + from - fraction),
                )),
                weight: self.weights(bits, salt + 1, kind.hidden * rank),
                shift: self.shift(weight_log2 + spread(rank)),
            },
        };
        let rank = |of: fn(Rank) -> u32| kind.rank.map(of);
        let input = factors(salt, values, input_log2, rank(|rank| rank.input));
        let one = 1i64 << fraction;
        let biases = |salt| -> Vec<i16> {
            let filled = self.biases.salted(salt).values(-one, one, kind.hidden);
            filled.into_iter().map(|value| (value / 2) as i16).collect()
        };
        let shifted = i64::from(input.shift);
        let wide = self.biases.values(-one, one, kind.hidden).into_iter();
        let steps = i64::from(kind.steps(node.input));
        // As large as the states' 16 bits allow.
        let most_nu = (((i64::from(i16::MAX) - one) / steps) - 1).clamp(0, one);
        let mix = |most: i64, salt| self.biases.salted(salt).values(0, most, 1)[0];
        CellParameters {
            input,
            input_bias: wide
                .map(|value| ((value / 4) << shifted.min(8)) as i32)
                .collect(),
            state: factors(salt + 2, kind.hidden, fraction, rank(|rank| rank.state)),
            gate_bias: biases(salt + 5),
            update_bias: biases(salt + 6),
            zeta: mix(one, salt + 7) as i16,
            nu: mix(most_nu, salt + 8) as i16,
            fraction: fraction as u8,
        }
    }
}

/// A tensor: its name after the layer's position, its values along each axis, its bytes.
pub(super) type Tensor = (&'static str, Dtype, Vec<u32>, Vec<u8>);

/// The tensors of a node that are not of weighted sums.
pub(super) fn tensors(node: &Node, parameters: &OwnParameters) -> Vec<Tensor> {
    let small = |values: &[i8]| -> Vec<u8> { values.iter().map(|&value| value as u8).collect() };
    let short = |values: &[i16]| {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    };
    let p = node.input.values();
    match (parameters, node.kind) {
        (OwnParameters::Recurrent(cells), Kind::Recurrent(kind)) => {
            of_cells(cells, &kind, kind.step_values(node.input))
        }
        (OwnParameters::Tree(own), Kind::Tree(tree)) => {
            let scores = vec![tree.nodes(), tree.classes, p];
            let mut tensors = vec![
                ("score.weight", Dtype::I8, scores.clone(), small(&own.score)),
                ("gate.weight", Dtype::I8, scores, small(&own.gate)),
                ("shift", Dtype::U8, vec![1], vec![own.gate_shift]),
            ];
            if tree.depth > 0 {
                let shape = vec![tree.inner_nodes(), p];
                tensors.push(("branch.weight", Dtype::I8, shape, small(&own.branch)));
            }
            tensors
        }
        (OwnParameters::Prototypes(own), Kind::Prototypes(kind)) => vec![
            (
                "prototype",
                Dtype::I16,
                vec![kind.count, p],
                short(&own.prototype),
            ),
            (
                "label.weight",
                Dtype::I8,
                vec![kind.count, kind.classes],
                small(&own.label),
            ),
        ],
        (OwnParameters::None, _) => vec![],
        (own, kind) => unreachable!("{own:?} of {kind}"),
    }
}

/// Where there are several cells, each tensor has them as its first axis.
fn of_cells(cells: &[CellParameters], kind: &Recurrent, values: u32) -> Vec<Tensor> {
    let h = kind.hidden;
    let is_multi = kind.feed == herringbone_compiler::network::Feed::Multi;
    let tensor = |name, dtype, shape: &[u32], bytes: &dyn Fn(&CellParameters) -> Vec<u8>| {
        let mut all = if is_multi {
            vec![cells.len() as u32]
        } else {
            vec![]
        };
        all.extend(shape);
        (name, dtype, all, cells.iter().flat_map(bytes).collect())
    };
    let small = |values: &[i8]| -> Vec<u8> { values.iter().map(|&value| value as u8).collect() };
    let short = |values: &[i16]| -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    };
    let long = |values: &[i32]| -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    };
    let first = |factors: &Factors| factors.first.clone().expect("a rank makes two factors");
    let mut tensors = vec![
        tensor("input.bias", Dtype::I32, &[h], &|cell| {
            long(&cell.input_bias)
        }),
        tensor("gate.bias", Dtype::I16, &[h], &|cell| {
            short(&cell.gate_bias)
        }),
        tensor("update.bias", Dtype::I16, &[h], &|cell| {
            short(&cell.update_bias)
        }),
        tensor("mix", Dtype::I16, &[2], &|cell| {
            short(&[cell.zeta, cell.nu])
        }),
    ];
    let input_weight: &dyn Fn(&CellParameters) -> Vec<u8> = &|cell| small(&cell.input.weight);
    let state_weight: &dyn Fn(&CellParameters) -> Vec<u8> = &|cell| small(&cell.state.weight);
    tensors.extend(match kind.rank {
        None => vec![
            tensor("input.weight", Dtype::I8, &[h, values], input_weight),
            tensor("state.weight", Dtype::I8, &[h, h], state_weight),
            tensor("shift", Dtype::U8, &[3], &|cell| {
                vec![cell.input.shift, cell.state.shift, cell.fraction]
            }),
        ],
        Some(Rank { input, state }) => vec![
            tensor("input.first.weight", Dtype::I8, &[input, values], &|cell| {
                small(&first(&cell.input).0)
            }),
            tensor("input.weight", Dtype::I8, &[h, input], input_weight),
            tensor("state.first.weight", Dtype::I8, &[state, h], &|cell| {
                small(&first(&cell.state).0)
            }),
            tensor("state.weight", Dtype::I8, &[h, state], state_weight),
            tensor("shift", Dtype::U8, &[5], &|cell| {
                vec![
                    first(&cell.input).1,
                    cell.input.shift,
                    first(&cell.state).1,
                    cell.state.shift,
                    cell.fraction,
                ]
            }),
        ],
    });
    tensors
}
