//! What a training of a node's own parameters begins with, and what becomes of them when inputs
//! are no longer standardised.

use herringbone_compiler::network::{Gate, TensorRole};
use herringbone_dataset::Rng;

use super::{Computes, OwnPlace, Segment};
use crate::kernels::Recurrence;
use crate::standard::Standard;

/// What a training of a cell begins with: ζ and ν (Kusupati et al. 2018 have the logistic
/// functions of 1 and −4), the bias of gates that are lines and of others, which then keep three
/// quarters of a state, and the deviation of weights, over the root of how many an output has.
const ZETA_AND_NU: [f32; 2] = [0.73, 0.018];
const HARD_GATE_BIAS: f32 = 0.5;
const GATE_BIAS: f32 = 1.0;
const CELL_GAIN: f32 = 0.5;

/// How much a prototype says for its class at first.
const LABEL: f32 = 4.0;

impl OwnPlace {
    /// What a training begins with.
    pub(crate) fn begin(&self, random: &mut Rng) -> Vec<f32> {
        let mut numbers = Vec::with_capacity(self.count());
        for segment in &self.segments {
            let count = segment.range.len();
            let mut normal =
                |deviation: f32| (0..count).map(|_| deviation * random.normal()).collect();
            let values: Vec<f32> = match (segment.role, &self.computes) {
                (TensorRole::Mix, _) => ZETA_AND_NU.to_vec(),
                (TensorRole::GateBias, Computes::Recurrence(recurrence)) => {
                    let bias = match recurrence.functions.gate {
                        Gate::Hard => HARD_GATE_BIAS,
                        Gate::Sigmoid | Gate::Tanh => GATE_BIAS,
                    };
                    vec![bias; count]
                }
                (TensorRole::InputBias | TensorRole::UpdateBias | TensorRole::Shift(_), _) => {
                    vec![0.0; count]
                }
                (
                    TensorRole::InputFirstWeight
                    | TensorRole::InputWeight
                    | TensorRole::StateFirstWeight
                    | TensorRole::StateWeight,
                    Computes::Recurrence(recurrence),
                ) => {
                    let inputs = count / recurrence.rows(segment);
                    normal(CELL_GAIN / (inputs as f32).sqrt())
                }
                (_, Computes::Tree(tree)) => normal((tree.score.inputs as f32).sqrt().recip()),
                (TensorRole::LabelWeight, Computes::Prototypes(place)) => {
                    let classes = place.label.inputs;
                    let of = |at: usize| {
                        let is_own = at / classes % classes == at % classes;
                        if is_own { LABEL } else { 0.0 }
                    };
                    (0..count).map(of).collect()
                }
                (_, _) => normal(1.0),
            };
            numbers.extend(values);
        }
        numbers
    }

    /// Takes up in weights and biases what inputs are standardised by.
    pub(crate) fn fold(&self, standard: &Standard, numbers: &mut [f32]) {
        let cells = match &self.computes {
            Computes::Recurrence(recurrence) => &recurrence.cells,
            Computes::Tree(_) | Computes::Prototypes(_) => return,
        };
        for cell in cells {
            let matrix = cell.input.first.unwrap_or(cell.input.last);
            let mut offsets = vec![0.0; matrix.outputs];
            // The values of every step have the same moments.
            let reads = &cell.reads[..matrix.inputs];
            let rows = numbers[matrix.at..][..matrix.len()].chunks_exact_mut(matrix.inputs);
            for (row, offset) in rows.zip(&mut offsets) {
                for (weight, &at) in row.iter_mut().zip(reads) {
                    *weight *= standard.inverses[at];
                    *offset -= *weight * standard.means[at];
                }
            }
            if cell.input.first.is_some() {
                let last = cell.input.last;
                let rows = last.of(numbers).chunks_exact(last.inputs);
                offsets = rows
                    .map(|row| {
                        row.iter()
                            .zip(&offsets)
                            .map(|(weight, offset)| weight * offset)
                            .sum()
                    })
                    .collect();
            }
            for (bias, offset) in numbers[cell.input_bias..].iter_mut().zip(offsets) {
                *bias += offset;
            }
        }
    }
}

impl Recurrence {
    /// Rows of a segment's matrix.
    fn rows(&self, segment: &Segment) -> usize {
        let cell = &self.cells[segment.cell];
        let products = [&cell.input, &cell.state];
        let matrices = products
            .iter()
            .flat_map(|product| product.first.iter().chain([&product.last]));
        let mut found = matrices.filter(|matrix| matrix.at == segment.range.start);
        found.next().map_or(1, |matrix| matrix.outputs)
    }
}
