//! What is emitted of a layer: geometry, weights and places as numbers.

use super::form::Form;
use super::loaded::Loaded;
use super::pairs::PairedRows;
use super::stage::{StageOutput, StageRows, StoredRing, StoredWindows};
use super::stream::{Finishing, Rounding};
use crate::network::NodeId;
use crate::plan::SumArray;
use crate::program::{ConstantParameters, Expectation, Finish, WeightedSum};

/// A map as it is stored: row by row, channels last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredMap {
    pub(crate) first_cell: u32,
    pub(crate) height: u32,
    pub(crate) width: u32,
    pub(crate) channels: u32,
    /// Cells from a pixel to the next one: those of its channels, or more where it waits in a
    /// window.
    pub(crate) pixel_cells: u32,
}

impl StoredMap {
    /// Cells of a row.
    pub(crate) fn row_cells(&self) -> u32 {
        self.width * self.pixel_cells
    }

    /// Cells of all of it.
    pub(crate) fn cells(&self) -> u32 {
        self.height * self.row_cells()
    }
}

/// The weights of a sum with what is left out of it.
#[derive(Clone, Debug)]
pub(crate) struct Weights {
    /// `[row][output]`, without [`Self::left`].
    raw: Vec<i8>,
    /// Bits by which a weight is shifted to be a factor.
    pub(crate) left: u8,
    pub(crate) outputs: usize,
    /// What a sum begins with.
    pub(crate) biases: Vec<i32>,
    /// Whether a sum can be in the middle between two activations.
    pub(crate) ties: Vec<bool>,
    /// Of the sum, to an activation.
    pub(crate) right: u8,
    /// Bits by which what is added of a joined map is shifted up.
    pub(crate) skip: u8,
    /// Where all of it is instead, if it is loaded at run time.
    pub(crate) loaded: Option<Loaded>,
}

impl Weights {
    /// `left` goes into the biases, as far as `right` and what is added allow: of
    /// `t = (s << left) + b` only bits that rounding looks at are kept, and where any of
    /// the others is set, `t` is no tie.
    pub(crate) fn new(constants: &ConstantParameters, sum: &WeightedSum) -> Self {
        let left = constants.left;
        let right = constants.right;
        let added = sum.adds.then_some(constants.skip);
        let dropped = match sum.finish != Finish::Exact {
            true => left.min(right.saturating_sub(1)).min(added.unwrap_or(left)),
            false => 0,
        };
        Self {
            raw: constants.weights.to_vec(),
            left: (left - dropped) as u8,
            outputs: sum.outputs as usize,
            biases: constants
                .biases
                .iter()
                .map(|&bias| bias >> dropped)
                .collect(),
            ties: constants
                .biases
                .iter()
                .map(|&bias| bias & ((1 << dropped) - 1) == 0)
                .collect(),
            right: (right - dropped) as u8,
            skip: added.map_or(0, |skip| (skip - dropped) as u8),
            loaded: None,
        }
    }

    /// Of sums that are rounded elsewhere: `[row][output]`.
    pub(crate) fn of_products(raw: Vec<i8>, outputs: u32) -> Self {
        Self {
            raw,
            ..Self::none(outputs, 0)
        }
    }

    /// Of weights that come at run time.
    pub(crate) fn loaded(loaded: Loaded, outputs: u32) -> Self {
        Self {
            loaded: Some(loaded),
            ..Self::none(outputs, 0)
        }
    }

    /// Of a pooling, which divides by a power of two.
    pub(crate) fn none(outputs: u32, right: u8) -> Self {
        Self {
            raw: Vec::new(),
            left: 0,
            outputs: outputs as usize,
            biases: vec![0; outputs as usize],
            ties: vec![false; outputs as usize],
            right,
            skip: 0,
            loaded: None,
        }
    }

