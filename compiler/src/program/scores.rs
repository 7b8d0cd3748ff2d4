//! Trees and prototypes: what makes scores of a few wide values.
//!
//! | bytes of a tree | |
//! | --- | --- |
//! | 1 | bits that the sums of `V` are shifted down by |
//! | `[nodes · classes, p]` | `W` |
//! | `[nodes · classes, p]` | `V` |
//! | `[inner nodes, p]` | `θ` |
//!
//! | bytes of prototypes | |
//! | --- | --- |
//! | 2 each of `[m, d]` | the prototypes |
//! | `[m, classes]` | their labels |

use super::own::{Bytes, Matrix, OwnPlace, word};
use crate::network::TreeGate;
use crate::weights::{PrototypeParameters, TreeParameters};

/// A tree.
#[derive(Clone, Debug)]
pub struct TreeScores {
    /// Branches on a path.
    pub depth: u32,
    /// Scores.
    pub classes: u32,
    /// Values that it reads.
    pub values: u32,
    /// What a node's score is weighted by.
    pub gate: TreeGate,
    /// Where its parameters are among its bytes.
    pub layout: TreeLayout,
    /// Its parameters.
    pub parameters: OwnPlace<TreeParameters>,
}

/// Where the parameters of a tree are among its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeLayout {
    /// Bits of a weight.
    pub weight_bits: u32,
    /// Bits that the sums of `gate` are shifted down by.
    pub shift_byte: u32,
    /// `W`, a row for each class of each node.
    pub score: Matrix,
    /// `V`, the same.
    pub gate: Matrix,
    /// `θ`, a row for each inner node.
    pub branch: Matrix,
    /// Bytes of all.
    pub bytes: u32,
}

impl TreeLayout {
    /// Of a tree of that depth.
    pub fn new((depth, classes, values): (u32, u32, u32), weight_bits: u32) -> Self {
        let mut bytes = Bytes::new(weight_bits);
        let (inner, nodes) = ((1 << depth) - 1, (2 << depth) - 1);
        let shift_byte = bytes.take(1);
        let score = bytes.matrix(classes * nodes, values);
        let gate = bytes.matrix(classes * nodes, values);
        let branch = bytes.matrix(inner, values);
        Self {
            weight_bits,
            shift_byte,
            score,
            gate,
            branch,
            bytes: bytes.count,
        }
    }
}

impl TreeScores {
    /// Its parameters as bytes, where they are known.
    pub fn packed(&self) -> Option<Vec<u8>> {
        let tree = self.parameters.constant()?;
        let mut bytes = vec![tree.gate_shift];
        let TreeLayout {
            weight_bits,
            score,
            gate,
            branch,
            ..
        } = self.layout;
        score.pack(&tree.score, weight_bits, &mut bytes);
        gate.pack(&tree.gate, weight_bits, &mut bytes);
        branch.pack(&tree.branch, weight_bits, &mut bytes);
        Some(bytes)
    }

    pub(super) fn unpacked(&self, bytes: &[u8]) -> TreeParameters {
        let matrix = |matrix: &Matrix| matrix.unpack(bytes, self.layout.weight_bits);
        TreeParameters {
            score: matrix(&self.layout.score),
            gate: matrix(&self.layout.gate),
            branch: matrix(&self.layout.branch),
            gate_shift: bytes[self.layout.shift_byte as usize],
        }
    }

    /// What a sum of `gate`, shifted down, weights a score by: `round(127·tanh(n / 32))` of the
    /// first 129 whole numbers, and for all greater ones the last of them.
    pub fn tanh_table() -> [u8; 129] {
        std::array::from_fn(|n| (127.0 * (n as f64 / 32.0).tanh()).round() as u8)
    }
}

/// Prototypes.
#[derive(Clone, Debug)]
pub struct PrototypeScores {
    /// How many there are.
    pub count: u32,
    /// Scores.
    pub classes: u32,
    /// Values that are held against them.
    pub values: u32,
    /// Where their parameters are among their bytes.
    pub layout: PrototypeLayout,
    /// Their parameters.
    pub parameters: OwnPlace<PrototypeParameters>,
}

/// Where the parameters of prototypes are among their bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrototypeLayout {
    /// Bits of a weight.
    pub weight_bits: u32,
    /// The first byte of the first prototype's first value, of two bytes each.
    pub prototype_byte: u32,
    /// A row for each prototype.
    pub label: Matrix,
    /// Bytes of all.
    pub bytes: u32,
}

impl PrototypeLayout {
    /// Of that many prototypes of as many values.
    pub fn new((count, classes, values): (u32, u32, u32), weight_bits: u32) -> Self {
        let mut bytes = Bytes::new(weight_bits);
        let prototype_byte = bytes.take(2 * count * values);
        let label = bytes.matrix(count, classes);
        Self {
            weight_bits,
            prototype_byte,
            label,
            bytes: bytes.count,
        }
    }
}

impl PrototypeScores {
    /// Their parameters as bytes, where they are known.
    pub fn packed(&self) -> Option<Vec<u8>> {
        let it = self.parameters.constant()?;
        let values = it.prototype.iter();
        let mut bytes: Vec<u8> = values.flat_map(|value| value.to_le_bytes()).collect();
        let PrototypeLayout {
            weight_bits, label, ..
        } = self.layout;
        label.pack(&it.label, weight_bits, &mut bytes);
        Some(bytes)
    }

    pub(super) fn unpacked(&self, bytes: &[u8]) -> PrototypeParameters {
        let values = 0..self.count * self.values;
        PrototypeParameters {
            prototype: values
                .map(|index| word(bytes, self.layout.prototype_byte, index))
                .collect(),
            label: self.layout.label.unpack(bytes, self.layout.weight_bits),
        }
    }

    /// `round(65535·e^−n)`: e to the whole part of a distance.
    pub fn whole_table() -> [u16; 16] {
        std::array::from_fn(|n| (65535.0 * (-(n as f64)).exp()).round() as u16)
    }

    /// `round(255·e^(−n / 32))`: e to the rest of it.
    pub fn rest_table() -> [u8; 32] {
        std::array::from_fn(|n| (255.0 * (-(n as f64) / 32.0).exp()).round() as u8)
    }
}
