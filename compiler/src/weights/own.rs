//! The parameters of nodes that are more than weighted sums: recurrent cells, trees and
//! prototypes. Tensors are flat, their last axis counting fastest.

/// What a node has beside the parameters of its weighted sums.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OwnParameters {
    /// Nothing.
    #[default]
    None,
    /// Those of a recurrent layer: one cell, or one a channel.
    Recurrent(Vec<CellParameters>),
    /// Those of a tree.
    Tree(TreeParameters),
    /// Those of prototypes.
    Prototypes(PrototypeParameters),
}

/// A recurrent cell of h hidden units. A step with the values x is
/// `pre = rsh(W·x + input_bias, input) + rsh(U·state, state)`,
/// `z = clamp(rsh(pre + gate_bias + 2^Q, 1), 0, 2^Q)`, `c = clamp(pre + update_bias, −2^Q, 2^Q)`,
/// `k = rsh(zeta·(2^Q − z), Q) + nu`, `state = rsh(z·state + k·c, Q)`, where
/// `rsh(v, n) = (v + 2^(n−1)) >> n`, and Q is the fraction's bits. That is with hard gates;
/// `program/tangent.rs` has the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellParameters {
    /// W: `[h, values]`, or two factors.
    pub input: Factors,
    /// `[h]`.
    pub input_bias: Vec<i32>,
    /// U: `[h, h]`, or two factors.
    pub state: Factors,
    /// `[h]`.
    pub gate_bias: Vec<i16>,
    /// `[h]`.
    pub update_bias: Vec<i16>,
    /// How much of the update comes in where the gate lets the state go, 0 to 2^Q.
    pub zeta: i16,
    /// How much of the update always comes in, 0 to 2^Q.
    pub nu: i16,
    /// Q, 4 to 14, or to 12 where gates are by a table: bits of the state's fraction.
    pub fraction: u8,
}

/// A matrix, whose products are `rsh(Σ w·x, shift)`; where it has two factors, x are the products
/// of the first one, as integers of 16 bits: the nearest that there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factors {
    /// The first factor, `[rank, in]`, and by how many bits its products are shifted down.
    pub first: Option<(Vec<i8>, u8)>,
    /// `[out, in]`, or `[out, rank]`.
    pub weight: Vec<i8>,
    /// Bits to shift down, after the bias.
    pub shift: u8,
}

/// A tree of nodes in heap order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeParameters {
    /// W: `[nodes, classes, p]`.
    pub score: Vec<i8>,
    /// V: `[nodes, classes, p]`.
    pub gate: Vec<i8>,
    /// Theta: `[inner nodes, p]`.
    pub branch: Vec<i8>,
    /// Bits by which `V·z` is shifted down.
    pub gate_shift: u8,
}

/// Prototypes, whose fractions have 7 bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrototypeParameters {
    /// `[m, d]`.
    pub prototype: Vec<i16>,
    /// `[m, classes]`.
    pub label: Vec<i8>,
}

impl OwnParameters {
    /// How many weights are not 0.
    pub(super) fn nonzero(&self) -> u64 {
        let count = |weights: &[i8]| weights.iter().filter(|&&weight| weight != 0).count() as u64;
        match self {
            Self::None => 0,
            Self::Recurrent(cells) => {
                let factors = cells.iter().flat_map(|cell| [&cell.input, &cell.state]);
                let of = |factors: &Factors| {
                    let first = factors.first.as_ref();
                    first.map_or(0, |(first, _)| count(first)) + count(&factors.weight)
                };
                factors.map(of).sum()
            }
            Self::Tree(tree) => count(&tree.score) + count(&tree.gate) + count(&tree.branch),
            Self::Prototypes(prototypes) => count(&prototypes.label),
        }
    }
}
