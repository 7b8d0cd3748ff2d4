//! Values: what nodes read and write.

use super::id::NodeId;
use super::shape::Shape;

/// What a value is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// Integers of as many bits as activations have.
    Activation,
    /// Integers of 16 bits, two's complement, little-endian.
    Wide,
}

impl Element {
    /// Cells of a value, where a cell has the bits of an activation.
    pub const fn cells(self, activation_bits: u32) -> u32 {
        match self {
            Self::Activation => 1,
            Self::Wide => 16 / activation_bits,
        }
    }
}

/// A feature map: the input, or what a node writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    pub shape: Shape,
    /// Whether it may be negative.
    pub signed: bool,
    /// What it is made of.
    pub element: Element,
    /// The node that writes it; `None` of the input.
    pub maker: Option<NodeId>,
    /// The computing nodes that read it, in the order of the list.
    pub readers: Vec<NodeId>,
    /// Its label in the declaration, without the apostrophe.
    pub label: Option<String>,
}

impl Value {
    /// Cells of the map, where a cell has the bits of an activation.
    pub const fn cells(&self, activation_bits: u32) -> u32 {
        let cells = self.element.cells(activation_bits);
        self.shape.values().saturating_mul(cells)
    }
}
