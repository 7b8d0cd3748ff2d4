//! Nodes with parameters of their own, beside weighted sums: recurrent cells, trees and
//! prototypes.

mod begin;
mod import;
mod scales;

use std::ops::Range;
use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use herringbone_compiler::network::{
    Bits, Gate, Kind, Network, Node, NodeId, Prototypes, Recurrent, Sequence, TensorDtype,
    TensorRole, Tree, TreeGate,
};
use herringbone_compiler::program::tangents;
use serde::{Deserialize, Serialize};

use crate::kernels::{
    Cell, CellRounding, Functions, Matrix, Product, PrototypesPlace, Recurrence, TreePlace,
    TreeRounding,
};
use crate::ops::{self, Maps};
use crate::quantise::Grid;

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

/// Whether a node holds what it reads against prototypes.
pub(crate) fn is_prototypes(node: &Node) -> bool {
    match node.kind {
        Kind::Prototypes(_) => true,
        Kind::Pool(_)
        | Kind::Convolution(_)
        | Kind::Depthwise(_)
        | Kind::Separable(_)
        | Kind::Dense(_)
        | Kind::Projection(_)
        | Kind::Recurrent(_)
        | Kind::Tree(_)
        | Kind::Add(_)
        | Kind::Concat(_)
        | Kind::Dropout(_)
        | Kind::Noise(_) => false,
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
        let cells = match &node.kind {
            Kind::Recurrent(recurrent) => recurrent.cells(node.input) as usize,
            Kind::Tree(_) | Kind::Prototypes(_) => 1,
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
                        node.kind.sparsity()
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
    pub fn count(&self) -> usize {
        self.segments.last().map_or(0, |last| last.range.end)
    }

    /// The segment of that role of a cell, and which one it is.
    pub fn segment(&self, role: TensorRole, cell: usize) -> Option<(usize, &Segment)> {
        find(&self.segments, role, cell)
    }

    /// The segments of its weights.
    pub(crate) fn weights(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().filter(|it| it.role.is_weight())
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

    /// How far ν may go: the states of that many steps are within their 16 bits.
    pub(crate) fn most_of_nu(&self, exponent: i32) -> f32 {
        match &self.computes {
            Computes::Recurrence(recurrence) => {
                match recurrence.functions.gate {
                    Gate::Hard | Gate::Sigmoid => {}
                    // States that would pass 16 bits are the nearest of them.
                    Gate::Tanh => return 1.0,
                }
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
        functions: Functions {
            gate: recurrent.gate,
            tangents: tangents().map(f32::from).to_vec(),
        },
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
