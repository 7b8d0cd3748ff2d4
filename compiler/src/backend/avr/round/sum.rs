//! A weighted sum as the kernels see it: how wide it is, and how it is rounded.

use crate::backend::avr::isa::assembly::Assembly;
use crate::backend::avr::isa::registers::Register;
use crate::backend::avr::memory::added::{Added, Joining};
use crate::program::{
    Accumulator, ByteScales, ConstantParameters, Expectation, Finish, Program, RescaledSum,
    WeightedSum,
};
use std::rc::Rc;

/// How each output's sum `S = Σ w·x` becomes an activation without a shift up.
///
/// Where a map is added, `t = (Σ w·x << left) + (s << skip) + bias`, and S is what is
/// left of the first two when the lesser of both shifts is taken out of them; that
/// is `left` then ([`Joining`]).
///
/// With `t = (S << left) + bias` and `right ≥ 1`, rounding halves up is
/// `⌊(t + 2^(right−1)) / 2^right⌋`, and since floors nest it is also
/// `⌊(S + ⌊c / 2^m⌋) / 2^(right−m)⌋` for `c = bias + 2^(right−1)` and
/// `m = min(left, right)` where `left = m`. Rounding halves to even differs only
/// where `t` is halfway between two integers: what is divided is then a
/// multiple of the divisor, and an odd result is one too large. Where `c` is no
/// multiple of `2^m`, `t` never is halfway.
///
/// Without activation, `2^(right+bits−1)` more makes the result non-negative, so
/// that it is clamped and rounded like any other; that half range is taken off
/// again at the end.
#[derive(Clone, Debug)]
pub(crate) struct Rounding {
    /// Bits to shift the sum up by first; mostly 0.
    pub(crate) left: u32,
    /// Bits to shift down by.
    pub(crate) right: u32,
    /// One an output: what is added to the sum.
    pub(crate) addends: Vec<i32>,
    /// One an output: whether it may be halfway.
    pub(crate) halfway: Vec<bool>,
}

/// What becomes of the sums.
#[derive(Clone, Debug)]
pub(crate) enum SumEnding {
    /// They are results: shifted up, and the bias added.
    Exact,
    /// Rounded as the constants say.
    Rounded(Rounding),
    /// Rounded by a loop: shifts that are known at run time only, or too far.
    Shifted,
    /// Of a model: bytes by one multiplication.
    Scaled(Rc<ByteScales>),
    /// Of a projection: values of 16 bits, by a loop.
    Wide,
}

/// A weighted sum.
#[derive(Clone, Debug)]
pub(crate) struct Sum<'a> {
    pub(crate) program: &'a WeightedSum,
    /// What it reads and makes.
    pub(crate) expectation: Expectation,
    /// Bits of an activation.
    pub(crate) activation_bits: u32,
    /// Bits of a packed weight.
    pub(crate) weight_bits: u32,
    /// Whether what it reads is two's complement.
    pub(crate) signed_input: bool,
    /// What is taken off each byte that it reads, modulo 256.
    pub(crate) taken_off: u8,
    /// What taps outside of the map are read as; 0 where none is outside.
    pub(crate) outside: u8,
    /// Bytes of a sum.
    pub(crate) width: usize,
    pub(crate) ending: SumEnding,
    /// The map that is added.
    pub(crate) added: Option<Added>,
    /// Where a map is added, and the shifts are constants that are not looped over.
    pub(crate) joining: Option<Joining>,
    /// Bits to shift up by, where they are constants, after a map was added.
    pub(crate) left: u32,
    /// Where parameters that are loaded at run time begin, from the network's
    /// address on.
    pub(crate) first_parameter_byte: u32,
}

/// The least and greatest sum of an output.
#[derive(Clone, Copy, Default)]
struct Range {
    low: i64,
    high: i64,
}

impl Range {
    /// Bytes that hold it in two's complement.
    fn bytes(self) -> usize {
        (1..)
            .find(|&bytes| {
                let half = 1i64 << (8 * bytes - 1);
                -half <= self.low && self.high < half
            })
            .unwrap_or(8)
    }

    /// The sum and a value that is added to it.
    fn joined(self, joining: Joining, added: Range) -> Self {
        Self {
            low: (self.low << joining.sum) + (added.low << joining.joined),
            high: (self.high << joining.sum) + (added.high << joining.joined),
        }
    }