    /// Of a depthwise kernel, whose weights are `[tap][channel]`: a sum takes the values of
    /// its channel alone.
    pub(crate) fn depthwise(constants: &ConstantParameters, sum: &WeightedSum) -> Self {
        let count = sum.outputs as usize;
        let mut weights = Self::new(constants, sum);
        let of_taps = std::mem::take(&mut weights.raw);
        weights.raw = vec![0; of_taps.len() * count];
        for (row, &weight) in of_taps.iter().enumerate() {
            weights.raw[row * count + row % count] = weight;
        }
        weights
    }

    /// Of these rows, or of values that are not read.
    pub(crate) fn of_rows(&self, rows: impl IntoIterator<Item = Option<usize>>) -> Self {
        let nothing = vec![0; self.outputs];
        let rows = rows.into_iter().flat_map(|row| match row {
            Some(row) => self.raw[row * self.outputs..][..self.outputs].to_vec(),
            None => nothing.clone(),
        });
        Self {
            raw: rows.collect(),
            ..self.clone()
        }
    }

    /// Of two outputs, one above the other, at once: the sums of the upper ones, then those of the
    /// lower ones, of whose fields the first `skipped` values are those above.
    pub(crate) fn of_two_rows(&self, skipped: usize) -> Self {
        let rows = self.rows();
        let above = |row: usize| {
            (row < rows).then(|| self.raw[row * self.outputs..][..self.outputs].to_vec())
        };
        let nothing = || vec![0; self.outputs];
        let fields = (0..rows + skipped).flat_map(|row| {
            let upper = above(row).unwrap_or_else(nothing);
            let lower = row.checked_sub(skipped).and_then(above);
            [upper, lower.unwrap_or_else(nothing)]
        });
        Self {
            raw: fields.flatten().collect(),
            outputs: 2 * self.outputs,
            biases: self.biases.repeat(2),
            ties: self.ties.repeat(2),
            ..*self
        }
    }

    /// Takes away what an offset of all values adds.
    pub(crate) fn without_offset(mut self, bits: u32) -> Self {
        for output in 0..self.outputs {
            let factors = (0..self.rows()).map(|row| self.factor(row, output));
            let sum = factors.fold(0i32, i32::wrapping_add);
            let bias = &mut self.biases[output];
            *bias = bias.wrapping_sub(sum.wrapping_shl(bits - 1));
        }
        self
    }

    /// Takes away what an offset of the values of a joined map adds.
    pub(crate) fn without_joined_offset(mut self, bits: u32) -> Self {
        let added = 1i32.wrapping_shl(bits - 1 + u32::from(self.skip));
        for bias in &mut self.biases {
            *bias = bias.wrapping_sub(added);
        }
        self
    }

    /// Whether what each `row_values` values that are read give, the first ones with the bias, fits
    /// 16 bits, whatever they are.
    pub(crate) fn parts_fit_16_bits(&self, bits: u32, row_values: usize) -> bool {
        let most_value = (1i64 << bits) - 1;
        let rows: Vec<usize> = (0..self.rows()).collect();
        let fits = |output: usize| {
            let mut parts = rows.chunks(row_values).enumerate();
            parts.all(|(part, rows)| {
                let factors = rows.iter().map(|&row| i64::from(self.factor(row, output)));
                let bias = if part == 0 { self.biases[output] } else { 0 };
                let products = factors.map(|factor| factor.abs() * most_value);
                i64::from(bias).abs() + products.sum::<i64>() <= i16::MAX.into()
            })
        };
        (0..self.outputs).all(fits)
    }

    /// The least and the largest sum of an output, with its bias, of values that are not negative.
    pub(crate) fn range(&self, output: usize, bits: u32) -> (i64, i64) {
        let most_value = (1i64 << bits) - 1;
        let bias = i64::from(self.biases[output]);
        let factors = (0..self.rows()).map(|row| i64::from(self.factor(row, output)));
        factors.fold((bias, bias), |(least, largest), factor| {
            let product = factor * most_value;
            (least + product.min(0), largest + product.max(0))
        })
    }

    /// Values that are read, each with a row of weights.
    pub(crate) fn rows(&self) -> usize {
        self.raw.len() / self.outputs
    }

    /// The factor of a value of that row in a sum.
    pub(crate) fn factor(&self, row: usize, output: usize) -> i32 {
        self.raw_of(row, output) << self.left
    }

