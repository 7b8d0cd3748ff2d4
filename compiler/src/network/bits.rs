//! The widths of a network's integers.

/// The widths of a network's integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits {
    /// Of a weight: 2, 4 or 8, two's complement.
    pub weights: u32,
    /// Of a bias: 8 or 16, two's complement.
    pub biases: u32,
    /// Of an activation: 4 or 8; signed where its layer has no activation.
    pub activations: u32,
}

impl Default for Bits {
    fn default() -> Self {
        Self {
            weights: 4,
            biases: 16,
            activations: 4,
        }
    }
}