    fn scaled_and_moved(self, left: u32, by: i64) -> Self {
        // Shifts are 31 at most, sums far below 2^32.
        Self {
            low: (self.low << left) + by,
            high: (self.high << left) + by,
        }
    }
}

impl<'a> Sum<'a> {
    /// A sum that is kept in the arena, as wide as its accumulator, until all of
    /// its input has arrived. What is kept wraps around; only the whole sum,
    /// shifted up and with its bias, does not: it is rounded as it stands.
    pub(crate) fn kept(
        program: &'a Program,
        (sum, expectation): (&'a WeightedSum, Expectation),
        signed_input: bool,
        added: Option<Added>,
    ) -> Self {
        let width = sum.accumulator.bytes() as usize;
        let ending = match sum.finish {
            Finish::Exact => SumEnding::Exact,
            Finish::Relu | Finish::Signed => SumEnding::Shifted,
            Finish::Wide => SumEnding::Wide,
        };
        let sum = Self::new(program, (sum, expectation), signed_input, added);
        Self {
            width,
            joining: match ending {
                SumEnding::Exact => sum.joining,
                SumEnding::Rounded(_)
                | SumEnding::Shifted
                | SumEnding::Scaled(_)
                | SumEnding::Wide => None,
            },
            ending,
            ..sum
        }
    }

    /// A model's: each byte is read as a number from 0 to 255, `x + 128`, so that a value that
    /// stands for 0, after most activations, is 0 and is skipped.
    pub(crate) fn of_model(
        program: &'a Program,
        (sum, expectation): (&'a RescaledSum, Expectation),
        scales: Rc<ByteScales>,
        is_padded: bool,
    ) -> Self {
        Self {
            width: scales.signed_bytes.max(2) as usize,
            taken_off: 0x80,
            outside: match is_padded {
                true => (sum.input_zero_point as u8).wrapping_sub(0x80),
                false => 0,
            },
            ending: SumEnding::Scaled(scales),
            ..Self::new(program, (&sum.products, expectation), false, None)
        }
    }

    /// The same where sums are kept in that many bytes each until all of their input has arrived.
    pub(crate) fn kept_in(self, width: usize) -> Self {
        Self { width, ..self }
    }

    /// The same where [`BASE`] is not the network's address
    /// but that of a byte of it.
    pub(crate) fn based_at(self, byte: u32) -> Self {
        Self {
            first_parameter_byte: self.first_parameter_byte - byte,
            ..self
        }
    }

    /// `added`: the map that is added, where one is.
    pub(crate) fn new(
        program: &'a Program,
        (sum, expectation): (&'a WeightedSum, Expectation),
        signed_input: bool,
        added: Option<Added>,
    ) -> Self {
        let whole = program;
        let program = sum;
        let mut sum = Self {
            program,
            expectation,
            activation_bits: whole.activation_bits,
            weight_bits: whole.weight_bits,
            first_parameter_byte: whole.arena_bytes + whole.cursor_bytes,
            signed_input,
            taken_off: 0,
            outside: 0,
            added,
            joining: None,
            left: 0,
            width: match program.accumulator {
                Accumulator::I16 => 2,
                Accumulator::I32 => 4,
            },
            ending: match program.finish {
                Finish::Exact => SumEnding::Exact,
                Finish::Relu | Finish::Signed => SumEnding::Shifted,
                Finish::Wide => SumEnding::Wide,
            },
        };
        let Some(constants) = program.parameters.constant() else {
            return sum;
        };
        sum.left = constants.left;
        let mut ranges = sum.ranges(constants);
        if let Some(joined) = added {
            let least = constants.left.min(constants.skip);
            let joining = Joining {
                sum: constants.left - least,
                joined: constants.skip - least,
            };
            // Farther is no shift that a trained network has.
            if constants.left.max(constants.skip) > 24 {
                return sum;
            }
            let values = sum.values(joined.signed);
            for range in &mut ranges {
                *range = range.joined(joining, values);
            }
            sum.joining = Some(joining);
            sum.left = least;
        }
        let left = sum.left;
        // The sum itself and what is made of it both fit.
        let width_of = |left: u32, addend: &dyn Fn(usize) -> i64| {
            let widths = ranges.iter().enumerate().map(|(output, range)| {
                let moved = range.scaled_and_moved(left, addend(output));
                moved.bytes()
            });
            widths.max().unwrap_or(2).max(2)
        };
        // Proven to fit the accumulator, which has 4 bytes at most.
        sum.width = width_of(left, &|output| constants.biases[output].into()).min(4);
        match program.finish {
            Finish::Exact | Finish::Wide => return sum,
            Finish::Relu | Finish::Signed => {}
        }
        if let Some(rounding) = sum.rounding(constants) {
            let width = width_of(rounding.left, &|output| rounding.addends[output].into());
            if width <= 4 {
                sum.width = width;
                sum.ending = SumEnding::Rounded(rounding);
            }
        }
        sum
    }

    pub(crate) fn constants(&self) -> Option<&'a ConstantParameters> {
        self.program.parameters.constant()
    }

    /// Makes a value of a byte that was read, in an upper register; the flags say whether it is 0.
    pub(crate) fn test(&self, asm: &mut Assembly, byte: Register) {
        match self.taken_off {
            0 => asm.tst(byte),
            taken_off => asm.subi(byte, taken_off),
        }
    }

    /// Whether a map is added by loops over shifts.
    pub(crate) fn joins_by_loops(&self) -> bool {
        self.added.is_some() && self.joining.is_none()
    }

    /// Whether sums can begin with what is added to them in the end.
    pub(crate) fn begins_with_addends(&self, left: u32) -> bool {
        left == 0 && self.joining.is_none_or(|joining| joining.sum == 0)
    }

    /// Whether it is rounded by shifts, bit by bit.
    pub(crate) fn is_shifted(&self) -> bool {
        match self.ending {
            SumEnding::Shifted => true,
            SumEnding::Exact | SumEnding::Rounded(_) | SumEnding::Scaled(_) | SumEnding::Wide => {
                false
            }
        }
    }

    /// Whether its outputs are values of 16 bits.
    pub(crate) fn is_wide(&self) -> bool {
        match self.ending {
            SumEnding::Wide => true,
            SumEnding::Exact
            | SumEnding::Rounded(_)
            | SumEnding::Shifted
            | SumEnding::Scaled(_) => false,
        }
    }

    /// Whether its outputs are results as they stand.
    pub(crate) fn is_exact(&self) -> bool {
        match self.ending {
            SumEnding::Exact => true,
            SumEnding::Rounded(_) | SumEnding::Shifted | SumEnding::Scaled(_) | SumEnding::Wide => {
                false
            }
        }
    }

    /// The way to bytes of a model's sums.
    pub(crate) fn scales(&self) -> Option<&Rc<ByteScales>> {
        match &self.ending {
            SumEnding::Scaled(scales) => Some(scales),
            SumEnding::Exact | SumEnding::Rounded(_) | SumEnding::Shifted | SumEnding::Wide => None,
        }
    }

    /// Whether results are two's complement.
    pub(crate) fn signed_output(&self) -> bool {
        self.program.finish == Finish::Signed
    }

    fn rounding(&self, constants: &ConstantParameters) -> Option<Rounding> {
        let (left, right) = (self.left, constants.right);
        // Farther is no shift that a trained network has.
        if left > 24 || right > 24 {
            return None;
        }
        let mut moved: i64 = if right > 0 { 1 << (right - 1) } else { 0 };
        if self.signed_output() {
            moved += 1 << (right + self.activation_bits - 1);
        }
        let nested = left.min(right);
        let constants = constants.biases.iter().map(|&bias| i64::from(bias) + moved);
        let addends = constants
            .clone()
            .map(|constant| i32::try_from(constant >> nested));
        let halfway = constants.map(|constant| right > 0 && constant & ((1 << nested) - 1) == 0);
        Some(Rounding {
            left: left - nested,
            right: right - nested,
            addends: addends.collect::<Result<_, _>>().ok()?,
            halfway: halfway.collect(),
        })
    }

    /// The values that an activation can have.
    fn values(&self, signed: bool) -> Range {
        if signed {
            let half = 1i64 << (self.activation_bits - 1);
            Range {
                low: -half,
                high: half - 1,
            }
        } else {
            Range {
                low: 0,
                high: (1i64 << self.activation_bits) - 1,
            }
        }
    }

    fn ranges(&self, constants: &ConstantParameters) -> Vec<Range> {
        let Range {
            low: least,
            high: most,
        } = self.values(self.signed_input);
        let outputs = self.program.outputs as usize;
        let mut ranges = vec![Range::default(); outputs];
        for row in constants.weights.chunks(outputs) {
            for (range, &weight) in ranges.iter_mut().zip(row) {
                let weight = i64::from(weight);
                range.low += (weight * least).min(weight * most);
                range.high += (weight * least).max(weight * most);
            }
        }
        ranges
    }
}
