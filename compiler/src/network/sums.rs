//! The weighted sums of a layer, said once: everything that counts, reads, packs
//! or proves weights goes by them.

use super::shape::Kernel;
use super::value::Element;

/// Which of a node's sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SumHalf {
    /// The only one.
    Only,
    /// The depthwise half of `C2`.
    Depthwise,
    /// The pointwise half of `C2`.
    Pointwise,
}

impl SumHalf {
    /// What its tensors' names have between the layer and `weight`.
    pub const fn prefix(self) -> &'static str {
        match self {
            SumHalf::Only => "",
            SumHalf::Depthwise => "depthwise.",
            SumHalf::Pointwise => "pointwise.",
        }
    }
}

/// The axes of a weight tensor, as the weights file has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightOrder {
    /// `[out, rows, columns, in]`.
    OutputRowsColumnsInput,
    /// `[out, in]`.
    OutputInput,
    /// `[rows, columns, in]`: one weight a tap and channel.
    RowsColumnsInput,
    /// No tensor: every weight is 1 (`Add`).
    Ones,
}

/// The shape of one weighted sum: `t = (Σ w·x << left) + bias`, and
/// `+ (s << skip)` where a map is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SumShape {
    /// Which of the node's.
    pub half: SumHalf,
    /// The axes of its weights.
    pub order: WeightOrder,
    /// The pixels that it reads.
    pub kernel: Kernel,
    /// Channels of a pixel.
    pub inputs: u32,
    /// Sums.
    pub outputs: u32,
    /// Times it is computed in an inference: the pixels of its outputs.
    pub positions: u32,
    /// Whether a labelled map is added to it.
    pub adds: bool,
    /// What it reads.
    pub reads: Element,
    /// What is made of it.
    pub makes: Element,
}

impl SumShape {
    /// Whether each output reads a channel of its own.
    pub const fn is_depthwise(&self) -> bool {
        match self.order {
            WeightOrder::RowsColumnsInput | WeightOrder::Ones => true,
            WeightOrder::OutputRowsColumnsInput | WeightOrder::OutputInput => false,
        }
    }

    /// Rows of `outputs` weights, as packed: one a value that is read, but one a
    /// tap of a depthwise sum.
    pub const fn rows(&self) -> u32 {
        if self.is_depthwise() {
            self.kernel.taps()
        } else {
            self.kernel.taps().saturating_mul(self.inputs)
        }
    }

    /// Weights in the file.
    pub fn weights(&self) -> u64 {
        match self.order {
            WeightOrder::Ones => 0,
            WeightOrder::OutputRowsColumnsInput
            | WeightOrder::OutputInput
            | WeightOrder::RowsColumnsInput => u64::from(self.rows()) * u64::from(self.outputs),
        }
    }

    /// Biases in the file: one a sum.
    pub fn biases(&self) -> u64 {
        match self.order {
            WeightOrder::Ones => 0,
            WeightOrder::OutputRowsColumnsInput
            | WeightOrder::OutputInput
            | WeightOrder::RowsColumnsInput => self.outputs.into(),
        }
    }

    /// Multiply-accumulates of an inference.
    pub fn multiply_accumulates(&self) -> u64 {
        u64::from(self.positions).saturating_mul(self.weights())
    }

    /// Values along each axis of the weight tensor, and what the axes are; `None`
    /// where there is no tensor.
    pub fn tensor(&self) -> Option<(Vec<u32>, &'static str)> {
        let Kernel { height, width } = self.kernel;
        let (inputs, outputs) = (self.inputs, self.outputs);
        match self.order {
            WeightOrder::OutputRowsColumnsInput => Some((
                vec![outputs, height, width, inputs],
                "[out, rows, columns, in]",
            )),
            WeightOrder::OutputInput => Some((
                vec![outputs, self.kernel.taps().saturating_mul(inputs)],
                "[out, in]",
            )),
            WeightOrder::RowsColumnsInput => {
                Some((vec![height, width, inputs], "[rows, columns, in]"))
            }
            WeightOrder::Ones => None,
        }
    }

    /// The shifts, in the order of the `shift` tensor.
    pub const fn shifts(&self) -> (&'static [&'static str], &'static str) {
        match (self.makes, self.order, self.adds) {
            (Element::Wide, _, _) => (&["right"], "[right]"),
            (Element::Activation, WeightOrder::Ones, _) => {
                (&["left", "skip", "right"], "[left, skip, right]")
            }
            (Element::Activation, _, true) => (&["left", "right", "skip"], "[left, right, skip]"),
            (Element::Activation, _, false) => (&["left", "right"], "[left, right]"),
        }
    }

    /// Whether its biases have 32 bits: sums of wide values, and sums that stay wide, may need
    /// them.
    pub const fn has_wide_biases(&self) -> bool {
        match (self.reads, self.makes) {
            (Element::Activation, Element::Activation) => false,
            (Element::Wide, _) | (_, Element::Wide) => true,
        }
    }

    /// The place of an output's weight for a row, in the file's order.
    ///
    /// # Panics
    /// Where there is no tensor.
    pub fn weight_index(&self, row: u32, output: u32) -> usize {
        let (row, output) = (row as usize, output as usize);
        match self.order {
            WeightOrder::OutputRowsColumnsInput | WeightOrder::OutputInput => {
                output * self.rows() as usize + row
            }
            WeightOrder::RowsColumnsInput => row * self.outputs as usize + output,
            WeightOrder::Ones => unreachable!("a sum of ones has no weight tensor"),
        }
    }
}
