//! Nodes with parameters of their own, beside weighted sums: recurrent cells, trees and
//! prototypes.

use std::ops::Range;
use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use herringbone_compiler::network::{
    Bits, Gate, Kind, Network, Node, NodeId, Prototypes, Recurrent, Sequence, TensorDtype,
    TensorRole, Tree, TreeGate,
};
use herringbone_compiler::weights::{Factors, OwnParameters};
use herringbone_dataset::Rng;
use serde::{Deserialize, Serialize};

use crate::kernels::{
    Cell, CellRounding, Matrix, Product, PrototypesPlace, Recurrence, TreePlace, TreeRounding,
};
use crate::ops::{self, Maps};
use crate::quantise::{Grid, closest_exponent};
use crate::standard::Standard;

/// A node's parameters of its own, all of them one after the other.
#[derive(Module, Debug)]
pub struct Own {
    /// Whose they are.
    #[module(skip)]
    pub place: Arc<OwnPlace>,
    pub numbers: Param<Tensor<1>>,
}

/// A node with parameters of its own.
#[derive(Clone, Debug)]
pub struct OwnPlace {
    pub node: NodeId,
    /// What its parameters are, in their order: that of the weights file's tensors, and of
    /// cells within a tensor.
    pub segments: Vec<Segment>,
    pub(crate) computes: Computes,
}

/// What such a node computes.
#[derive(Clone, Debug)]
pub(crate) enum Computes {
    Recurrence(Recurrence),
    Tree(TreePlace),
    Prototypes(PrototypesPlace),
}

/// A tensor, or a cell's part of one.
#[derive(Clone, Debug)]
pub struct Segment {
    pub role: TensorRole,
    pub dtype: TensorDtype,
    /// Which cell's.
    pub cell: usize,
    /// Where its numbers are.
    pub range: Range<usize>,
    /// How many of its weights training makes 0.
    pub sparsity: f64,
}

/// The powers of two of a node's own parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnScales {
    /// What 1 of each segment stands for, 2 to that power.
    pub segments: Vec<i32>,
    /// Of what the first factors of a recurrent cell make: of the input, of the state.
    pub firsts: [i32; 2],
    /// Of what the node makes.
    pub activation: i32,
}

/// What a node computes with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnArithmetic<'a> {
    /// Its scales, and the power of two of what it reads.
    pub(crate) scales: Option<(&'a OwnScales, i32)>,
    pub(crate) share: f32,
    /// How sharply a tree's branches part; `None` where an example takes one path.
    pub(crate) sharpness: Option<f32>,
}

/// How integers round.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rounding {
    None,
    Cells(CellRounding),
    Tree(TreeRounding),
    Prototypes,
}

impl Rounding {
    pub(crate) fn cells(self) -> Option<CellRounding> {
        match self {
            Self::Cells(rounding) => Some(rounding),
            Self::None | Self::Tree(_) | Self::Prototypes => None,
        }
    }

    pub(crate) fn tree(self) -> Option<TreeRounding> {
        match self {
            Self::Tree(rounding) => Some(rounding),
            Self::None | Self::Cells(_) | Self::Prototypes => None,
        }
    }
}

/// Whether a node has parameters of its own.
pub(crate) fn has_own(node: &Node) -> bool {
    !node.tensors().is_empty()
}

/// The nodes of a network that have parameters of their own.
pub fn own_places(network: &Network) -> Vec<Arc<OwnPlace>> {
    let places = network.computing_nodes().filter_map(OwnPlace::of);
    places.map(Arc::new).collect()
}

impl OwnPlace {
    fn of(node: &Node) -> Option<Self> {
        let (cells, sparsity) = match &node.kind {
            Kind::Recurrent(recurrent) => {
                (recurrent.cells(node.input) as usize, recurrent.sparsity)
            }
            Kind::Tree(tree) => (1, tree.sparsity),
            Kind::Prototypes(prototypes) => (1, prototypes.sparsity),
            Kind::Pool(_)
            | Kind::Convolution(_)
            | Kind::Depthwise(_)
            | Kind::Separable(_)
            | Kind::Dense(_)
            | Kind::Projection(_)
            | Kind::Add(_)
            | Kind::Concat(_)
            | Kind::Dropout(_)
            | Kind::Noise(_) => return None,
        };
        let mut segments = Vec::new();
        let mut end = 0;
        for tensor in node.tensors() {
            if let TensorRole::Shift(_) = tensor.role {
                continue;
            }
            let of_cell = tensor.values() as usize / cells;
            for cell in 0..cells {
                segments.push(Segment {
                    role: tensor.role,
                    dtype: tensor.dtype,
                    cell,
                    range: end..end + of_cell,
                    sparsity: if tensor.role.is_weight() {
                        sparsity
                    } else {
                        0.0
                    },
                });
                end += of_cell;
            }
        }
        let computes = match &node.kind {
            Kind::Recurrent(recurrent) => {
                Computes::Recurrence(recurrence(node, recurrent, &segments))
            }
            Kind::Tree(tree) => Computes::Tree(tree_place(node, tree, &segments)),
            Kind::Prototypes(prototypes) => {
                Computes::Prototypes(prototypes_place(node, prototypes, &segments))
            }
            Kind::Pool(_)
            | Kind::Convolution(_)
            | Kind::Depthwise(_)
            | Kind::Separable(_)
            | Kind::Dense(_)
            | Kind::Projection(_)
            | Kind::Add(_)
            | Kind::Concat(_)
            | Kind::Dropout(_)
            | Kind::Noise(_) => return None,
        };
        Some(Self {
            node: node.id,
            segments,
            computes,
        })
    }