    /// The factors of all values.
    pub(crate) fn factors(&self) -> impl Iterator<Item = i32> {
        self.raw.iter().map(|&it| i32::from(it) << self.left)
    }

    /// Weights as they are stored.
    pub(crate) fn raw(&self) -> &[i8] {
        &self.raw
    }

    /// One of them.
    pub(crate) fn raw_of(&self, row: usize, output: usize) -> i32 {
        self.raw[row * self.outputs + output].into()
    }
}

/// The windows of a maximum over sums.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pooled {
    pub(crate) rows: u32,
    pub(crate) columns: u32,
}

/// What is made of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reduction {
    /// Weighted sums.
    Weighted,
    /// A weighted sum of each channel, by weights that are loaded.
    OwnWeights,
    /// The largest value of each channel.
    Maximum,
    /// The total of each channel, which is divided and rounded down: shifted by some bits, times
    /// that factor, and shifted again.
    Total { before: u8, factor: i32 },
}

/// A convolution, and the pooling after it, or a pooling.
#[derive(Clone, Debug)]
pub(crate) struct Convolution {
    pub(crate) node: NodeId,
    pub(crate) reduction: Reduction,
    /// Of a pooling, none.
    pub(crate) weights: Weights,
    pub(crate) input: StoredMap,
    /// Outputs of the convolution that are computed.
    pub(crate) computed: (u32, u32),
    /// Where they go, or the largest of each window.
    pub(crate) output: StoredMap,
    pub(crate) kernel: (u32, u32),
    pub(crate) stride: (u32, u32),
    /// Rows above and columns left of the map.
    pub(crate) padding: (u32, u32),
    pub(crate) pooled: Option<Pooled>,
    /// Of a separable one, what comes after the depthwise kernel.
    pub(crate) pointwise: Option<Box<Self>>,
    /// Of maps with a pixel for each output, that pixel: it is added to the sums, or its channels
    /// come after those of the map, as a maximum of single pixels.
    pub(crate) joined: Vec<Self>,
    pub(crate) form: Form,
    /// Sums that a register can hold: two of 16 bits, or one.
    pub(crate) sum_lanes: u32,
    /// From the last row and column on.
    pub(crate) backward: bool,
    /// What is read and made.
    pub(crate) expectation: Expectation,
    /// What the stage after it reads of its outputs, or the pooling of which it finds the maxima.
    pub(crate) expectation_of_outputs: Option<Box<Expectation>>,
    /// Whether activations may be negative.
    pub(crate) signed_inputs: bool,
    pub(crate) signed_outputs: bool,
    /// Of a pooling: whether its windows are taken in row by row.
    pub(crate) is_by_parts: bool,
    /// Where sums are the results as they stand: bytes of each.
    pub(crate) exact_bytes: Option<u32>,
    /// Pixels that are computed at once, in the lanes of a register.
    pub(crate) lanes: u32,
    pub(crate) bits: u32,
    /// Of a layer that computes a row at a time, as the input arrives: where rows are.
    pub(crate) stage: Option<StageRows>,
}

impl Convolution {
    /// Of a map, the pixel at each output of this layer.
    pub(crate) fn of_pixels(&self, input: StoredMap, signed_inputs: bool) -> Self {
        Self {
            reduction: Reduction::Maximum,
            weights: Weights::none(input.channels, 0),
            input,
            kernel: (1, 1),
            stride: (1, 1),
            padding: (0, 0),
            form: Form::Unrolled,
            signed_inputs,
            joined: Vec::new(),
            ..self.clone()
        }
    }

    /// What makes its outputs.
    pub(crate) fn last(&self) -> &Self {
        self.pointwise.as_deref().unwrap_or(self)
    }

    /// Columns of its outputs that are computed for one group.
    pub(crate) fn group_columns(&self) -> u32 {
        self.pooled.map_or(self.lanes, |pooled| pooled.columns)
    }

