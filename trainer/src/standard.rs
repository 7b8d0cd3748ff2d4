//! Inputs standardised by the mean and the deviation that they have in training, for those
//! nodes whose weights can take that up again: recurrent cells and projections that read
//! what is taken in.

use std::collections::BTreeMap;

use burn::tensor::{Tensor, TensorData};
use herringbone_compiler::network::{Kind, Network, Node, NodeId};
use herringbone_dataset::Examples;

use crate::intake::Intake;
use crate::ops::Maps;

/// Examples that means and deviations are measured of, at most.
const SAMPLE: usize = 4096;

/// A deviation counts as this share of that of all values at least: a pixel that is nearly
/// always dark would else have weights that leave the others few of 8 bits.
const LEAST_SHARE: f64 = 0.5;

/// What the inputs of some nodes are standardised by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standards(BTreeMap<usize, Standard>);

/// One number of each value of a map, row by row, channels last.
#[derive(Clone, Debug, PartialEq)]
pub struct Standard {
    pub means: Vec<f32>,
    /// 1 by the deviation.
    pub inverses: Vec<f32>,
}

impl Standards {
    /// Those of a training of these examples.
    pub fn of(network: &Network, examples: &Examples) -> Self {
        let intake = Intake::of(network);
        let nodes = network
            .computing_nodes()
            .filter(|node| node.reads[0] == intake.value())
            .filter_map(|node| Some((node.id.index(), shared(node)?)));
        let nodes: Vec<_> = nodes.collect();
        if nodes.is_empty() || examples.is_empty() {
            return Self::default();
        }
        let values = intake.activations();
        let stride = examples.len().div_ceil(SAMPLE);
        let mut activations = vec![0; values];
        let mut moments = vec![Moments::default(); values];
        let step = (-f64::from(network.bits().activations)).exp2();
        for example in (0..examples.len()).step_by(stride) {
            intake.take(examples.input(example), &mut activations);
            for (moments, &activation) in moments.iter_mut().zip(&activations) {
                moments.add(f64::from(activation) * step);
            }
        }
        let standards = nodes.into_iter().map(|(node, groups)| {
            let groups = groups.unwrap_or_else(|| (0..values).collect());
            (node, Standard::of(&moments, &groups))
        });
        Self(standards.collect())
    }

    /// A node's.
    pub(crate) fn of_node(&self, node: NodeId) -> Option<&Standard> {
        self.0.get(&node.index())
    }

    /// What the node reads, standardised.
    pub(crate) fn apply(&self, node: NodeId, maps: Maps) -> Maps {
        let Some(Standard { means, inverses }) = self.of_node(node) else {
            return maps;
        };
        let [_, height, width, channels, _] = maps.dims();
        let of = |numbers: &[f32]| {
            let data = TensorData::new(numbers.to_vec(), [1, height, width, channels, 1]);
            Tensor::from_data(data, &maps.device())
        };
        (maps.clone() - of(means)) * of(inverses)
    }
}

/// Which values of a map have one weight, as numbers of groups; every value another one, if
/// there are none. `None` of nodes that take up no standards.
fn shared(node: &Node) -> Option<Option<Vec<usize>>> {
    match &node.kind {
        Kind::Projection(_) => Some(None),
        Kind::Recurrent(recurrent) => {
            let values = recurrent.step_values(node.input);
            let mut groups = vec![0; node.input.values() as usize];
            for cell in 0..recurrent.cells(node.input) {
                for step in 0..recurrent.steps(node.input) {
                    for value in 0..values {
                        let place = recurrent.place(node.input, cell, step, value);
                        groups[place as usize] = (cell * values + value) as usize;
                    }
                }
            }
            Some(Some(groups))
        }
        Kind::Pool(_)
        | Kind::Convolution(_)
        | Kind::Depthwise(_)
        | Kind::Separable(_)
        | Kind::Dense(_)
        | Kind::Tree(_)
        | Kind::Prototypes(_)
        | Kind::Add(_)
        | Kind::Concat(_)
        | Kind::Dropout(_)
        | Kind::Noise(_) => None,
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, number: f64) {
        self.count += 1.0;
        self.sum += number;
        self.squares += number * number;
    }

    fn join(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.squares += other.squares;
    }

    fn mean(&self) -> f64 {
        self.sum / self.count.max(1.0)
    }

    fn deviation(&self) -> f64 {
        let mean = self.mean();
        let variance = self.squares / self.count.max(1.0) - mean * mean;
        variance.max(0.0).sqrt()
    }
}

impl Standard {
    fn of(values: &[Moments], groups: &[usize]) -> Self {
        let count = groups.iter().max().map_or(0, |most| most + 1);
        let mut of_groups = vec![Moments::default(); count];
        let mut all = Moments::default();
        for (moments, &group) in values.iter().zip(groups) {
            of_groups[group].join(moments);
            all.join(moments);
        }
        let least = (LEAST_SHARE * all.deviation()).max(1e-3);
        let of = |number: &dyn Fn(&Moments) -> f64| {
            let numbers = groups.iter().map(|&group| number(&of_groups[group]) as f32);
            numbers.collect()
        };
        Self {
            means: of(&Moments::mean),
            inverses: of(&|moments| moments.deviation().max(least).recip()),
        }
    }
}
