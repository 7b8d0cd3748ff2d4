//! `ADD` and `SUB`, and how shapes are broadcast.

use super::call::{Call, Scale, scale};
use super::requantise::{Range, rescale};
use crate::fixed_point::Rescale;

/// Whether the second input is added or subtracted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// `ADD`.
    Plus,
    /// `SUB`.
    Minus,
}

/// The sum of two tensors.
#[derive(Clone, Debug, PartialEq)]
pub struct Addition {
    /// Whether the second one is added or subtracted.
    pub sign: Sign,
    /// Which values meet.
    pub broadcast: Broadcast,
    /// The inputs' values that stand for 0.
    pub input_zero_points: [i32; 2],
    /// What each input, times 2^20, is rescaled by.
    pub input_rescales: [Rescale; 2],
    /// What the sum is rescaled by.
    pub output_rescale: Rescale,
    /// The output's value that stands for 0.
    pub output_zero_point: i32,
    /// What the fused activation leaves.
    pub range: Range,
}

/// Bits that inputs are shifted up by, to keep as many after the point.
pub const LEFT_SHIFT: u32 = 20;

impl Addition {
    pub(super) fn read(call: &Call<'_>, sign: Sign) -> Result<Self, String> {
        let (a, output) = call.scales()?;
        let b = scale(call.input(1)?)?;
        let broadcast = Broadcast::read(call)?;
        // TensorFlow Lite computes those of a sum in 64 bits and those of a difference in 32.
        let one = f64::from(1 << LEFT_SHIFT);
        let (first, second, last) = match sign {
            Sign::Plus => {
                let twice = 2.0 * f64::from(a.scale.max(b.scale));
                (
                    f64::from(a.scale) / twice,
                    f64::from(b.scale) / twice,
                    twice / (one * f64::from(output.scale)),
                )
            }
            Sign::Minus => {
                let twice = 2.0 * a.scale.max(b.scale);
                (
                    (a.scale / twice).into(),
                    (b.scale / twice).into(),
                    (twice / (one as f32 * output.scale)).into(),
                )
            }
        };
        Ok(Self {
            sign,
            broadcast,
            input_zero_points: [a, b].map(|it: Scale| it.zero_point),
            input_rescales: [rescale(first)?, rescale(second)?],
            output_rescale: rescale(last)?,
            output_zero_point: output.zero_point,
            range: Range::of_activation(call, 0, output)?,
        })
    }

    /// What it makes of a value of each tensor.
    pub fn of_pair(&self, a: i8, b: i8) -> i8 {
        let [a, b] = [self.scaled(0, a), self.scaled(1, b)];
        let sum = match self.sign {
            Sign::Plus => a.wrapping_add(b),
            Sign::Minus => a.wrapping_sub(b),
        };
        let rescaled = self.output_rescale.apply(sum);
        self.range
            .clamp(self.output_zero_point.wrapping_add(rescaled))
    }

    /// A value of that input, with [`LEFT_SHIFT`] bits more, by the scale that both are added in.
    fn scaled(&self, input: usize, value: i8) -> i32 {
        let above = (i32::from(value) - self.input_zero_points[input]) << LEFT_SHIFT;
        self.input_rescales[input].apply(above)
    }

    pub(super) fn compute(&self, a: &[i8], b: &[i8]) -> Vec<i8> {
        self.broadcast.pairs(a, b, |a, b| self.of_pair(a, b))
    }
}

/// Which values of two tensors meet: where one has a side of 1, its only value meets all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broadcast {
    /// The shape of the result.
    pub shape: Vec<usize>,
    /// By input and axis: values from one to the next; 0 of a side of 1.
    pub steps: [Vec<usize>; 2],
}

impl Broadcast {
    pub(super) fn read(call: &Call<'_>) -> Result<Self, String> {
        let (a, b, output) = (call.input(0)?, call.input(1)?, call.output(0)?);
        let dimensions = a.shape.len().max(b.shape.len());
        let mut shape = vec![1; dimensions];
        for input in [a, b] {
            let first = dimensions - input.shape.len();
            for (side, &other) in shape[first..].iter_mut().zip(&input.shape) {
                match (*side, other) {
                    (1, other) => *side = other,
                    (_, 1) => {}
                    (side, other) if side == other => {}
                    _ => {
                        return Err(format!(
                            "`{}` is {:?} and `{}` {:?}: expected sides that are the same, or 1",
                            a.name, a.shape, b.name, b.shape
                        ));
                    }
                }
            }
        }
        if output.shape != shape {
            return Err(format!(
                "it makes {shape:?}, and `{}` is {:?}",
                output.name, output.shape
            ));
        }
        let steps = [a, b].map(|input| {
            let first = dimensions - input.shape.len();
            let mut steps = vec![0; dimensions];
            let mut step = 1;
            for (axis, &side) in input.shape.iter().enumerate().rev() {
                steps[first + axis] = if side == 1 { 0 } else { step };
                step *= side;
            }
            steps
        });
        Ok(Self { shape, steps })
    }

    /// What `of` makes of each pair.
    pub(super) fn pairs(&self, a: &[i8], b: &[i8], of: impl Fn(i8, i8) -> i8) -> Vec<i8> {
        let place = |mut index: usize, steps: &[usize]| {
            let mut place = 0;
            for (&side, &step) in self.shape.iter().zip(steps).rev() {
                place += index % side * step;
                index /= side;
            }
            place
        };
        (0..self.shape.iter().product())
            .map(|index| {
                of(
                    a[place(index, &self.steps[0])],
                    b[place(index, &self.steps[1])],
                )
            })
            .collect()
    }
}