    /// Whether each row of a window that is pooled is the pair of columns that is computed at
    /// once, and there are two of them.
    pub(crate) fn pools_two_pairs(&self) -> bool {
        self.lanes == 2
            && self
                .pooled
                .is_some_and(|pooled| (pooled.rows, pooled.columns) == (2, 2))
    }

    /// Where its outputs wait for those of the rows below.
    pub(crate) fn windows(&self) -> Option<StoredWindows> {
        match self.stage?.output {
            StageOutput::Windows(windows) => Some(windows),
            StageOutput::Ring(_) | StageOutput::Pairs(_) | StageOutput::Strip => None,
        }
    }

    /// Whether rows come from that ring.
    pub(crate) fn reads(&self, ring: &StoredRing) -> bool {
        let own = self.stage.and_then(|rows| rows.input.ring());
        own.is_some_and(|own| own.first_cell == ring.first_cell)
    }

    /// The ring that its rows of outputs go to.
    pub(crate) fn output_ring(&self) -> Option<StoredRing> {
        match self.stage?.output {
            StageOutput::Ring(ring) => Some(ring),
            StageOutput::Pairs(_) | StageOutput::Windows(_) | StageOutput::Strip => None,
        }
    }

    /// The rows of pairs that it writes.
    pub(crate) fn output_pairs(&self) -> Option<PairedRows> {
        match self.stage?.output {
            StageOutput::Pairs(rows) => Some(rows),
            StageOutput::Ring(_) | StageOutput::Windows(_) | StageOutput::Strip => None,
        }
    }

    /// Whether values that may be negative stay offset where outputs go.
    fn keeps_offset(&self) -> bool {
        if self.pointwise.is_some() {
            // Loaded weights take values as they are.
            return self.weights.loaded.is_none();
        }
        match self.stage.map(|rows| rows.output) {
            Some(StageOutput::Strip) => true,
            Some(StageOutput::Ring(_) | StageOutput::Pairs(_) | StageOutput::Windows(_)) | None => {
                false
            }
        }
    }

    pub(crate) fn rounding(&self) -> Rounding {
        Rounding {
            right: self.weights.right,
            bits: self.bits,
            finish: match self.reduction {
                Reduction::Weighted | Reduction::OwnWeights if self.signed_outputs => {
                    Finishing::Signed {
                        stays_offset: self.keeps_offset(),
                    }
                }
                Reduction::Weighted | Reduction::OwnWeights => Finishing::Unsigned,
                Reduction::Maximum => Finishing::Down {
                    before: 0,
                    factor: 1,
                    is_offset: self.signed_inputs,
                },
                Reduction::Total { before, factor } => Finishing::Down {
                    before,
                    factor,
                    is_offset: self.signed_inputs,
                },
            },
        }
    }
}

/// A sum over a whole map.
#[derive(Clone, Debug)]
pub(crate) struct Dense {
    pub(crate) node: NodeId,
    pub(crate) weights: Weights,
    pub(crate) input: StoredMap,
    pub(crate) bits: u32,
    /// What is read and made.
    pub(crate) expectation: Expectation,
    /// Whether activations may be negative.
    pub(crate) signed_inputs: bool,
    pub(crate) signed_outputs: bool,
    pub(crate) form: Form,
    /// Sums that a register can hold: two of 16 bits, or one.
    pub(crate) lanes: u32,
    /// The first cell of a map that is added, and whether its values may be negative.
    pub(crate) joined: Option<(u32, bool)>,
    pub(crate) outputs: DenseOutputs,
}

/// Where the outputs of a dense layer go.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DenseOutputs {
    /// As activations from that cell on.
    Map(u32),
    /// As they are, of that many bytes each, to the results.
    Results(u32),
}

/// Results that are activations, all of a map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Emission {
    pub(crate) map: StoredMap,
    pub(crate) bits: u32,
    pub(crate) signed: bool,
    pub(crate) first_result: u32,
    pub(crate) bytes_each: u32,
}

/// A layer.
#[derive(Clone, Debug)]
pub(crate) enum Layer {
    Convolution(Box<Convolution>),
    Dense(Box<Dense>),
    Results(Emission),
    /// Sums that were kept as the input arrived.
    Sums(SumArray),
}
