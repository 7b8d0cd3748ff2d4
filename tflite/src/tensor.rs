//! Tensors.

use crate::element::{Element, Values};

/// What a quantised value stands for: `scale · (value − zero point)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantisation {
    /// One scale, or one an output channel.
    pub scales: Vec<f32>,
    /// The value that stands for 0.
    pub zero_point: i32,
}

/// A tensor of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its name in the file, shortened and escaped.
    pub name: String,
    /// Its dimensions; none of a single value.
    pub shape: Vec<usize>,
    /// The type of its values.
    pub element: Element,
    /// What its values stand for, where the file says so.
    pub quantisation: Option<Quantisation>,
    /// Its values, where they are the same for every input.
    pub constant: Option<Values>,
}

impl Tensor {
    /// How many values it has.
    pub fn values(&self) -> usize {
        self.shape.iter().product()
    }

    /// Bytes of its values.
    pub fn bytes(&self) -> usize {
        self.values() * self.element.bytes()
    }
}
