//! The parameters of the kinds that are more than weighted sums: recurrent cells, trees
//! and prototypes. Which tensors they are made of, `docs/architecture.md` says.

/// What a node has besides the parameters of its sums.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KindParameters {
    /// Nothing.
    None,
    /// Of a recurrent layer: those of each of its cells.
    Recurrent(Vec<CellParameters>),
    /// Of a tree.
    Tree(TreeParameters),
    /// Of prototypes.
    Prototypes(PrototypeParameters),
}

/// The parameters of a FastGRNN cell (Kusupati et al., NeurIPS 2018) of `h` units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellParameters {
    /// `W`, by which a step's values are multiplied.
    pub input: Product,
    /// One a unit: added to the sums of `input` before they are shifted.
    pub input_bias: Vec<i32>,
    /// `U`, by which the states are multiplied.
    pub state: Product,
    /// One a unit, in units of `2^-fraction`.
    pub gate_bias: Vec<i16>,
    /// One a unit, in units of `2^-fraction`.
    pub update_bias: Vec<i16>,
    /// From 0 to `2^fraction`.
    pub zeta: i16,
    /// From 0 to `2^fraction`.
    pub nu: i16,
    /// Bits of the states after the point: 4 to 14.
    pub fraction: u8,
}

/// A matrix, or one that is the product of two of a lower rank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// What the values are multiplied by first, to as many as the rank.
    pub first: Option<Factor>,
    /// What those, or the values, are multiplied by.
    pub last: Factor,
}

/// A matrix, and bits to shift its sums down by, halves going up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factor {
    /// `[out, in]`.
    pub weight: Vec<i8>,
    /// Shared by all outputs.
    pub right: u8,
}

/// The parameters of a Bonsai tree (Kumar et al., ICML 2017), its nodes in heap order from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeParameters {
    /// `W`, `[nodes, classes, p]`.
    pub score: Vec<i8>,
    /// `V`, `[nodes, classes, p]`.
    pub gate: Vec<i8>,
    /// `θ`, `[inner nodes, p]`: none where the depth is 0.
    pub branch: Vec<i8>,
    /// Bits to shift the sums of `gate` down by.
    pub right: u8,
}

/// The parameters of ProtoNN's prototypes (Gupta et al., ICML 2017).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrototypeParameters {
    /// `[m, d]`, with 7 bits after the point.
    pub prototype: Vec<i16>,
    /// `[m, classes]`.
    pub label: Vec<i8>,
}

impl KindParameters {
    /// How many weights of 8 bits are not 0.
    pub fn nonzero(&self) -> u64 {
        let count = |weights: &[i8]| weights.iter().filter(|&&weight| weight != 0).count() as u64;
        let product = |product: &Product| {
            let first = product.first.as_ref();
            first.map_or(0, |factor| count(&factor.weight)) + count(&product.last.weight)
        };
        match self {
            Self::None => 0,
            Self::Recurrent(cells) => {
                let cells = cells.iter();
                cells
                    .map(|cell| product(&cell.input) + product(&cell.state))
                    .sum()
            }
            Self::Tree(tree) => count(&tree.score) + count(&tree.gate) + count(&tree.branch),
            Self::Prototypes(it) => {
                let values = it.prototype.iter().filter(|&&value| value != 0).count() as u64;
                values + count(&it.label)
            }
        }
    }
}