    /// Parameters in all.
    pub fn len(&self) -> usize {
        self.segments.last().map_or(0, |last| last.range.end)
    }

    /// The segment of that role of a cell, and which one it is.
    pub fn segment(&self, role: TensorRole, cell: usize) -> Option<(usize, &Segment)> {
        find(&self.segments, role, cell)
    }

    /// What a training begins with.
    pub(crate) fn begin(&self, random: &mut Rng) -> Vec<f32> {
        let mut numbers = Vec::with_capacity(self.len());
        for segment in &self.segments {
            let count = segment.range.len();
            let mut normal =
                |deviation: f32| (0..count).map(|_| deviation * random.normal()).collect();
            let values: Vec<f32> = match (segment.role, &self.computes) {
                (TensorRole::Mix, _) => ZETA_AND_NU.to_vec(),
                (TensorRole::GateBias, _) => vec![GATE_BIAS; count],
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

    /// The grid of each segment's integers.
    pub(crate) fn grids(&self, bits: Bits, scales: &OwnScales) -> Vec<Grid> {
        let segments = self.segments.iter().zip(&scales.segments);
        let grid = |(segment, &exponent): (&Segment, &i32)| {
            let grid = Grid::of_bits(Segment::bits(segment.dtype, bits), true, exponent);
            match (segment.role, &self.computes) {
                (TensorRole::Mix, _) => Grid {
                    least: 0.0,
                    largest: (-exponent as f32).exp2(),
                    ..grid
                },
                _ => grid,
            }
        };
        segments.map(grid).collect()
    }

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

    /// How far ν may go: the states of that many steps are within their 16 bits.
    pub(crate) fn most_of_nu(&self, exponent: i32) -> f32 {
        match &self.computes {
            Computes::Recurrence(recurrence) => {
                let step = (exponent as f32).exp2();
                let steps = recurrence.steps as f32;
                // ζ is 1 at most, and every step rounds by half a unit.
                let room = (32767.0 * step - 1.0) / steps - 2.0 * step;
                ((room / step).floor() * step).clamp(0.0, 1.0)
            }
            Computes::Tree(_) | Computes::Prototypes(_) => 1.0,
        }
    }

    fn rounding(&self, scales: &OwnScales, input: i32) -> Rounding {
        let step = |exponent: i32| (exponent as f32).exp2();
        match &self.computes {
            Computes::Recurrence(_) => Rounding::Cells(CellRounding {
                state: step(scales.activation),
                firsts: scales.firsts.map(step),
            }),
            Computes::Tree(tree) => {
                let (score, _) = self
                    .segment(TensorRole::ScoreWeight, 0)
                    .expect("trees have it");
                Rounding::Tree(TreeRounding {
                    score: step(scales.segments[score] + input + SCORE_BITS),
                    gate: step(gate_exponent(tree.is_hard)),
                })
            }
            Computes::Prototypes(_) => Rounding::Prototypes,
        }
    }
}

/// Bits that a tree's sums `W·z` are shifted down by.
pub(crate) const SCORE_BITS: i32 = 8;
/// The exponent of a tree's gates.
pub(crate) const GATE: i32 = -7;
/// That of nearness, and of what is projected for prototypes.
pub(crate) const NEARNESS: i32 = -16;
pub(crate) const PROTOTYPES: i32 = -7;

/// The exponent of what a tree's gate is a function of.
pub(crate) const fn gate_exponent(is_hard: bool) -> i32 {
    if is_hard { -7 } else { -5 }
}

/// What a training of a cell begins with: ζ and ν (Kusupati et al. 2018 have the logistic
/// functions of 1 and −4), the bias of gates, which then keep three quarters of a state, and the
/// deviation of weights, over the root of how many an output has.
const ZETA_AND_NU: [f32; 2] = [0.73, 0.018];
const GATE_BIAS: f32 = 0.5;
const CELL_GAIN: f32 = 0.5;

/// How much a prototype says for its class at first.
const LABEL: f32 = 4.0;

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

impl Segment {
    /// Bits of an integer. Those of a bias are as many as `f32` rounds without passing 32.
    fn bits(dtype: TensorDtype, bits: Bits) -> u32 {
        match dtype {
            TensorDtype::I8 | TensorDtype::U8 => bits.weights,
            TensorDtype::I16 => 16,
            TensorDtype::I32 => WIDE_BIAS_BITS,
        }
    }
}

/// The power of two of weights of 8 bits that are about 1.
const EIGHT_BITS: i32 = -7;

/// Bits that a cell's sums are shifted down by at most.
const MOST_SHIFT: i32 = 24;

/// Bits of a bias of 32 bits that a training makes use of.
pub(crate) const WIDE_BIAS_BITS: u32 = 31;

fn find(segments: &[Segment], role: TensorRole, cell: usize) -> Option<(usize, &Segment)> {
    let mut all = segments.iter().enumerate();
    all.find(|(_, segment)| segment.role == role && segment.cell == cell)
}

fn at(segments: &[Segment], role: TensorRole, cell: usize) -> usize {
    find(segments, role, cell).map_or(0, |(_, segment)| segment.range.start)
}

fn matrix(segments: &[Segment], role: TensorRole, cell: usize, inputs: usize) -> Option<Matrix> {
    let (_, Segment { range, .. }) = find(segments, role, cell)?;
    Some(Matrix {
        at: range.start,
        outputs: range.len() / inputs.max(1),
        inputs,
    })
}

fn recurrence(node: &Node, recurrent: &Recurrent, segments: &[Segment]) -> Recurrence {
    match recurrent.gate {
        Gate::Hard => {}
        Gate::Sigmoid | Gate::Tanh => unreachable!("declarations have none of them yet"),
    }
    let steps = recurrent.steps(node.input);
    let values = recurrent.step_values(node.input);
    let hidden = recurrent.hidden as usize;
    let cells = (0..recurrent.cells(node.input)).map(|cell| {
        let reads = (0..steps).flat_map(|step| {
            (0..values).map(move |value| recurrent.place(node.input, cell, step, value) as usize)
        });
        let reads = reads.collect();
        let cell = cell as usize;
        let product = |first, last, inputs| {
            let first = matrix(segments, first, cell, inputs);
            let inputs = first.map_or(inputs, |first| first.outputs);
            let last = matrix(segments, last, cell, inputs);
            Product {
                first,
                last: last.expect("a cell has it"),
            }
        };
        Cell {
            input: product(
                TensorRole::InputFirstWeight,
                TensorRole::InputWeight,
                values as usize,
            ),
            state: product(
                TensorRole::StateFirstWeight,
                TensorRole::StateWeight,
                hidden,
            ),
            input_bias: at(segments, TensorRole::InputBias, cell),
            gate_bias: at(segments, TensorRole::GateBias, cell),
            update_bias: at(segments, TensorRole::UpdateBias, cell),
            mix: at(segments, TensorRole::Mix, cell),
            reads,
        }
    });
    Recurrence {
        cells: cells.collect(),
        steps: steps as usize,
        values: values as usize,
        hidden,
        makes_all: match recurrent.sequence {
            Sequence::All => true,
            Sequence::Last => false,
        },
    }
}

fn tree_place(node: &Node, tree: &Tree, segments: &[Segment]) -> TreePlace {
    let inputs = node.input.values() as usize;
    let matrix = |role| matrix(segments, role, 0, inputs);
    TreePlace {
        score: matrix(TensorRole::ScoreWeight).expect("a tree has it"),
        gate: matrix(TensorRole::GateWeight).expect("a tree has it"),
        branch: matrix(TensorRole::BranchWeight).unwrap_or(Matrix {
            at: 0,
            outputs: 0,
            inputs,
        }),
        classes: tree.classes as usize,
        is_hard: match tree.gate {
            TreeGate::Hard => true,
            TreeGate::Tanh => false,
        },
    }
}

fn prototypes_place(node: &Node, prototypes: &Prototypes, segments: &[Segment]) -> PrototypesPlace {
    let matrix = |role, inputs| matrix(segments, role, 0, inputs).expect("prototypes have it");
    PrototypesPlace {
        prototype: matrix(TensorRole::Prototype, node.input.values() as usize),
        label: matrix(TensorRole::LabelWeight, prototypes.classes as usize),
    }
}

impl Own {
    /// Whether they are a node's prototypes.
    pub(crate) fn is_prototypes(&self) -> bool {
        match self.place.computes {
            Computes::Prototypes(_) => true,
            Computes::Recurrence(_) | Computes::Tree(_) => false,
        }
    }

    /// What the node makes of what it reads.
    pub(crate) fn forward(&self, bits: Bits, arithmetic: OwnArithmetic, maps: Maps) -> Maps {
        let OwnArithmetic {
            scales,
            share,
            sharpness,
        } = arithmetic;
        let mut numbers = self.numbers.val();
        let mut rounding = Rounding::None;
        if let Some((scales, input)) = scales {
            let grids = self.place.grids(bits, scales);
            let parts = self.place.segments.iter().zip(grids);
            let parts = parts.map(|(segment, grid)| {
                let Range { start, end } = segment.range;
                let part = numbers.clone().narrow(0, start, end - start);
                ops::quantise(part, grid.with_share(share), None)
            });
            numbers = Tensor::cat(parts.collect(), 0);
            if share == 1.0 {
                rounding = self.place.rounding(scales, input);
            }
        }
        let numbers = numbers.cast(maps.dtype());
        ops::own(self.place.clone(), rounding, sharpness, maps, numbers)
    }
}
