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
